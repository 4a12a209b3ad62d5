/**
 * As a zx script has it: the host's files, with an empty /tmp, a name and no network, so that each command can tell
 * where it is.
 */
import { PassThrough } from 'node:stream'
import { hostname } from 'node:os'
import { once } from 'node:events'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { $, cd, ProcessOutput, within } from 'zx'
import { box, SandboxError } from 'nsbox'
import { ended, familyOf, familyWith, isRunning, makeRoot, rejected, textOf } from './helpers.mjs'

const { dir, root, remove } = makeRoot()
test.after(remove)
$.verbose = false
const b = box({ tmpfs: '/tmp', hostname: 'boxed', net: 'none', cwd: '/' })
const boxed = $({ spawn: b.spawn, spawnSync: b.spawnSync })

test('each command runs in a box', async () => {
  assert.is((await boxed`hostname; ls -A /tmp`).stdout, 'boxed\n')
  assert.is((await $`hostname`).stdout.trim(), hostname())
})

test('values are quoted', async () => {
  const nasty = ['a b', "it's", '"$HOME"', '`id`', '$(id)', 'line\nfeed', '*', '-n', '', 'ü', ';exit 9']
  assert.is((await boxed`printf '%s|' ${nasty}`).stdout, `${nasty.join('|')}|`)
})

test('pipes lead from boxed commands to others and back', async () => {
  assert.is((await boxed`printf 'b\na\n'; hostname`.pipe($`sort; uname -n`)).stdout, `a\nb\nboxed\n${hostname()}\n`)
  assert.is((await $`printf 'b\na\n'`.pipe(boxed`sort; hostname`)).stdout, 'a\nb\nboxed\n')
  assert.is((await boxed`echo one`.pipe(boxed`cat; echo two`).pipe(boxed`wc -l`)).stdout.trim(), '2')
})

test('a failing command throws what zx throws, and nothrow gives it', async () => {
  const failed = await rejected(boxed`echo out; echo err >&2; exit 7`)
  assert.instance(failed, ProcessOutput)
  assert.equal([failed.exitCode, failed.stdout, failed.stderr], [7, 'out\n', 'err\n'])
  assert.is((await boxed`exit 8`.nothrow()).exitCode, 8)
  assert.is((await $({ spawn: b.spawn, nothrow: true })`exit 9`).exitCode, 9)
})

test('a failure of nsbox is the cause, and not among what the command has said', async () => {
  const nowhere = box({ root })
  const failed = await rejected($({ spawn: nowhere.spawn, shell: '/bin/no-such-shell', prefix: '' })`true`)
  assert.instance(failed.cause, SandboxError)
  assert.equal([failed.cause.step, failed.stderr], ['exec', ''])
})

test('timeout ends the command and all that it has started', async () => {
  const running = boxed`sleep 1000 & sleep 1000`.timeout('500ms')
  const failed = await rejected(running)
  assert.is(failed.signal, 'SIGTERM')
  await ended(familyOf(process.pid).filter((pid) => pid !== process.pid))
})

test('kill ends the command and all that it has started', async () => {
  for (const signal of ['SIGTERM', 'SIGKILL', 'SIGINT']) {
    const running = boxed`trap 'exit 3' INT; sleep 1000 & sleep 1000`.nothrow()
    const family = await familyWith(running.pid, 'sleep', 2)
    await running.kill(signal)
    const { exitCode, signal: by } = await running
    assert.ok(signal === 'SIGINT' ? exitCode === 3 || by === 'SIGINT' : by === signal, `${signal}: ${exitCode} ${by}`)
    await ended([running.pid, ...family].filter(Boolean))
  }
})

test('standard input: written to, and from a stream', async () => {
  const running = boxed`cat; hostname`
  running.stdin.write('one\n')
  running.stdin.end('two\n')
  assert.is((await running).stdout, 'one\ntwo\nboxed\n')
  assert.is((await boxed({ input: 'given\n' })`cat`).stdout, 'given\n')
  const stream = new PassThrough()
  const piped = stream.pipe(boxed`cat`)
  stream.end('streamed\n')
  assert.is(((await piped.run?.()) ?? (await piped)).stdout, 'streamed\n')
})

test('quiet and verbose', async () => {
  const log = []
  const logging = boxed({ log: (entry) => log.push(entry.kind), verbose: true })
  await logging`echo shown`
  assert.ok(log.includes('cmd') && log.includes('stdout'), String(log))
  assert.is((await boxed`echo x`.quiet()).stdout, 'x\n')
})

test('sync', () => {
  const sync = boxed({ sync: true })
  assert.is(sync`hostname`.stdout, 'boxed\n')
  assert.is($.sync({ spawnSync: b.spawnSync })`hostname`.stdout, 'boxed\n')
  assert.is(sync({ nothrow: true })`exit 5`.exitCode, 5)
})

test('within: a box for what is in it alone', async () => {
  await within(async () => {
    Object.assign($, { spawn: b.spawn, spawnSync: b.spawnSync })
    assert.is((await $`hostname`).stdout, 'boxed\n')
    $.cwd = '/usr'
    assert.is((await $`pwd`).stdout, '/usr\n')
  })
  assert.is((await $`hostname`).stdout.trim(), hostname())
})

test('cd, and the directory of one command', async () => {
  const start = process.cwd()
  await within(async () => {
    const { spawn, spawnSync } = box({ hostname: 'boxed' })
    Object.assign($, { spawn, spawnSync })
    cd('/usr/bin')
    assert.is((await $`pwd`).stdout, '/usr/bin\n')
    assert.is((await $({ cwd: '/usr/lib' })`pwd`).stdout, '/usr/lib\n')
  })
  assert.is((await rejected(boxed({ cwd: '/no/where' })`pwd`)).cause.code, 'ENOENT')
  cd(dir)
  // The box does not show that directory: its own one counts, and without that it is an error.
  assert.is((await $({ spawn: box({ mask: dir, cwd: '/' }).spawn })`pwd`).stdout, '/\n')
  assert.is((await $({ spawn: b.with({ cwd: '/usr' }).spawn })`pwd`).stdout, '/usr\n')
  const { cause } = await rejected($({ spawn: box({ mask: dir }).spawn })`pwd`)
  assert.equal(
    [cause.step, cause.path, cause.hint],
    ['cwd', dir, `mask: '${dir}' hides it: cwd: '/' starts in the root directory of the box`],
  )
  // zx prints an error's code and errno, whether it has them or not.
  assert.equal([cause.code, cause.errno], ['ENOENT', -2])
  const { message } = await rejected($({ spawn: box({ mask: dir }).spawn })`pwd`)
  assert.match(message, /hint: mask: /)
  assert.not.match(message, /undefined|Unknown/)
  cd(start)
})

test('env: that of the script, of one command, and of the box', async () => {
  assert.is((await boxed({ env: { ...process.env, ONE: '1' } })`echo $ONE`).stdout, '1\n')
  assert.is((await $({ spawn: b.with({ env: { ONE: '2' } }).spawn })`echo $ONE`).stdout, '2\n')
})

test('output streams while the command runs', async () => {
  const running = boxed`echo first; read line; echo "then $line"`
  const [first] = await once(running.stdout, 'data')
  assert.is(String(first), 'first\n')
  running.stdin.end('second\n')
  assert.is((await running).stdout, 'first\nthen second\n')
  const lines = []
  for await (const line of boxed`printf 'a\nb\nc\n'`) lines.push(line)
  assert.equal(lines, ['a', 'b', 'c'])
})

test('an aborted signal ends the command and all that it has started', async () => {
  const controller = new AbortController()
  const running = boxed({ signal: controller.signal })`sleep 1000 & sleep 1000`.nothrow()
  const family = await familyWith(running.pid, 'sleep', 2)
  controller.abort('enough')
  const { signal } = await running
  assert.is(signal, 'SIGTERM')
  await ended([running.pid, ...family])
})

test('many at once', async () => {
  const outputs = await Promise.all(Array.from({ length: 20 }, (_, n) => boxed`echo ${n}`))
  assert.equal(
    outputs.map(({ stdout }) => Number(stdout)),
    Array.from({ length: 20 }, (_, n) => n),
  )
})

test('nothing is left', async () => {
  assert.equal(familyOf(process.pid).filter(isRunning), [])
  assert.is(await textOf(b.spawn('true').stdout), '')
})

test.run()
