/**
 * Whatever keeps a command from running is one error where callers of each function look for it, and nothing is left of
 * it.
 */
import * as child_process from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { getEventListeners, once } from 'node:events'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
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

const { dir, root, remove } = makeRoot()
test.after(remove)
const b = box({ root })

/** The errors of each function for a command that can't be started, each where its callers look for it. */
const FUNCTIONS = `
  const failed = (error) => ({ name: error.name, step: error.step, code: error.code, errno: error.errno, hint: error.hint, message: error.message })
  const functions = {
    run: (b, words, options) => b.run(words, options).then(() => 'ran', failed),
    spawn: (b, [command, ...args], options) => new Promise((resolve) => {
      const child = b.spawn(command, args, options)
      const errors = []
      let exits = 0
      for (const stream of [child.stdout, child.stderr]) stream?.resume()
      child.stdin?.on('error', () => {}).end('x')
      child.on('error', (error) => errors.push(failed(error)))
      child.on('exit', () => exits++)
      child.on('close', () => setTimeout(() => resolve(errors.length === 0 ? 'ran' : errors.length === 1 && exits === 0 ? errors[0] : { errors, exits }), 5))
    }),
    spawnSync: async (b, [command, ...args], options) => {
      const { error, status, pid } = b.spawnSync(command, args, options)
      return error === undefined ? 'ran' : status === null && pid === 0 ? failed(error) : { status, pid, error }
    },
  }
  const opened = { open: (b) => b.open().then((live) => live.close().then(() => 'ran'), failed) }
  process.on('uncaughtException', (error) => { console.log(JSON.stringify([{ uncaught: String(error && error.stack) }])); process.exit(1) })
  process.on('unhandledRejection', (error) => { console.log(JSON.stringify([{ unhandled: String(error && error.stack) }])); process.exit(1) })
`

/** Runs a program of its own, in a shell that may set limits first; what it prints as JSON. */
async function program(body, { before = ':', env = {} } = {}) {
  const script = join(dir, `script-${scripts++}.mjs`)
  writeFileSync(
    script,
    `import * as fs from 'node:fs'\nimport * as child_process from 'node:child_process'\nimport { box } from ${JSON.stringify(import.meta.resolve('nsbox'))}\n${FUNCTIONS}\n${body}`,
  )
  const child = child_process.spawn('sh', ['-c', `${before}; exec "$0" "$1"`, process.execPath, script], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr)])
  assert.ok(stdout !== '', stderr)
  return JSON.parse(stdout)
}
let scripts = 0

function isFailure(result, code, what) {
  assert.equal([result.name, result.code], ['SandboxError', code], `${what}: ${JSON.stringify(result)}`)
  assert.ok(
    result.errno < 0 && result.step !== '' && result.hint !== '' && result.message.endsWith(`\nhint: ${result.hint}`),
    `${what}: ${JSON.stringify(result)}`,
  )
}

test('however few descriptors are free, a command runs or is one error, and nothing stays open, on disk, or runs nonetheless', async () => {
  const tmp = join(dir, 'few')
  mkdirSync(tmp)
  const results = await program(
    `
    const b = box({ root: ${JSON.stringify(root)}, bind: ${JSON.stringify(`${tmp}:/work`)}, dieWithParent: true })
    for (const [name, start] of Object.entries({ ...functions, ...opened })) await start(b, ['true'], {})
    const held = []
    const count = () => fs.readdirSync('/proc/self/fd').length
    const before = count()
    const shared = () => fs.readdirSync('/dev/shm').filter((name) => name.startsWith('nsbox')).length
    const results = []
    for (let free = 0; free < 26; free++) {
      for (const [name, start] of Object.entries({ ...functions, ...opened })) {
        try { for (;;) held.push(fs.openSync('/dev/null')) } catch {}
        for (let n = 0; n < free; n++) fs.closeSync(held.pop())
        const file = '/work/' + name + free
        const promise = start(b, ['touch', file], {})
        const result = await promise
        for (const fd of held.splice(0)) fs.closeSync(fd)
        for (let tries = 0; tries < 200 && count() > before; tries++) await new Promise((done) => setTimeout(done, 5))
        results.push({ name, free, result, more: count() - before, shared: shared() })
      }
    }
    console.log(JSON.stringify(results))
  `,
    { before: 'ulimit -n 100', env: { TMPDIR: tmp, XDG_RUNTIME_DIR: '' } },
  )
  const of = (name) => results.filter((one) => one.name === name)
  for (const { name, free, result, more, shared } of results) {
    if (result !== 'ran') isFailure(result, 'EMFILE', `${name} with ${free} free`)
    assert.ok(more <= 0 && shared === 0, `${name} with ${free} free: ${more} more open, ${shared} in /dev/shm`)
    if (name !== 'open')
      assert.is(existsSync(join(tmp, `${name}${free}`)), result === 'ran', `${name} with ${free} free`)
  }
  for (const name of ['run', 'spawn', 'spawnSync', 'open']) {
    assert.ok(of(name).some(({ result }) => result === 'ran') && of(name).some(({ result }) => result !== 'ran'), name)
  }
  assert.equal(
    readdirSync(tmp).filter((name) => name.startsWith('nsbox')),
    [],
  )
})

test('node#14166: many starts at once with few descriptors are as many errors, and none that nobody can catch', async () => {
  const results = await program(
    `
    const b = box({ root: ${JSON.stringify(root)} })
    await b.run(['true'])
    const all = [...Array(100)].flatMap(() => [functions.run(b, ['true'], {}), functions.spawn(b, ['true'], {})])
    const results = await Promise.all(all)
    console.log(JSON.stringify([...results, await functions.run(b, ['true'], {})]))
  `,
    { before: 'ulimit -n 64' },
  )
  assert.is(results.length, 201)
  const failures = results.filter((one) => one !== 'ran')
  assert.ok(failures.length > 0)
  for (const failure of failures) isFailure(failure, 'EMFILE', 'many')
  assert.is(results.at(-1), 'ran')
})

test('an environment that is too large for a program is an error with the way out', async () => {
  const results = await program(`
    const b = box({ root: ${JSON.stringify(root)} })
    // A runtime keeps some descriptors of its own from the first time on.
    for (const start of Object.values(functions)) await start(b, ['true'], {})
    const before = fs.readdirSync('/proc/self/fd').length
    const results = []
    for (const start of Object.values(functions)) results.push(await start(b, ['true'], { env: { PATH: '/bin', LONG: 'x'.repeat(200000) } }))
    process.env.LONG = 'x'.repeat(200000)
    results.push(await opened.open(b))
    const more = () => fs.readdirSync('/proc/self/fd').length - before
    for (let tries = 0; tries < 200 && more() > 0; tries++) await new Promise((done) => setTimeout(done, 5))
    console.log(JSON.stringify([...results, more()]))
  `)
  assert.is(results.pop(), 0)
  for (const result of results) isFailure(result, 'E2BIG', 'environment')
})

test('where no process may be added, that is an error with the way out', async () => {
  // The limit does not bind root, and Bun itself aborts where it can start no thread.
  if (process.getuid() === 0 || process.versions.bun !== undefined) return
  const results = await program(`
    const b = box({ root: ${JSON.stringify(root)} })
    for (const start of Object.values(functions)) await start(b, ['true'], {})
    child_process.spawnSync('prlimit', ['--pid', String(process.pid), '--nproc=1:'])
    const results = []
    for (const start of Object.values({ ...functions, ...opened })) results.push(await start(b, ['true'], {}))
    console.log(JSON.stringify(results))
  `)
  for (const result of results) isFailure(result, 'EAGAIN', 'processes')
})

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

/** The package as it would be where something has gone wrong with its sidecar. */
async function damaged(name, damage) {
  const from = dirname(fileURLToPath(import.meta.resolve('nsbox')))
  const to = join(dir, name)
  cpSync(from, to, { recursive: true })
  const sidecar = join(to, `sidecar/nsbox-sidecar-${process.arch}`)
  statSync(sidecar)
  damage(sidecar)
  return import(pathToFileURL(join(to, 'index.js')))
}

test('a sidecar that is missing, or can not be executed, is an error of each function', async () => {
  const damages = {
    ENOENT: (sidecar) => rmSync(sidecar),
    EACCES: (sidecar) => chmodSync(sidecar, 0o644),
    ENOEXEC: (sidecar) => writeFileSync(sidecar, '\x7fELF of another machine'),
  }
  b.spawnSync('true')
  for (const [code, damage] of Object.entries(damages)) {
    const lib = await damaged(code, damage)
    const bad = lib.box({ root })
    const before = openFiles()
    const child = bad.spawn('true', ['x'])
    const events = await eventsOf(child)
    assert.equal([child.spawnfile, child.spawnargs, child.kill()], ['true', ['true', 'x'], false])
    assert.instance(child, child_process.ChildProcess)
    // Node has a shell execute a file of no known form.
    if (code !== 'ENOEXEC') assert.is(child.pid, undefined)
    assert.equal(
      events.map(([name]) => name),
      ['error', 'close'],
      code,
    )
    const sync = bad.spawnSync('true', ['x'])
    assert.equal(
      [sync.status, sync.signal, sync.output, sync.error.syscall, sync.error.spawnargs],
      [null, null, null, 'spawnSync true', ['x']],
    )
    const errors = [await rejected(bad.run(['true'])), events[0][1], sync.error, await rejected(bad.open())]
    for (const error of errors) {
      assert.ok(error instanceof lib.SandboxError && error.step === 'start', `${code}: ${error.stack}`)
      // A runtime may execute a file that has no known form by a shell.
      assert.equal(
        [error.code, error.hint !== undefined, error.message.endsWith(error.hint)],
        [code, true, true],
        `${code}: ${error.stack}`,
      )
    }
    await until('as few descriptors as before', () => openFiles() <= before)
  }
})

test('where no file can be made for the plan, the error says where one is tried', async () => {
  const readonly = '/dev/shm /tmp /var/tmp "$TMPDIR"'
  const before = `for d in ${readonly}; do mount --bind "$d" "$d" && mount -o remount,bind,ro,nosuid,nodev "$d"; done`
  const script = join(dir, 'no-file.mjs')
  const tmp = join(dir, 'no-file')
  mkdirSync(tmp)
  writeFileSync(
    script,
    `import { box } from ${JSON.stringify(import.meta.resolve('nsbox'))}\n${FUNCTIONS}
    const b = box({ root: ${JSON.stringify(root)} })
    const results = []
    for (const start of Object.values({ ...functions, ...opened })) results.push(await start(b, ['true'], {}))
    console.log(JSON.stringify(results))`,
  )
  const { stdout, stderr } = child_process.spawnSync(
    'unshare',
    ['-rm', 'sh', '-c', `${before}; exec "$0" "$1"`, process.execPath, script],
    { encoding: 'utf8', env: { ...process.env, TMPDIR: tmp, XDG_RUNTIME_DIR: '' } },
  )
  assert.ok(stdout !== '', stderr)
  for (const result of JSON.parse(stdout)) {
    isFailure(result, 'EROFS', 'no file')
    assert.match(result.hint, /TMPDIR/)
  }
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
