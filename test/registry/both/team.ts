/** A registry with one repository, team/app, that may ask for credentials. */
import type { FoundCredentials } from '../../../src/image/credentials.ts'
import { contents, fakeImage, fakeIndex, type Handler } from './fake.ts'

export const image = fakeImage()
export const arm = fakeImage('arm64')

export const found = (credentials: FoundCredentials['credentials']) => async (): Promise<FoundCredentials> => ({
  ...(credentials && { credentials, source: '/home/me/auth.json' }),
  looked: ['/home/me/auth.json'],
  notes: [],
})
export const PASSWORD = { username: 'ann', password: 'p:ss' }
export const BASIC = `Basic ${Buffer.from('ann:p:ss').toString('base64')}`

export const plain = contents([image], { latest: image.manifest })
export const both = { amd64: image, arm64: arm, unknown: fakeImage('none') }
export const index = fakeIndex(both)
export const multi = contents(Object.values(both), { latest: index })

/** Lets pass who sends this header, and asks the others by this challenge. */
export const behind =
  (authorization: string, challenge: () => string, inner: Handler = plain): Handler =>
  (request, response, count) => {
    if (request.headers.authorization === authorization) return inner(request, response, count)
    response.statusCode = 401
    response.setHeader('WWW-Authenticate', challenge())
    response.end('{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')
  }
