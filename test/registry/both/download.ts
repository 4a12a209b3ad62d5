/** Downloads of blobs from servers that behave, and that don't: what is kept, and what is said. */
import { randomBytes } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bytesThere, downloadBlob, type DownloadPlace } from '../../../src/image/download.ts'
import { OCI, client, contents, digestOf, fakeImage, refused, withServer, type Asked, type Handler } from './fake.ts'

const bytes = randomBytes(300_000)
const image = fakeImage('amd64', bytes)
const blob = { mediaType: OCI.layer, digest: digestOf(bytes), size: bytes.length }
const HEX = blob.digest.slice('sha256:'.length)
const whole = contents([image], {})

/** A directory for one test, and a lock that only this process sees. */
type Place = DownloadPlace & { directory: string; part: string; locked: string[]; names: () => string[] }

function withPlace(handler: Handler, body: (host: string, place: Place, asked: Asked[]) => Promise<void>) {
  return withServer(handler, async ({ host, asked }) => {
    const directory = mkdtempSync(join(tmpdir(), 'nsbox-'))
    const locked: string[] = []
    let last: Promise<void> = Promise.resolve()
    const lock = async (name: string) => {
      locked.push(name)
      const before = last
      let release = () => {}
      last = new Promise((resolve) => (release = resolve))
      await before
      return { release: async () => release() }
    }
    const part = join(directory, `${HEX}.part`)
    const names = () => readdirSync(directory)
    try {
      await body(host, { directory, path: join(directory, HEX), lock, part, locked, names }, asked)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
}

const rangesOf = (asked: readonly Asked[]) => asked.map(({ headers }) => headers.range)

test(
  'a blob is downloaded, for the caller alone, and not again',
  withPlace(whole, async (host, place, asked) => {
    const seen: number[] = []
    assert.ok(
      await downloadBlob(client(host).registry, blob, {
        ...place,
        onBytes: (count) => void seen.push(count),
      }),
    )
    assert.equal(readFileSync(place.path), bytes)
    assert.is(statSync(place.path).mode & 0o777, 0o600)
    assert.equal(place.names(), [HEX])
    assert.is(seen.at(-1), bytes.length)
    assert.equal(
      seen,
      [...seen].sort((a, b) => a - b),
    )
    assert.ok(await downloadBlob(client(host).registry, blob, place))
    assert.is(asked.length, 1)
    assert.equal(place.locked, Array(2).fill(`download-${HEX.slice(0, 2)}`))
  }),
)

test(
  'what is there of it is not asked for again',
  withPlace(whole, async (host, place, asked) => {
    assert.is(bytesThere(blob, place.path), 0)
    writeFileSync(place.part, bytes.subarray(0, 123_456))
    assert.is(bytesThere(blob, place.path), 123_456)
    await downloadBlob(client(host).registry, blob, place)
    assert.equal(readFileSync(place.path), bytes)
    assert.equal(rangesOf(asked), ['bytes=123456-'])
  }),
)

test(
  'a part that has everything is renamed without a request, and one that is longer starts anew',
  withPlace(whole, async (host, place, asked) => {
    writeFileSync(place.part, bytes)
    await downloadBlob(client(host).registry, blob, place)
    assert.is(asked.length, 0)
    rmSync(place.path)
    writeFileSync(place.part, Buffer.concat([bytes, bytes]))
    assert.is(bytesThere(blob, place.path), 0)
    await downloadBlob(client(host).registry, blob, place)
    assert.equal(rangesOf(asked), [undefined])
    assert.equal(readFileSync(place.path), bytes)
  }),
)

test(
  'an empty blob is downloaded too',
  withPlace(contents([fakeImage('amd64', Buffer.alloc(0))], {}), async (host, place) => {
    const empty = { ...blob, digest: digestOf(''), size: 0 }
    await downloadBlob(client(host).registry, empty, place)
    assert.is(readFileSync(place.path).length, 0)
  }),
)

/** Begins an answer, and breaks the connection after so many bytes. */
function cut(response: ServerResponse, start: number, length: number): void {
  if (start > 0) {
    response.statusCode = 206
    response.setHeader('Content-Range', `bytes ${start}-${bytes.length - 1}/${bytes.length}`)
  }
  response.setHeader('Content-Length', bytes.length - start)
  response.write(bytes.subarray(start, start + length), () => setTimeout(() => response.destroy(), 20))
}

const startOf = ({ headers }: Asked): number => Number(/(\d+)-/.exec(headers.range ?? '')?.[1] ?? 0)

test(
  'a connection that breaks is taken up where it broke',
  withPlace(
    (request, response) => cut(response, startOf(request), 60_000),
    async (host, place, asked) => {
      const { registry, waits } = client(host)
      await downloadBlob(registry, blob, place)
      assert.equal(readFileSync(place.path), bytes)
      assert.ok(asked.length >= 5, String(asked.length))
      assert.equal(new Set(waits.map(({ reason }) => reason)), new Set(['the connection broke']))
    },
  ),
)

test(
  'where nothing comes any more the pull fails, and what came is kept for the next one',
  withPlace(
    (request, response) => cut(response, startOf(request), startOf(request) === 0 ? 60_000 : 0),
    async (host, place) => {
      const words = await refused(downloadBlob(client(host).registry, blob, place))
      assert.match(words, /image: pull: .*: 127\.0\.0\.1:\d+ closed the connection/)
      assert.equal(place.names(), [`${HEX}.part`])
      assert.equal(readFileSync(place.part), bytes.subarray(0, 60_000))
    },
  ),
)

/** Faults of servers: how they answer, whether a part was there before, and what is said. */
const faults: Record<string, { part?: number; answer: Handler; words: RegExp }> = {
  'sends everything where a part was asked for': {
    part: 1000,
    answer: (_, response) => void response.end(bytes),
    words: /asked for the bytes from 1000 on, the server sends all of them \(200\)/,
  },
  'sends another part': {
    part: 1000,
    answer: (_, response) => {
      response.statusCode = 206
      response.setHeader('Content-Range', `bytes 0-${bytes.length - 1}/${bytes.length}`)
      response.end(bytes)
    },
    words: /asked for the bytes from 1000 on, the server sends 'bytes 0-299999\/300000'/,
  },
  'says nothing about the part that it sends': {
    part: 1000,
    answer: (_, response) => {
      response.statusCode = 206
      response.end(bytes.subarray(1000))
    },
    words: /asked for the bytes from 1000 on, the server sends ''/,
  },
  'has fewer bytes than are here already': {
    part: 1000,
    answer: (_, response) => {
      response.statusCode = 416
      response.end()
    },
    words: /the server has no bytes from 1000 on, but there should be 300000/,
  },
  'announces too little': {
    answer: (_, response) => void response.end(bytes.subarray(1)),
    words: /the server has 299999 bytes, but there should be 300000/,
  },
  'announces too much': {
    answer: (_, response) => void response.end(Buffer.concat([bytes, Buffer.from('x')])),
    words: /the server has 300001 bytes, but there should be 300000/,
  },
  'sends too little': {
    answer: (_, response) => {
      response.write(bytes.subarray(0, 5000))
      response.end()
    },
    words: /the server sends 5000 of its 300000 bytes/,
  },
  'sends without end': {
    answer: (_, response) => {
      const more = () => {
        while (!response.destroyed && response.write(bytes));
        response.once('drain', more)
      }
      more()
    },
    words: /the server sends more than its 300000 bytes/,
  },
  'sends other bytes': {
    answer: (_, response) => void response.end(Buffer.alloc(bytes.length)),
    words: /what came has the digest sha256:[0-9a-f]{64}/,
  },
  'sends the rest of other bytes': {
    part: 1000,
    answer: (request, response, count) => whole({ ...request, headers: { range: 'bytes=1000-' } }, response, count),
    words: /what came has the digest/,
  },
}
for (const [name, { part, answer, words }] of Object.entries(faults))
  test(
    `when the server ${name}, nothing is kept and the next pull is right`,
    withPlace(
      (request, response, count) => (count === 0 ? answer : whole)(request, response, count),
      async (host, place) => {
        if (part !== undefined) writeFileSync(place.part, Buffer.alloc(part))
        const said = await refused(downloadBlob(client(host).registry, blob, place))
        assert.match(said, words)
        assert.match(said, new RegExp(`^SandboxError: image: pull: ${host}/team/app:latest: ${blob.digest}: `))
        assert.match(said, /\nhint: nothing of it was kept/)
        assert.equal(place.names(), [])
        await downloadBlob(client(host).registry, blob, place)
        assert.equal(readFileSync(place.path), bytes)
      },
    ),
  )

test(
  'a blob that the registry does not have is an error, and what is here of it stays',
  withPlace(contents([], {}), async (host, place) => {
    writeFileSync(place.part, bytes.subarray(0, 10))
    assert.match(await refused(downloadBlob(client(host).registry, blob, place)), /404 Not Found: manifest unknown/)
    assert.equal(readFileSync(place.part), bytes.subarray(0, 10))
  }),
)

test(
  'an aborted download keeps what came',
  withPlace(
    (_, response) => {
      response.setHeader('Content-Length', bytes.length)
      response.write(bytes.subarray(0, 5000))
    },
    async (host, place) => {
      const control = new AbortController()
      const reason = new Error('enough')
      const { registry } = client(host, {}, { signal: control.signal })
      const onBytes = (count: number) => count === 5000 && control.abort(reason)
      assert.is(await downloadBlob(registry, blob, { ...place, onBytes }).catch((error: unknown) => error), reason)
      assert.equal(readFileSync(place.part), bytes.subarray(0, 5000))
    },
  ),
)

test(
  'two downloads at once make one request, and who waits may need it no more',
  withPlace(whole, async (host, place, asked) => {
    const there = await Promise.all([1, 2].map(() => downloadBlob(client(host).registry, blob, place)))
    assert.equal(there, [true, true])
    assert.is(asked.length, 1)
    rmSync(place.path)
    assert.is(await downloadBlob(client(host).registry, blob, { ...place, unless: () => true }), false)
    assert.is(asked.length, 1)
  }),
)

test(
  'a link in the place of the part is not followed, and a directory that is gone is named',
  withPlace(whole, async (host, place) => {
    const victim = join(place.directory, 'victim')
    symlinkSync(victim, place.part)
    const words = await refused(downloadBlob(client(host).registry, blob, place))
    assert.match(words, new RegExp(`image: download: ${place.part}: Symbolic link loop \\(ELOOP\\)`))
    assert.not(existsSync(victim))
    const directory = join(place.directory, 'gone')
    assert.match(
      await refused(downloadBlob(client(host).registry, blob, { ...place, path: join(directory, HEX) })),
      /image: download: .*\/gone\/.*\.part: No such file or directory \(ENOENT\)/,
    )
    mkdirSync(directory)
    await downloadBlob(client(host).registry, blob, { ...place, path: join(directory, HEX) })
  }),
)

test.run()
