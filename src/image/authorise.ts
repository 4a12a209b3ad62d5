/**
 * Logs in to a registry, as its challenge asks: Basic, or a token from the server that it names (the distribution
 * project's token specification). Credentials go to the host that they are for, and to a token server of the same
 * domain.
 */
import type { SandboxError } from '../errors.ts'
import { type Challenge, parseChallenges } from './challenge.ts'
import type { Credentials } from './credential-helper.ts'
import type { FoundCredentials } from './credentials.ts'
import { type Answer, type Transport, refusal, requireSafe, send, wholeBody } from './http.ts'
import { pullFault } from './pull-fault.ts'

export type Login = {
  /** HOST[:PORT] as typed, which the credentials are for. */
  host: string
  /** The address that answers for it. */
  server: URL
  /** Name of the repository. */
  name: string
  transport: Transport
  /** Looked up once a server asks. */
  credentials: (host: string) => Promise<FoundCredentials>
}

const TOKEN_BYTES = 1 << 20
/** The characters that a header may hold. */
const HEADER_VALUE = /^[\x21-\x7e]+$/
const CLIENT = 'nsbox'

/** The Authorization header that answers a 401, which the caller closes. Throws SandboxError with the server's refusal where there is none. */
export async function authorise(answer: Answer, login: Login): Promise<string> {
  const challenges = parseChallenges(answer.headers.get('www-authenticate') ?? '')
  const bearer = challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.has('realm'))
  const found = await login.credentials(login.host)
  if (found.credentials !== undefined && 'token' in found.credentials) {
    if (bearer === undefined) throw await unauthorised(answer, login, found)
    return `Bearer ${found.credentials.token}`
  }
  if (bearer !== undefined) return `Bearer ${await tokenFor(bearer, login, found)}`
  const { credentials } = found
  const asksPassword = challenges.some(({ scheme }) => scheme === 'basic')
  if (!asksPassword || credentials === undefined || !('password' in credentials))
    throw await unauthorised(answer, login, found)
  return basic(credentials)
}

const basic = ({ username, password }: Extract<Credentials, { password: string }>): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`

/** The error for a 401 or 403, which says what was tried. */
export async function unauthorised(answer: Answer, login: Login, found?: FoundCredentials): Promise<SandboxError> {
  const used = found ?? (await login.credentials(login.host))
  return refusal(answer, login.transport, hintFor(login, used))
}

function hintFor({ host }: Login, { credentials, source, looked, notes }: FoundCredentials): string {
  const note = notes.length > 0 ? ` (${notes.join('; ')})` : ''
  if (credentials !== undefined)
    return `the credentials for ${host} are from ${source}: log in again with docker login ${host} or podman login ${host}${note}`
  const where = looked.length > 0 ? looked.join(', ') : 'no file, since neither HOME nor DOCKER_CONFIG is set'
  return `there are no credentials for ${host}: docker login ${host} or podman login ${host} stores them (looked in ${where})${note}`
}

async function tokenFor({ parameters }: Challenge, login: Login, found: FoundCredentials): Promise<string> {
  const { transport } = login
  const realm = realmOf(parameters.get('realm') ?? '', login)
  const service = parameters.get('service')
  const scopes = (parameters.get('scope') ?? `repository:${login.name}:pull`).split(' ').filter((scope) => scope !== '')
  const own = isSameDomain(realm, login) ? found : await login.credentials(realm.host)
  const { credentials } = own
  const isRefresh = credentials !== undefined && 'identityToken' in credentials
  const answer = isRefresh
    ? await send(realm, refreshMessage(credentials.identityToken, service, scopes), transport)
    : await send(
        withQuery(realm, service, scopes, credentials),
        {
          headers: credentials !== undefined && 'password' in credentials ? { Authorization: basic(credentials) } : {},
        },
        transport,
      )
  if (answer.status !== 200) {
    if (answer.status !== 401 && answer.status !== 403)
      throw await refusal(answer, { ...transport, subject: `${transport.subject}: token server ${realm.host}` })
    throw await tokenRefused(answer, realm, login, own)
  }
  return tokenIn(
    await wholeBody(answer, `the answer of the token server ${realm.host}`, TOKEN_BYTES, transport),
    realm,
    transport,
  )
}

function realmOf(text: string, { transport, server }: Login): URL {
  if (!URL.canParse(text))
    throw pullFault(transport.subject, `the address of the token server is malformed: ${text.slice(0, 200)}`)
  const realm = new URL(text)
  if (realm.protocol !== 'https:' && realm.protocol !== 'http:')
    throw pullFault(transport.subject, `the address of the token server is malformed: ${text.slice(0, 200)}`)
  if (realm.username !== '' || realm.password !== '')
    throw pullFault(transport.subject, 'the address of the token server has a password')
  requireSafe(realm, transport)
  // A registry elsewhere must not make this machine ask its own services.
  if (realm.protocol === 'http:' && server.protocol === 'https:')
    throw pullFault(transport.subject, `the token server of ${server.host} is at ${realm.host}, by plain http`)
  return realm
}

/**
 * Whether a token server belongs to the host that the credentials are for: it is that host, below it, its parent
 * domain, or below that: `registry.example.org` and `auth.example.org`.
 */
function isSameDomain(realm: URL, { host, server }: Login): boolean {
  return [new URL(`https://${host}`), server].some(({ hostname }) => {
    if (realm.hostname === hostname) return true
    if (/^[\d.]+$|^\[|^[^.]*$/.test(hostname)) return false
    const parent = hostname.slice(hostname.indexOf('.') + 1)
    const domain = parent.includes('.') ? parent : hostname
    return realm.hostname === domain || realm.hostname.endsWith(`.${domain}`)
  })
}

function withQuery(realm: URL, service: string | undefined, scopes: readonly string[], credentials?: Credentials): URL {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  for (const scope of scopes) url.searchParams.append('scope', scope)
  url.searchParams.set('client_id', CLIENT)
  if (credentials !== undefined && 'username' in credentials) url.searchParams.set('account', credentials.username)
  return url
}

function refreshMessage(refreshToken: string, service: string | undefined, scopes: readonly string[]) {
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: CLIENT,
    scope: scopes.join(' '),
    ...(service !== undefined && { service }),
  })
  return {
    method: 'POST' as const,
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  }
}

async function tokenRefused(answer: Answer, realm: URL, login: Login, used: FoundCredentials): Promise<SandboxError> {
  const transport = { ...login.transport, subject: `${login.transport.subject}: token server ${realm.host}` }
  if (used.credentials !== undefined || isSameDomain(realm, login))
    return refusal(answer, transport, hintFor(login, used))
  return refusal(
    answer,
    transport,
    `credentials for ${login.host} are not sent to ${realm.host}, which is another domain: log in to ${realm.host}`,
  )
}

function tokenIn(body: Buffer, realm: URL, transport: Transport): string {
  let found: unknown
  try {
    const { token, access_token: accessToken } = JSON.parse(body.toString()) as Record<string, unknown>
    found = token ?? accessToken
  } catch {
    found = undefined
  }
  if (typeof found === 'string' && HEADER_VALUE.test(found)) return found
  throw pullFault(transport.subject, `the answer of the token server ${realm.host} has no token`)
}
