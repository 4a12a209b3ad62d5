// seconds: 240
/** Images of a registry come into the cache, and boxes run in them: Debian's docker-registry on loopback. */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, failure, inTemp, nsbox, NSBOX, OUTSIDE_OF_TMP, type Ran } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'
import {
  WITHOUT_REGISTRY,
  digestOf,
  passwordFile,
  pushImage,
  pushIndex,
  startRegistry,
  type RealRegistry,
} from '../helpers/registry.ts'
import { tarOf, type TarEntry } from '../helpers/tar.ts'

const NAME = 'team/app'
const MACHINE = process.arch === 'x64' ? 'amd64' : process.arch

type Here = { dir: string; storage: string; registry: RealRegistry; keep: (one: { stop(): unknown }) => void }

function registryTest(title: string, body: (here: Here) => Promise<void>): void {
  if (WITHOUT_REGISTRY !== '') return test.skip(`${title} (not installed: ${WITHOUT_REGISTRY})`, () => undefined)
  test(
    title,
    inTemp(async (dir) => {
      const started: { stop(): unknown }[] = []
      const keep = (one: { stop(): unknown }) => void started.push(one)
      try {
        const storage = join(dir, 'storage')
        const registry = await startRegistry(storage)
        keep(registry)
        await body({ dir, storage, registry, keep })
      } finally {
        for (const one of started) await one.stop()
      }
    }),
  )
}

const layerOf = (entries: readonly TarEntry[]) => {
  const tar = tarOf(entries)
  return { compressed: gzipSync(tar, { level: 1 }), diffId: digestOf(tar) }
}
const SYSTEM = layerOf([
  { name: 'bin/', type: '5' },
  { name: 'bin/busybox', content: readFileSync('/bin/busybox'), mode: 0o755 },
  { name: 'bin/sh', type: '2', link: 'busybox' },
  { name: 'bin/cat', type: '2', link: 'busybox' },
])
/** A layer that is as large as its archive. */
const DATA = randomBytes(8 << 20)
const LARGE = layerOf([{ name: 'data', content: DATA }])
const LARGE_BLOB = digestOf(LARGE.compressed)
const SAYS = layerOf([{ name: 'says', content: 'hello\n' }])
const CONFIG = { Env: ['PATH=/bin'], Cmd: ['cat', '/says'] }
const IMAGE = { architecture: MACHINE, config: CONFIG, layers: [SYSTEM, LARGE, SAYS] }

/** A cache, and credentials, of this test alone. */
const envOf = (dir: string, more: Record<string, string> = {}) => ({
  ...process.env,
  HOME: dir,
  XDG_RUNTIME_DIR: join(dir, 'run'),
  XDG_CONFIG_HOME: join(dir, 'config'),
  DOCKER_CONFIG: join(dir, 'docker'),
  NSBOX_CACHE: join(dir, 'cache'),
  ...more,
})
const image = (dir: string, ...args: string[]): Ran => nsbox(['image', ...args], { env: envOf(dir) })

function result(ran: Ran): string {
  assert.is(ran.status, 0, ran.stderr)
  return ran.stdout
}

const cache = (dir: string, name: string): string[] => {
  const path = join(dir, 'cache/images/v1', name)
  return existsSync(path) ? readdirSync(path) : []
}
const partOf = (dir: string): string =>
  join(dir, 'cache/images/v1/blobs/sha256', `${LARGE_BLOB.slice('sha256:'.length)}.part`)

/** No archive, and nothing that is half made. */
function assertClean(dir: string): void {
  assert.equal(cache(dir, 'blobs/sha256'), [])
  for (const kind of cache(dir, 'layers'))
    assert.equal(
      cache(dir, `layers/${kind}`).filter((name) => /^(tmp|gone)-/.test(name)),
      [],
    )
}

/** Requests of the log that match. */
const requests = ({ log }: RealRegistry, what: RegExp): string[] =>
  log()
    .split('\n')
    .filter((line) => what.test(line))

registryTest('an image is pulled by its name, a box runs in it, and the next box asks nobody', async (here) => {
  const { dir, registry } = here
  const { digest } = await pushImage(registry.host, NAME, '1', IMAGE)
  const reference = `${registry.host}/${NAME}:1`
  const pulled = image(dir, 'pull', reference)
  assert.is(result(pulled), `${reference}@${digest}\n`)
  assert.match(pulled.stderr, new RegExp(`^pull ${reference}\n`))
  for (const layer of [1, 2, 3]) {
    assert.match(pulled.stderr, new RegExp(`^downloaded layer ${layer} of 3, `, 'm'))
    assert.match(pulled.stderr, new RegExp(`^unpacked layer ${layer} of 3$`, 'm'))
  }
  assertClean(dir)
  const before = registry.log()
  assert.is(result(nsbox(['--image', reference], { env: envOf(dir), ...OUTSIDE_OF_TMP })), 'hello\n')
  assert.is(registry.log(), before)
  // All is there: the manifest is asked for again, and no layer.
  assert.is(result(image(dir, 'pull', reference)), `${reference}@${digest}\n`)
  assert.is(requests(registry, /GET .*\/blobs\//).length, 4 + 1, registry.log())
  assert.is(result(image(dir, 'pull', `${registry.host}/${NAME}@${digest}`)), `${registry.host}/${NAME}@${digest}\n`)
})

registryTest('--quiet prints nothing, and --json a document; the events of the pull are beside it', async (here) => {
  const { dir, registry } = here
  const { digest } = await pushImage(registry.host, NAME, '1', IMAGE)
  const reference = `${registry.host}/${NAME}:1`
  assert.equal(image(dir, 'pull', '--quiet', reference), { status: 0, signal: null, stdout: '', stderr: '' })
  result(image(dir, 'rm', reference))
  result(image(dir, 'prune'))
  const json = image(dir, 'pull', '--json', reference)
  const [answer] = JSON.parse(result(json)) as { reference: string; layers: number }[]
  assert.is(answer?.reference, `${reference}@${digest}`)
  assert.is(answer?.layers, 3)
  const events = json.stderr
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { event: string; layer?: number; bytes?: number; total?: number })
  assert.equal(new Set(events.map(({ event }) => event)), new Set(['resolve', 'download', 'unpack', 'done']))
  for (const event of ['download', 'unpack']) {
    const last = events.filter((one) => one.event === event && one.layer === 2).at(-1)
    assert.is(last?.bytes, LARGE.compressed.length)
    assert.is(last?.total, LARGE.compressed.length)
  }
})

registryTest('--platform chooses from an index, and what is not in it is named', async ({ dir, registry }) => {
  const images = {
    amd64: await pushImage(registry.host, NAME, 'a', { ...IMAGE, architecture: 'amd64' }),
    arm64: await pushImage(registry.host, NAME, 'b', { ...IMAGE, architecture: 'arm64', layers: [SAYS] }),
  }
  const digest = await pushIndex(registry.host, NAME, '1', images)
  const reference = `${registry.host}/${NAME}:1`
  for (const architecture of ['amd64', 'arm64'])
    assert.is(result(image(dir, 'pull', '--platform', `linux/${architecture}`, reference)), `${reference}@${digest}\n`)
  const arm = JSON.parse(result(image(dir, 'inspect', '--platform', 'linux/arm64', reference)))
  assert.is(arm.config.architecture, 'arm64')
  const none = image(dir, 'pull', '--platform', 'linux/s390x', reference)
  failure(none, /^nsbox: image: no image for linux\/s390x: .*\nhint: there is: linux\/amd64, linux\/arm64/m)
  assert.is(none.stdout, '')
})

registryTest('a password comes from the file; without one the pull is refused with a hint', async (here) => {
  const { dir, storage, registry, keep } = here
  await pushImage(registry.host, NAME, '1', IMAGE)
  const closed = await startRegistry(storage, { auth: passwordFile(dir, 'ann', 'secret') })
  keep(closed)
  const reference = `${closed.host}/${NAME}:1`
  const refused = image(dir, 'pull', reference)
  failure(
    refused,
    /^nsbox: image: pull: .*: 401 Unauthorized: authentication required\nhint: there are no credentials for /m,
  )
  assertClean(dir)
  const file = join(dir, 'auth.json')
  const auth = Buffer.from('ann:secret').toString('base64')
  writeFileSync(file, JSON.stringify({ auths: { [closed.host]: { auth } } }))
  result(nsbox(['image', 'pull', reference], { env: envOf(dir, { REGISTRY_AUTH_FILE: file }) }))
  // Neither the plan of a box nor the cache has the password.
  const found = nsbox(['plan', '--image', reference], { env: envOf(dir) })
  assert.not.match(result(found), /secret/)
  assert.not.ok(result(found).includes(auth))
})

/** Passes connections on to a registry; once `most` bytes have come from it, nothing comes any more. */
async function relay(to: string): Promise<{ host: string; limit(most: number): void; passed(): number; stop(): void }> {
  let [most, passed] = [Infinity, 0]
  const server = createServer((client) => {
    const upstream = createConnection({ host: '127.0.0.1', port: Number(to.split(':')[1]) })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    client.on('data', (data) => upstream.write(data))
    upstream.on('data', (data) => {
      passed += data.length
      client.write(data)
      if (passed >= most) upstream.pause()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    limit: (bytes) => void ([most, passed] = [bytes, 0]),
    passed: () => passed,
    stop: () => void server.close(),
  }
}

const ended = (child: ChildProcess): Promise<NodeJS.Signals | number | null> =>
  new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)))

/** Waits for a part of the large layer that doesn't grow any more. */
async function partSize(dir: string, least: number): Promise<number> {
  const sizeNow = (): number => statSync(partOf(dir), { throwIfNoEntry: false })?.size ?? 0
  for (let tries = 0; tries < 2000 && sizeNow() < least; tries++) await Bun.sleep(10)
  assert.ok(sizeNow() >= least, `${sizeNow()} bytes came`)
  return sizeNow()
}

/** Not synchronous, since the relay is in this process. */
async function pullVia(dir: string, reference: string): Promise<Ran> {
  const child = spawn(NSBOX, ['image', 'pull', reference], { env: envOf(dir), stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (data: Buffer) => void (text[name] += data))
  const end = await ended(child)
  return { status: typeof end === 'number' ? end : null, signal: typeof end === 'string' ? end : null, ...text }
}

registryTest('after KILL in the middle of a download the next pull goes on where it stopped', async (here) => {
  const { dir, registry, keep } = here
  await pushImage(registry.host, NAME, '1', IMAGE)
  const between = await relay(registry.host)
  keep(between)
  const reference = `${between.host}/${NAME}:1`
  between.limit(SYSTEM.compressed.length + SAYS.compressed.length + (3 << 20))
  const child = spawn(NSBOX, ['image', 'pull', reference], { env: envOf(dir), stdio: 'ignore' })
  await partSize(dir, 1 << 20)
  const end = ended(child)
  child.kill('SIGKILL')
  assert.is(await end, 'SIGKILL')
  const { size } = statSync(partOf(dir))
  between.limit(Infinity)
  result(await pullVia(dir, reference))
  const missing = LARGE.compressed.length - size
  assert.is(requests(registry, new RegExp(`blobs/${LARGE_BLOB} HTTP/1.1" 206 ${missing} `)).length, 1, registry.log())
  assertClean(dir)
  assert.is(result(nsbox(['--image', reference, 'sh', '-c', 'cat /says'], { env: envOf(dir) })), 'hello\n')
})

registryTest('^C in a pull keeps what came, and the terminal is as it was', async ({ dir, registry, keep }) => {
  await pushImage(registry.host, NAME, '1', IMAGE)
  const between = await relay(registry.host)
  keep(between)
  const reference = `${between.host}/${NAME}:1`
  between.limit(SYSTEM.compressed.length + SAYS.compressed.length + (3 << 20))
  const script = 'trap : INT; stty -a >before; "$0" image pull "$1"; echo status $?; stty -a >after; echo end'
  const terminal = new Pty(['sh', '-c', `cd "$2"; ${script}`, NSBOX, reference, dir], envOf(dir))
  try {
    await terminal.expect(/download: \d of 3 layers, .* of .* MB/)
    await partSize(dir, 1 << 20)
    terminal.type('\x03')
    await terminal.expect(/\r\x1b\[Knsbox: image: stopped by SIGINT/)
    await terminal.expect(/status 130\s+end/)
    assert.is(readFileSync(join(dir, 'after'), 'utf8'), readFileSync(join(dir, 'before'), 'utf8'))
    assert.ok(existsSync(partOf(dir)))
    assert.ok(cache(dir, 'blobs/sha256').every((name) => name.endsWith('.part') || name.length === 64))
  } finally {
    await terminal.end()
  }
  between.limit(Infinity)
  result(await pullVia(dir, reference))
  assertClean(dir)
})

const FULL = 'on a full disk what came is kept, and the next pull goes on once there is room'
if (!asRoot) test.skip(`${FULL} (needs root, for a small file system)`, () => undefined)
else
  registryTest(FULL, async ({ dir, registry }) => {
    await pushImage(registry.host, NAME, '1', IMAGE)
    const place = join(dir, 'cache')
    mkdirSync(place, { mode: 0o700 })
    // The runner gives this test a mount namespace of its own.
    const mount = (...args: string[]) => result(execute('mount', args))
    mount('-t', 'tmpfs', '-o', 'size=7m,mode=700', 'small', place)
    try {
      const full = image(dir, 'pull', `${registry.host}/${NAME}:1`)
      failure(full, /^nsbox: image: .*: No space left on device \(ENOSPC\)\nhint: /m)
      const { size } = statSync(partOf(dir))
      assert.ok(size > 0 && size < LARGE.compressed.length, String(size))
      mount('-o', 'remount,size=64m', place)
      result(image(dir, 'pull', `${registry.host}/${NAME}:1`))
      const missing = LARGE.compressed.length - size
      assert.is(requests(registry, new RegExp(`blobs/${LARGE_BLOB} HTTP/1.1" 206 ${missing} `)).length, 1)
      assertClean(dir)
    } finally {
      execute('umount', [place])
    }
  })

registryTest('two pulls at once are both right', async ({ dir, registry }) => {
  await pushImage(registry.host, NAME, '1', IMAGE)
  const reference = `${registry.host}/${NAME}:1`
  const both = await Promise.all([1, 2].map(() => pullVia(dir, reference)))
  for (const ran of both) result(ran)
  assertClean(dir)
  assert.match(result(image(dir, 'verify')), / 0 differences\n$/)
})

const SHORT = 'a short name is looked for in the registries of the file, in their order'
if (asRoot) test.skip(`${SHORT} (for root that is the file of this machine)`, () => undefined)
else
  registryTest(SHORT, async ({ dir, registry, keep }) => {
    const second = await startRegistry(join(dir, 'second'))
    keep(second)
    const { digest } = await pushImage(second.host, NAME, '1', { ...IMAGE, layers: [SAYS] })
    mkdirSync(join(dir, 'config/nsbox'), { recursive: true })
    writeFileSync(join(dir, 'config/nsbox/registries'), `${registry.host}\n${second.host}\n`)
    assert.is(result(image(dir, 'pull', `${NAME}:1`)), `${second.host}/${NAME}:1@${digest}\n`)
    const none = image(dir, 'pull', `${NAME}:2`)
    failure(none, /^nsbox: image: none of the registries has it: team\/app:2\nhint: asked were 127/m)
  })

registryTest('a layer that is not what its digest says leaves nothing', async ({ dir, storage, registry }) => {
  await pushImage(registry.host, NAME, '1', IMAGE)
  const hex = LARGE_BLOB.slice('sha256:'.length)
  const stored = join(storage, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data')
  writeFileSync(stored, Buffer.alloc(LARGE.compressed.length))
  const spoiled = image(dir, 'pull', `${registry.host}/${NAME}:1`)
  failure(
    spoiled,
    new RegExp(
      `^nsbox: image: pull: .*: ${LARGE_BLOB}: what came has the digest sha256:.*\nhint: nothing of it was kept`,
      'm',
    ),
  )
  assert.is(spoiled.stdout, '')
  assert.not(existsSync(partOf(dir)))
  writeFileSync(stored, LARGE.compressed)
  result(image(dir, 'pull', `${registry.host}/${NAME}:1`))
  assertClean(dir)
})

test.run()
