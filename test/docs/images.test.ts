/** The commands of docs/guides/images.md work as they stand there, in order, with images that are made for it. */
// seconds: 200
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { shellBlocks, textOf } from '../helpers/documents.ts'
import { busyboxRoot, execute, inTemp, NSBOX, type Ran } from '../helpers/nsbox.ts'
import { digestOf, pushImage, startRegistry, WITHOUT_REGISTRY } from '../helpers/registry.ts'

const PAGE = 'docs/guides/images.md'

/** A test that is skipped, with the reason in its title, where one of the programs is missing. */
function needing(programs: readonly string[], title: string, body: (dir: string) => Promise<void> | void): void {
  const missing = programs.filter((name) => Bun.which(name) === null)
  if (missing.length > 0) return test.skip(`${title} (not installed: ${missing.join(' ')})`, () => undefined)
  test(title, inTemp(body))
}

/** Runs one block in DIR, with a cache of its own there; the block may leave a box in the background. */
function shell(dir: string, code: string): Ran {
  const env = {
    ...process.env,
    PATH: `${dirname(NSBOX)}:${process.env.PATH}`,
    HOME: dir,
    NSBOX_CACHE: join(dir, 'cache'),
  }
  const ran = execute('bash', ['-ec', code], { cwd: dir, env, input: 'exit\n' })
  assert.is(ran.status, 0, `${code}\n${ran.stderr}`)
  return ran
}

function made(program: string, ...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync(program, args, { maxBuffer: 1 << 28 })
  assert.is(status, 0, `${program}: ${stderr}`)
  return stdout
}

function smallSystem(dir: string): string {
  const root = busyboxRoot(join(dir, 'root'), ['proc', 'dev', 'tmp', 'etc', 'root', 'srv'])
  writeFileSync(join(root, 'etc/os-release'), 'NAME="Small"\n')
  writeFileSync(join(root, 'srv/index.html'), 'served by an image\n')
  return root
}

needing(['mksquashfs', 'xorriso'], 'from an ISO file to a shell, kept changes, a program and a directory', (dir) => {
  mkdirSync(join(dir, 'iso/casper'), { recursive: true })
  made(
    'mksquashfs',
    smallSystem(dir),
    join(dir, 'iso/casper/filesystem.squashfs'),
    '-quiet',
    '-no-progress',
    '-all-root',
  )
  made('xorriso', '-as', 'mkisofs', '-quiet', '-o', join(dir, 'live.iso'), join(dir, 'iso'))
  rmSync(join(dir, 'root'), { recursive: true })
  const [toShell = '', keep = '', programs = '', cache = '', ...others] = shellBlocks(PAGE)
  assert.equal(others, [])
  assert.is(shell(dir, toShell).stdout, 'NAME="Small"\n')
  assert.match(shell(dir, keep).stdout, '/root/mine')
  assert.match(shell(dir, programs).stdout, /^NAME="Small"\n[^]*os-release/)
  const { stdout } = shell(dir, cache)
  assert.match(stdout, '1 layer, 0 differences\n')
  assert.match(stdout, /^removed .*live\.iso$/m)
})

/** A port that nobody has right now. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })

const title = 'from a registry name to a service, and a build without a network'
if (WITHOUT_REGISTRY !== '') test.skip(`${title} (not installed: ${WITHOUT_REGISTRY})`, () => undefined)
else
  needing(['curl'], title, async (dir) => {
    const registry = await startRegistry(join(dir, 'storage'))
    let stopped: Promise<void> | undefined
    const stop = (): Promise<void> => (stopped ??= registry.stop())
    try {
      const tar = made('tar', '-C', smallSystem(dir), '--owner=0', '--group=0', '-c', '.')
      const layers = [{ compressed: gzipSync(tar, { level: 1 }), diffId: digestOf(tar) }]
      const architecture = process.arch === 'x64' ? 'amd64' : process.arch
      const service = { Env: ['PATH=/bin'], Entrypoint: ['busybox', 'httpd', '-f', '-h', '/srv'], Cmd: ['-p', '80'] }
      await pushImage(registry.host, 'team/web', '1', { architecture, config: service, layers })
      await pushImage(registry.host, 'team/build', '1', { architecture, config: { Env: ['PATH=/bin'] }, layers })
      mkdirSync(join(dir, 'src'))
      writeFileSync(join(dir, 'src/build.sh'), 'ls /sys/class/net 2>/dev/null; echo built >result\n')
      const port = String(await freePort())
      const [web = '', build = '', ...others] = shellBlocks(PAGE, 'registry').map((code) =>
        code.replaceAll('registry.example.org', registry.host).replaceAll('8080', port),
      )
      assert.equal(others, [])
      assert.match(shell(dir, web).stdout, 'served by an image\n')
      // The pull asks the registry; the build must not.
      const [pull = '', ...offline] = build.split('\n')
      shell(dir, pull)
      await stop()
      shell(dir, offline.join('\n'))
      assert.is(readFileSync(join(dir, 'src/result'), 'utf8'), 'built\n')
    } finally {
      await stop()
    }
  })

test('the messages of the guide are those of the product', () => {
  const sources = execute('sh', ['-c', 'cat src/image/*.ts src/planner/*.ts'], {
    cwd: new URL('../..', import.meta.url).pathname,
  }).stdout
  const table = textOf(PAGE).split('\n## When it fails\n')[1] ?? ''
  const messages = [...table.matchAll(/^\| `(is [^`]+)`/gm)].map(([, message = '']) => message)
  assert.ok(messages.length >= 2)
  for (const message of messages) assert.ok(sources.includes(message), message)
})

test.run()
