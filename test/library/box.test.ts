/** The library as its users use it, under Bun; test/library/node.test.ts has the same under Node. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { $ as zx } from 'zx'
import { box, SandboxError } from '../../src/index.ts'
import { busyboxRoot, inTemp } from '../helpers/nsbox.ts'

const inRoot = (body: (root: string) => Promise<void>) => inTemp((dir) => body(busyboxRoot(join(dir, 'r'))))

test('run gives what the command prints and its status', inRoot(async (root) => {
  const b = box({ root, tmpfs: '/tmp', net: 'none', hostname: 'boxed' })
  const { usage, ...result } = await b.run(['sh', '-c', 'hostname; ls /; cat; echo oops >&2; exit 3'], { input: 'from outside\n' })
  assert.equal(result, { exitCode: 3, signal: undefined, stdout: 'boxed\nbin\ndev\nproc\ntmp\nfrom outside\n', stderr: 'oops\n', timedOut: false })
  assert.ok(usage !== undefined && usage.wall > 0 && usage.maxRss > 0, JSON.stringify(usage))
}))

test('the box\'s own timeout is a result too', inRoot(async (root) => {
  const { exitCode, timedOut } = await box({ root, timeout: '100ms' }).run(['sleep', '1000'])
  assert.equal([exitCode, timedOut], [124, true])
}))

test('a command that a signal kills says which', inRoot(async (root) => {
  const result = await box({ root }).run(['sh', '-c', 'kill -USR1 $$'])
  assert.is(result.exitCode, 138)
  assert.is(result.signal, 'SIGUSR1')
}))

test('a failure of nsbox itself is a SandboxError with its parts, and never in the output of the command', inRoot(async (root) => {
  const missing = await box({ root }).run(['nowhere']).then(() => undefined, (error: unknown) => error)
  assert.instance(missing, SandboxError)
  const { step, path, code, errno, status } = missing as SandboxError
  assert.equal({ step, path, code, errno, status }, { step: 'exec', path: 'nowhere', code: 'ENOENT', errno: 2, status: 127 })
  assert.throws(() => box({ root: join(root, 'nowhere') }).plan(['sh']), (error: unknown) => error instanceof SandboxError && error.step === 'root')
}))

test('a command that ends with 125, 126 or 127 by itself is a result and no failure of nsbox', inRoot(async (root) => {
  for (const status of [125, 126, 127]) assert.is((await box({ root }).run(['sh', '-c', `exit ${status}`])).exitCode, status)
}))

test('an unknown option and a wrong value name the key', () => {
  assert.throws(() => box({ tmpf: '/tmp' } as object), /unknown option tmpf/)
  assert.throws(() => box({ ro: 'yes' } as object), /ro: must be true or false/)
  assert.throws(() => box({ root: true } as object), /root: must be text/)
  assert.throws(() => box({ ro: true, overlay: true }), /--ro and --overlay/)
})

test('mounts keep the order in which they stand', () => {
  const plan = box({ mounts: [{ type: 'tmpfs', target: '/a' }, { type: 'dir', target: '/a/b' }], tmpfs: ['/c', '/d:size=1m'] }).plan(['true'])
  const targets = (plan.mounts ?? []).map(({ target }) => target).filter((target) => target.length < 5 && target !== '/dev' && target !== '/sys')
  assert.equal(targets, ['/a', '/a/b', '/c', '/d'])
})

test('with adds to a box and leaves the first as it was', inRoot(async (root) => {
  const plain = box({ root, env: { A: '1' } })
  const narrower = plain.with({ net: 'none', env: { B: '2' } })
  const count = async (b: typeof plain) => (await b.run(['sh', '-c', 'ls /proc/sys/net/ipv4/conf | wc -l; echo $A$B'])).stdout.trim().split('\n')
  assert.is((await count(narrower))[1], '12')
  assert.is((await count(plain))[1], '1')
}))

test('a timeout ends all that runs in the box', inRoot(async (root) => {
  const result = await box({ root }).run(['sh', '-c', 'trap "" TERM; echo started; sleep 1000'], { timeout: 500 })
  assert.is(result.timedOut, true)
  assert.is(result.stdout, 'started\n')
}))

test('an aborted signal rejects with its reason', inRoot(async (root) => {
  const controller = new AbortController()
  const running = box({ root }).run(['sleep', '1000'], { signal: controller.signal })
  setTimeout(() => controller.abort(new Error('enough')), 100)
  await running.then(() => assert.unreachable(), (error: Error) => assert.is(error.message, 'enough'))
}))

test('output beyond maxBuffer ends the box', inRoot(async (root) => {
  await box({ root }).run(['yes'], { maxBuffer: 100000 }).then(() => assert.unreachable(), (error: Error) => assert.match(error.message, 'maxBuffer'))
}))

test('a mebibyte goes through standard input and output unharmed', inRoot(async (root) => {
  const input = Buffer.alloc(1 << 20, 'nsbox ').toString()
  assert.ok((await box({ root }).run(['cat'], { input })).stdout === input)
}))

test('spawnSync gives what child_process gives', inRoot(async (root) => {
  const result = box({ root }).spawnSync('cat', [], { input: 'hello' })
  assert.is(String(result.stdout), 'hello')
  assert.is(result.status, 0)
  assert.instance(box({ root }).spawnSync('nowhere').error, SandboxError)
}))

test('zx runs its commands in the box, in pipes with others that are not', inRoot(async (root) => {
  const b = box({ root })
  const $ = zx({ spawn: b.spawn, spawnSync: b.spawnSync, shell: '/bin/sh', prefix: '', verbose: false } as object) as unknown as typeof zx
  const name = 'a b\'c"d$e'
  assert.is((await $`echo ${name}; ls /`).stdout, `${name}\nbin\ndev\nproc\ntmp\n`)
  assert.is((await $`cat /etc/hostname`.nothrow()).exitCode, 1)
  assert.is((await $`printf 'b\na\n'`.pipe(zx({ verbose: false })`sort`)).stdout, 'a\nb\n')
  const sync = zx({ spawnSync: b.spawnSync, shell: '/bin/sh', prefix: '', sync: true } as object) as unknown as typeof zx.sync
  assert.is(sync`echo sync`.stdout, 'sync\n')
}))

test('no descriptor stays open', inRoot(async (root) => {
  const b = box({ root })
  await b.run(['true'])
  const open = () => readdirSync('/proc/self/fd').length
  const before = open()
  for (let i = 0; i < 20; i++) await b.run(['true'])
  await Promise.all(Array.from({ length: 20 }, () => b.run(['true'])))
  // The runtime closes its ends of pipes a little later. 40 boxes that leaked one each would stay.
  for (let tries = 0; tries < 100 && open() > before; tries++) await Bun.sleep(20)
  assert.ok(open() <= before + 2, `${before} descriptors became ${open()}`)
}))

test.run()
