/** Errors of the library: each stands where callers of its function look for it, and nothing is left of the command. */
import * as child_process from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { createContext, runInContext } from 'node:vm'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { $ } from 'zx'
import { box, SandboxError, UsageError } from 'nsbox'
import {
  ended,
  eventsOf,
  familyOf,
  isRunning,
  makeRoot,
  openFiles,
  rejected,
  sleep,
  textOf,
  until,
} from './helpers.mjs'
import { programsIn } from './programs.mjs'

const { dir, root, remove } = makeRoot()
test.after(remove)
const b = box({ root })
const program = programsIn(dir)

test('a mount that a later one covers is a warning of the process, once a box; quiet leaves it out', async () => {
  const warnings = (options) =>
    program(`
      const warnings = []
      process.on('warning', ({ name, code, message, detail }) => warnings.push({ name, code, message, detail }))
      const b = box({ root: ${JSON.stringify(root)}, tmpfs: ['/tmp/sub', '/tmp'], ${options} })
      await b.run(['true'])
      await b.run(['true'])
      b.spawnSync('true')
      await (await b.open()).close()
      console.log(JSON.stringify(warnings))
    `)
  assert.equal(await warnings(''), [
    {
      name: 'NsboxWarning',
      code: 'COVERED_MOUNT',
      message: "tmpfs: '/tmp/sub' has no effect: the later tmpfs: '/tmp' covers it",
      detail: "hint: name it after tmpfs: '/tmp': mounts lie on each other in the order given",
    },
  ])
  assert.equal(await warnings('quiet: true'), [])
})

test('a box that can not be planned is an error of the child, not an exception', async () => {
  const child = box({ root: '/nowhere' }).spawn('true')
  child.stdin.write('x')
  const events = eventsOf(child)
  assert.equal(await Promise.all([textOf(child.stdout), textOf(child.stderr)]), ['', ''])
  const [[name, error], close] = await events
  assert.equal(
    [name, error instanceof SandboxError, error.step, error.code, error.path, close],
    ['error', true, 'root', 'ENOENT', '/nowhere', ['close', -2, null]],
  )
})

test('spawn comes when the command has started, before exit, and not where it has not', async () => {
  const child = b.spawn('sh', ['-c', 'exit 3'])
  await once(child, 'spawn')
  assert.equal(await once(child, 'exit'), [3, null])
  const many = await Promise.all(
    [...Array(20)].map((_, n) => eventsOf(b.spawn(n % 2 === 0 ? 'true' : 'nowhere', [], { stdio: 'ignore' }))),
  )
  for (const [n, events] of many.entries())
    assert.equal(
      events.map(([one]) => one).map((one) => (one.length === 1 ? 'spawn' : one)),
      n % 2 === 0 ? ['spawn', 'exit', 'close'] : ['error', 'close'],
    )
  const killed = b.spawn('sleep', ['1000'])
  killed.kill('SIGKILL')
  assert.equal((await eventsOf(killed)).at(-1), ['close', null, 'SIGKILL'])
})

test('what is of the wrong type is refused as child_process refuses it', async () => {
  const wrong = [
    [7],
    [null],
    [''],
    [undefined],
    [{}],
    ['a\0b'],
    ['true', 7],
    ['true', 'x'],
    ['true', ['a\0b']],
    ['true', [], 7],
    ['true', [], 'x'],
    ['true', [], null],
    ['true', [], []],
    ...Object.entries({
      cwd: 7,
      shell: 7,
      argv0: 7,
      detached: 'yes',
      uid: 'root',
      gid: {},
      timeout: 'x',
      killSignal: 'SIGNONE',
      signal: {},
      stdio: 'nowhere',
    }).map(([key, value]) => ['true', [], { [key]: value }]),
    ['true', [], { timeout: -1 }],
    ['true', [], { timeout: 1.5 }],
    ['true', [], { killSignal: {} }],
    ['true', [], { stdio: 7 }],
  ]
  const live = await b.open()
  for (const given of wrong) {
    const thrown = (body) => {
      try {
        body()
      } catch (error) {
        return error
      }
    }
    const before = openFiles()
    const expected = thrown(() => child_process.spawn(...given).on('error', () => {}))
    for (const [name, body] of Object.entries({
      spawn: () => b.spawn(...given),
      spawnSync: () => b.spawnSync(...given),
      live: () => live.spawn(...given),
    })) {
      const error = thrown(body)
      if (name === 'spawnSync' && given[2]?.signal !== undefined && error === undefined) continue
      assert.ok(error instanceof TypeError || error instanceof RangeError, `${name} ${JSON.stringify(given)}: ${error}`)
      assert.match(error.code, /^ERR_/)
      // Bun does not check these itself.
      if (expected?.code !== undefined && process.versions.bun === undefined)
        assert.equal(
          [error.name, error.code],
          [expected.name, expected.code],
          `${name} ${JSON.stringify(given)}: ${error}`,
        )
    }
    assert.ok(openFiles() <= before, JSON.stringify(given))
  }
  await live.close()
})

test('null, and a shell of no name, are as if they were not there', async () => {
  const options = {
    shell: '',
    uid: null,
    gid: null,
    cwd: null,
    env: null,
    argv0: null,
    stdio: null,
    timeout: null,
    killSignal: null,
    detached: null,
  }
  assert.is(await textOf(b.spawn('echo', ['a  b;c'], options).stdout), 'a  b;c\n')
  assert.is(String(b.spawnSync('echo', ['a  b;c'], options).stdout), 'a  b;c\n')
  assert.is(await textOf(b.spawn('echo', null, {}).stdout), '\n')
  assert.is(await textOf(b.spawn('pwd', { cwd: '/' }).stdout), '/\n')
  assert.throws(
    () => b.spawn('true', [], { uid: 0 }),
    (error) => error instanceof UsageError,
  )
})

test('values of another realm are taken', async () => {
  const context = createContext({})
  const other = (text) => runInContext(`(${text})`, context)
  assert.not(other('[]') instanceof Array)
  assert.is((await b.run(other("['cat']"), { input: other('new Uint8Array([104, 105])') })).stdout, 'hi')
  assert.is((await b.run(['sh', '-c', 'echo $A'], other("{ env: { A: 'there', PATH: '/bin' } }"))).stdout, 'there\n')
  assert.is(await textOf(b.spawn('echo', other("['x']"), other("{ stdio: ['ignore', 'pipe', 'pipe'] }")).stdout), 'x\n')
  assert.is(String(b.spawnSync('cat', other('[]'), { input: other('new Uint8Array([104, 105])') }).stdout), 'hi')
  // As polyfills have them, which know nothing of our classes.
  const url = { href: 'file:///work', protocol: 'file:', pathname: '/work' }
  assert.is((await b.run(['pwd'], { cwd: url })).stdout, '/work\n')
  const listeners = []
  const signal = {
    aborted: false,
    reason: undefined,
    addEventListener: (_name, listener) => listeners.push(listener),
    removeEventListener: () => {},
  }
  const running = rejected(b.run(['sleep', '1000'], { signal }))
  await until('a listener', () => listeners.length > 0)
  const why = new Error('why')
  Object.assign(signal, { aborted: true, reason: why })
  listeners[0]()
  assert.is(await running, why)
})

test('an abort gives its own reason at every moment, and leaves nothing', async () => {
  const why = { not: 'an error' }
  const waits = [
    () => {},
    () => Promise.resolve(),
    () => new Promise(setImmediate),
    ...[1, 2, 3, 5, 8, 13, 30].map((ms) => () => sleep(ms)),
  ]
  const starts = { run: (signal) => b.run(['sleep', '1000'], { signal }), open: (signal) => b.open({ signal }) }
  for (const [name, start] of Object.entries(starts)) {
    for (const wait of waits) {
      const controller = new AbortController()
      const promise = start(controller.signal).then(
        (live) => ({ live }),
        (error) => error,
      )
      await wait()
      controller.abort(why)
      const result = await promise
      // It may have been opened before.
      if (name === 'open' && result.live !== undefined) await result.live.closed
      else assert.is(result, why, name)
      await until('no listener', () => getEventListeners(controller.signal, 'abort').length === 0)
      await ended(familyOf(process.pid))
      assert.is(await rejected(start(controller.signal)), why)
    }
  }
  const late = new AbortController()
  assert.is((await b.run(['true'], { signal: late.signal })).exitCode, 0)
  late.abort(why)
  const aborted = await eventsOf(b.spawn('sleep', ['1000'], { signal: late.signal }))
  assert.equal(aborted.find(([name]) => name === 'error')[1].cause, why)
  assert.equal(
    [getEventListeners(late.signal, 'abort').length, (await rejected(b.open({ signal: 7 }))) instanceof UsageError],
    [0, true],
  )
})

test('a child has one listener on a signal, and none when it has ended or never started', async () => {
  const { signal } = new AbortController()
  const listeners = () => getEventListeners(signal, 'abort').length
  const children = [...Array(5)].map(() => b.spawn('cat', [], { signal, stdio: ['pipe', 'ignore', 'ignore'] }))
  assert.is(listeners(), 5)
  for (const child of children) child.stdin.end()
  await Promise.all(children.map((child) => once(child, 'close')))
  assert.is(listeners(), 0)
  await eventsOf(b.spawn('nowhere', [], { signal, stdio: 'ignore' }))
  await eventsOf(box({ root: '/nowhere' }).spawn('true', [], { signal }))
  await eventsOf(b.spawn('true', [], { signal, env: { LONG: 'x'.repeat(200000) } }))
  assert.is(listeners(), 0)
})

test('errors of spawnSync name the command', () => {
  const late = b.spawnSync('sleep', ['1000'], { timeout: 50 })
  assert.equal(
    [late.error.code, late.error.path, late.error.spawnargs, late.error.syscall, late.signal],
    ['ETIMEDOUT', 'sleep', ['1000'], 'spawnSync sleep', 'SIGTERM'],
  )
  assert.not.match(String(late.error.message), 'sidecar')
  const missing = b.spawnSync('nowhere', ['x'])
  assert.equal(
    [missing.error.code, missing.error.path, missing.error.spawnargs, missing.error.syscall, missing.error.errno],
    ['ENOENT', 'nowhere', ['x'], 'spawnSync nowhere', -2],
  )
  assert.equal([missing.status, missing.pid, missing.output], [null, 0, null])
  const shell = b.spawnSync('true', [], { shell: '/bin/no-such' })
  assert.equal([shell.error.path, shell.error.spawnargs], ['/bin/no-such', ['-c', 'true']])
})

test('what zx prints of a failure has its number, its name and the way out', async () => {
  const missing = await rejected($({ spawn: b.spawn, shell: '/bin/no-such', prefix: '', verbose: false })`true`)
  assert.match(missing.message, /command not found in the box|no such file/i)
  assert.match(missing.message, /\n\s+errno: -2 \(No such file or directory\)\n\s+code: ENOENT\n/)
  const rootless = await rejected(
    $({ spawn: box({ root: '/nowhere' }).spawn, shell: '/bin/sh', prefix: '', verbose: false })`true`,
  )
  assert.match(rootless.message, /\n\s+errno: -2 \(No such file or directory\)\n\s+code: ENOENT\n/)
  // No system call has failed here, and zx prints a number all the same.
  const file = await rejected($({ spawn: box({ root: '/etc/passwd' }).spawn, prefix: '', verbose: false })`true`)
  assert.match(
    file.message,
    /^root: is not a directory: \/etc\/passwd\nhint: .*image.*\n\s+errno: -22 \(Invalid argument\)\n\s+code: EINVAL\n/,
  )
  assert.equal([file.cause.code, file.cause.errno], ['EINVAL', -22])
  const { error } = box({ root: '/etc/passwd' }).spawnSync('true')
  assert.equal([error.code, error.errno], ['EINVAL', -22])
  // `run` rejects with the error as it is.
  assert.is((await rejected(box({ root: '/etc/passwd' }).run(['true']))).code, undefined)
  const hinted = await rejected($({ spawn: b.spawn, shell: 'no-such', prefix: '', verbose: false })`true`)
  assert.match(hinted.message, /\nhint: looked for in the PATH of the box\n/)
})

test('nothing is left', async () => {
  await ended(familyOf(process.pid))
  assert.equal(familyOf(process.pid).filter(isRunning), [])
})

test.run()
