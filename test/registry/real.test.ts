/** The client against Debian's docker-registry, under Node and under Bun. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { bundled } from '../helpers/both-sources.ts'
import { inTemp, type Ran } from '../helpers/nsbox.ts'
import { RUNTIMES } from '../helpers/package.ts'
import {
  WITHOUT_REGISTRY,
  certificate,
  digestOf,
  passwordFile,
  pushImage,
  pushIndex,
  startRegistry,
  startTokenServer,
  type RealRegistry,
} from '../helpers/registry.ts'
import type { PullRequest } from './both/pull.ts'

const layer = randomBytes(20 << 20)
const HEX = digestOf(layer).slice('sha256:'.length)
const toPush = { layers: [{ compressed: layer, diffId: digestOf(layer) }] }
const NAME = 'team/app'

type Pull = (host: string, request?: Partial<PullRequest>, env?: Record<string, string>) => Promise<Ran>
type Here = {
  dir: string
  storage: string
  directory: string
  pull: Pull
  open: RealRegistry
  keep: (one: { stop(): unknown }) => void
}

/** A test for each runtime, with a registry that lets everybody push. */
function withRegistry(title: string, body: (here: Here) => Promise<void>): void {
  for (const { name, program } of RUNTIMES) {
    if (WITHOUT_REGISTRY !== '') {
      test.skip(`${title} (${name}; not installed: ${WITHOUT_REGISTRY})`, () => undefined)
      continue
    }
    test(
      `${title} (${name})`,
      inTemp(async (dir) => {
        const script = await bundled(join(import.meta.dir, 'both/pull.ts'), dir)
        const [storage, directory] = [join(dir, 'storage'), join(dir, 'blobs')]
        mkdirSync(directory)
        const started: { stop(): unknown }[] = []
        const keep = (one: { stop(): unknown }) => void started.push(one)
        try {
          const open = await startRegistry(storage)
          keep(open)
          const pull: Pull = (host, request = {}, env = {}) =>
            run(program, [script, JSON.stringify({ host, name: NAME, tag: '1', directory, ...request })], {
              PATH: process.env.PATH ?? '',
              HOME: dir,
              ...env,
            })
          await body({ dir, storage, directory, pull, open, keep })
        } finally {
          for (const one of started) await one.stop()
        }
      }),
    )
  }
}

/** Not synchronous, since the token server is in this process. */
function run(program: string, args: string[], env: Record<string, string>): Promise<Ran> {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) child[name].on('data', (data: Buffer) => void (text[name] += data))
  return new Promise((resolve) => child.on('close', (status, signal) => resolve({ status, signal, ...text })))
}

function answered({ status, stdout, stderr }: Ran): { digest: string; manifestDigest: string; layers: string[] } {
  assert.is(status, 0, stderr)
  return JSON.parse(stdout)
}

const login = (host: string, user: string, password: string): string =>
  JSON.stringify({ auths: { [host]: { auth: Buffer.from(`${user}:${password}`).toString('base64') } } })

withRegistry('an image is pulled without a login, by tag and by digest, and a wrong name is a 404', async (here) => {
  const { open, pull, directory } = here
  const { digest } = await pushImage(open.host, NAME, '1', toPush)
  assert.equal(answered(await pull(open.host)), { digest, manifestDigest: digest, layers: [digestOf(layer)] })
  assert.equal(readFileSync(join(directory, HEX)), layer)
  assert.is(answered(await pull(open.host, { digest })).digest, digest)
  const { status, stderr } = await pull(open.host, { tag: 'none' })
  assert.is(status, 1)
  assert.match(
    stderr,
    /^image: pull: 127\.0\.0\.1:\d+\/team\/app:none: 404 Not Found: manifest unknown\nhint: check the name/,
  )
  const missing = `sha256:${'0'.repeat(64)}`
  assert.match((await pull(open.host, { digest: missing })).stderr, /@sha256:0{64}: 404 Not Found/)
})

withRegistry('of an index each platform gets its image, also by the digest of the index', async ({ open, pull }) => {
  const images = {
    amd64: await pushImage(open.host, NAME, 'a', toPush),
    arm64: await pushImage(open.host, NAME, 'b', { ...toPush, architecture: 'arm64' }),
  }
  const digest = await pushIndex(open.host, NAME, '1', images)
  for (const [architecture, image] of Object.entries(images))
    for (const pinned of [{}, { digest }]) {
      const answer = answered(await pull(open.host, { platform: `linux/${architecture}`, ...pinned }))
      assert.equal(answer, { digest, manifestDigest: image.digest, layers: [digestOf(layer)] })
    }
  const { stderr } = await pull(open.host, { platform: 'linux/riscv64' })
  assert.match(stderr, /no image for linux\/riscv64.*\nhint: there is: linux\/amd64, linux\/arm64/)
})

withRegistry('a password is taken from the file, and a wrong one or none is a 401 with a hint', async (here) => {
  const { dir, storage, open, pull, keep } = here
  await pushImage(open.host, NAME, '1', toPush)
  const closed = await startRegistry(storage, { auth: passwordFile(dir, 'ann', 'p:ss word') })
  keep(closed)
  const none = await pull(closed.host)
  assert.is(none.status, 1)
  assert.match(
    none.stderr,
    /^image: pull: .*: 401 Unauthorized: authentication required\nhint: there are no credentials for/,
  )
  const file = join(dir, 'auth.json')
  const env = { REGISTRY_AUTH_FILE: file }
  writeFileSync(file, login(closed.host, 'ann', 'wrong'))
  const wrong = await pull(closed.host, {}, env)
  assert.is(wrong.status, 1)
  assert.match(
    wrong.stderr,
    new RegExp(`401 Unauthorized.*\nhint: the credentials for ${closed.host} are from ${file}`),
  )
  writeFileSync(file, login(closed.host, 'ann', 'p:ss word'))
  answered(await pull(closed.host, {}, env))
  // Only with the password did it answer more than 401.
  assert.is(closed.log().match(/"GET \/v2\/team\/app\/manifests\/1 HTTP\/1\.1" 200/g)?.length, 1)
})

withRegistry('a token server is asked with the scope and the password, and its refusal is told', async (here) => {
  const { dir, storage, open, pull, keep } = here
  await pushImage(open.host, NAME, '1', toPush)
  const tokens = await startTokenServer(dir, 'ann', 'secret')
  keep(tokens)
  const closed = await startRegistry(storage, { auth: tokens.auth })
  keep(closed)
  const anonymous = await pull(closed.host)
  assert.is(anonymous.status, 1)
  assert.is(tokens.asked.length, 1)
  assert.match(anonymous.stderr, /401 Unauthorized: authentication required\nhint: there are no credentials/)
  const file = join(dir, 'auth.json')
  const env = { REGISTRY_AUTH_FILE: file }
  writeFileSync(file, login(closed.host, 'ann', 'wrong'))
  const wrong = await pull(closed.host, {}, env)
  assert.match(
    wrong.stderr,
    /: token server 127\.0\.0\.1:\d+: 401 Unauthorized: incorrect username or password\nhint: the credentials/,
  )
  writeFileSync(file, login(closed.host, 'ann', 'secret'))
  answered(await pull(closed.host, {}, env))
  assert.equal(tokens.asked.at(-1)?.scope, ['repository:team/app:pull'])
  assert.ok(
    tokens.asked.every(({ authorization }) => authorization === undefined || authorization.startsWith('Basic ')),
  )
})

withRegistry('a pull that was killed goes on where it stopped', async ({ open, pull, directory }) => {
  await pushImage(open.host, NAME, '1', toPush)
  const killed = await pull(open.host, { killAt: 3 << 20 })
  assert.is(killed.signal, 'SIGKILL')
  assert.equal(readdirSync(directory), [`${HEX}.part`])
  const { size } = statSync(join(directory, `${HEX}.part`))
  assert.ok(size >= 3 << 20 && size < layer.length, String(size))
  answered(await pull(open.host))
  assert.equal(readdirSync(directory), [HEX])
  assert.equal(readFileSync(join(directory, HEX)), layer)
  // 206: the answer to a request for a part, with exactly the bytes that were missing.
  assert.match(open.log(), new RegExp(`"GET /v2/team/app/blobs/sha256:${HEX} HTTP/1.1" 206 ${layer.length - size} `))
})

withRegistry('a part that was spoiled on the disk is found out, and the next pull is right', async (here) => {
  const { open, pull, directory } = here
  await pushImage(open.host, NAME, '1', toPush)
  const part = join(directory, `${HEX}.part`)
  writeFileSync(part, randomBytes(1 << 20))
  const { status, stderr } = await pull(open.host)
  assert.is(status, 1)
  assert.match(stderr, /: what came has the digest sha256:[0-9a-f]{64}\nhint: nothing of it was kept/)
  assert.not(existsSync(part))
  answered(await pull(open.host))
})

withRegistry('a certificate of an own authority is refused with a hint, and taken once it is named', async (here) => {
  const { dir, storage, open, pull, keep } = here
  await pushImage(open.host, NAME, '1', toPush)
  const tls = certificate(dir, 'registry')
  const safe = await startRegistry(storage, { tls })
  keep(safe)
  const { status, stderr } = await pull(safe.host)
  assert.is(status, 1)
  assert.match(
    stderr,
    /^image: pull: .*: nobody that this machine trusts vouches for the certificate of 127\.0\.0\.1:\d+ \(/,
  )
  assert.match(stderr, /\nhint: NODE_EXTRA_CA_CERTS=FILE/)
  answered(await pull(safe.host, {}, { NODE_EXTRA_CA_CERTS: tls.file }))
})

test.run()
