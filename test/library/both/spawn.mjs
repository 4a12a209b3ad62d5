import { spawn } from 'node:child_process'
import { closeSync, createWriteStream, openSync, readFileSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box, SandboxError, UsageError } from 'nsbox'
import {
  ended,
  eventsOf,
  familyOf,
  familyWith,
  groupOf,
  isRunning,
  makeRoot,
  rejected,
  textOf,
  until,
} from './helpers.mjs'

const { dir, root, remove } = makeRoot()
test.after(remove)
const b = box({ root })

test('a child emits what a child does', async () => {
  const child = b.spawn('sh', ['-c', 'cat; echo oops >&2; exit 3'])
  const events = eventsOf(child)
  child.stdin.end('in\n')
  assert.equal(await Promise.all([textOf(child.stdout), textOf(child.stderr)]), ['in\n', 'oops\n'])
  assert.equal(await events, ['spawn', ['exit', 3, null], ['close', 3, null]])
  assert.equal([child.exitCode, child.signalCode, child.killed], [3, null, false])
  assert.equal(child.stdio, [child.stdin, child.stdout, child.stderr])
  assert.equal([child.spawnfile, child.spawnargs], ['sh', ['sh', '-c', 'cat; echo oops >&2; exit 3']])
})

test('one that a signal has killed says which, and one that exits with the same number does not', async () => {
  const killed = b.spawn('sh', ['-c', 'kill -USR1 $$'], { stdio: 'ignore' })
  assert.equal((await eventsOf(killed)).slice(1), [
    ['exit', null, 'SIGUSR1'],
    ['close', null, 'SIGUSR1'],
  ])
  assert.equal([killed.exitCode, killed.signalCode], [null, 'SIGUSR1'])
  assert.equal((await eventsOf(b.spawn('sh', ['-c', 'exit 138'], { stdio: 'ignore' }))).slice(1), [
    ['exit', 138, null],
    ['close', 138, null],
  ])
})

test('kill sends a signal to the command', async () => {
  const child = b.spawn('sh', ['-c', 'trap "exit 9" TERM; echo ready; while :; do sleep 0.02; done'])
  await once(child.stdout, 'data')
  assert.is(child.kill(), true)
  assert.equal(await once(child, 'exit'), [9, null])
})

test('with shell, command and arguments are one line for it', async () => {
  assert.is(await textOf(b.spawn('echo "a  b"; echo', ['c'], { shell: true }).stdout), 'a  b\nc\n')
  assert.is(await textOf(b.spawn('echo $0', { shell: '/bin/sh' }).stdout), '/bin/sh\n')
  assert.is(await textOf(b.spawn('echo', ['$HOME; ls'], {}).stdout), '$HOME; ls\n')
})

test('argv0, cwd and env are those of the command', async () => {
  assert.is(await textOf(b.spawn('/bin/busybox', ['hi'], { argv0: 'echo' }).stdout), 'hi\n')
  const shared = b.with({ bind: dir })
  assert.is(await textOf(shared.spawn('pwd', { cwd: dir }).stdout), `${dir}\n`)
  assert.is(await textOf(shared.spawn('pwd', { cwd: pathToFileURL(dir) }).stdout), `${dir}\n`)
  assert.is(String(shared.spawnSync('pwd', { cwd: dir }).stdout), `${dir}\n`)
  const env = { PATH: '/bin', ONE: 'yes it is' }
  assert.equal((await textOf(b.spawn('env', { env }).stdout)).trim().split('\n').sort(), ['ONE=yes it is', 'PATH=/bin'])
  assert.match(await textOf(b.with({ env: { ONE: '1' } }).spawn('env', { env }).stdout), 'ONE=1\n')
})

test('a directory for spawn is one of the host, as for child_process, and never silently another one', async () => {
  const host = box({ mask: dir })
  // A root of its own does not have it, and falls back to the box's own directory.
  assert.is(await textOf(b.spawn('pwd', { cwd: dir }).stdout), '/\n')
  assert.is(await textOf(b.with({ cwd: '/work' }).spawn('pwd', { cwd: dir }).stdout), '/work\n')
  assert.is(await textOf(host.with({ cwd: '/usr' }).spawn('pwd', { cwd: dir }).stdout), '/usr\n')
  assert.is(String(host.spawnSync('pwd', { cwd: '/usr' }).stdout), '/usr\n')
  for (const failed of [
    (await eventsOf(host.spawn('pwd', { cwd: dir })))[0][1],
    host.spawnSync('pwd', { cwd: dir }).error,
  ]) {
    assert.equal(
      [failed instanceof SandboxError, failed.step, failed.hint],
      [true, 'cwd', `mask: '${dir}' hides it: cwd: '/' starts in the root directory of the box`],
    )
  }
  const file = join(dir, 'file')
  writeFileSync(file, '')
  for (const [cwd, code] of [
    ['/no/where', 'ENOENT'],
    [file, 'ENOTDIR'],
  ]) {
    for (const each of [b, host]) {
      const { error, pid, status } = each.spawnSync('pwd', { cwd })
      assert.equal([error.code, error.path, pid, status ?? null], [code, cwd, 0, null])
    }
  }
  const child = b.spawn('pwd', { cwd: '/no/where' })
  const [error] = await once(child, 'error')
  assert.equal(
    [error instanceof SandboxError, error.code, error.path, child.pid],
    [true, 'ENOENT', '/no/where', undefined],
  )
})

test('run: a directory that the box does not show is an error, and names the option that leads out', async () => {
  const start = process.cwd()
  process.chdir(dir)
  try {
    const failed = await rejected(box({ tmpfs: dir }).run(['pwd']))
    assert.equal(
      [failed.step, failed.path, failed.hint],
      [
        'cwd',
        dir,
        `tmpfs: '${dir}' hides it: put bind: '${dir}' after that, or start in the root directory of the box by cwd: '/'`,
      ],
    )
    assert.is((await box({ tmpfs: dir, cwd: '/' }).run(['pwd'])).stdout, '/\n')
    assert.is((await box({ tmpfs: dir }).run(['pwd'], { cwd: '/usr' })).stdout, '/usr\n')
    assert.match((await rejected(box({ tmpfs: dir }).open())).hint, "cwd: '/'")
    const live = await box({ tmpfs: dir, cwd: '/' }).open()
    try {
      assert.is((await live.run(['pwd'])).stdout, '/\n')
      assert.is(String(live.spawnSync('pwd', { cwd: dir }).stdout), '/\n')
      assert.is(String(live.spawnSync('pwd', { cwd: '/usr' }).stdout), '/usr\n')
      assert.match((await rejected(live.run(['pwd'], { cwd: '/nowhere' }))).message, '/nowhere')
    } finally {
      await live.close()
    }
  } finally {
    process.chdir(start)
  }
})

test('streams and descriptors of the caller can be those of the command', async () => {
  const file = join(dir, 'out')
  const fd = openSync(file, 'w')
  const stream = createWriteStream(join(dir, 'err'))
  await once(stream, 'open')
  const [code] = await once(b.spawn('sh', ['-c', 'echo out; echo err >&2'], { stdio: ['ignore', fd, stream] }), 'close')
  closeSync(fd)
  stream.close()
  assert.is(code, 0)
  assert.equal([readFileSync(file, 'utf8'), readFileSync(join(dir, 'err'), 'utf8')], ['out\n', 'err\n'])
})

test('inherit gives the command the streams of the program', async () => {
  const script = join(dir, 'inherit.mjs')
  writeFileSync(
    script,
    `import { box } from ${JSON.stringify(import.meta.resolve('nsbox'))}\nbox({ root: ${JSON.stringify(root)} }).spawn('cat', { stdio: 'inherit' })\n`,
  )
  const child = spawn(process.execPath, [script])
  child.stdin.end('through\n')
  assert.is(await textOf(child.stdout), 'through\n')
})

test('an aborted signal gives an AbortError, and the command has the signal', async () => {
  const controller = new AbortController()
  const child = b.spawn('sh', ['-c', 'sleep 1000 & echo ready; sleep 1000'], { signal: controller.signal })
  const events = eventsOf(child)
  await once(child.stdout, 'data')
  const family = await familyWith(child.pid, 'sleep', 2)
  controller.abort()
  const [error, exit] = (await events).filter(([name]) => name === 'error' || name === 'exit')
  assert.equal([error[1].name, error[1].code], ['AbortError', 'ABORT_ERR'])
  assert.equal(exit, ['exit', null, 'SIGTERM'])
  await ended(family)
})

test('killSignal and timeout are those of child_process', async () => {
  const controller = new AbortController()
  const child = b.spawn('sh', ['-c', 'trap "exit 5" INT; echo ready; while :; do sleep 0.02; done'], {
    signal: controller.signal,
    killSignal: 'SIGINT',
  })
  const events = eventsOf(child)
  await once(child.stdout, 'data')
  controller.abort()
  assert.equal(
    (await events).find(([name]) => name === 'exit'),
    ['exit', 5, null],
  )
  assert.equal(await once(b.spawn('sleep', ['1000'], { timeout: 100, killSignal: 'SIGUSR2' }), 'exit'), [
    null,
    'SIGUSR2',
  ])
  const sync = b.spawnSync('sleep', ['1000'], { timeout: 100 })
  assert.equal([sync.error.code, sync.signal, sync.status], ['ETIMEDOUT', 'SIGTERM', null])
})

test('a signal that was aborted before leaves nothing', async () => {
  const child = b.spawn('sleep', ['1000'], { signal: AbortSignal.abort() })
  const events = await eventsOf(child)
  assert.is(events.find(([name]) => name === 'error')[1].name, 'AbortError')
  await ended(familyOf(process.pid))
})

test('detached makes a process group of its own, which a signal reaches as a whole', async () => {
  const child = b.spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
  const family = await familyWith(child.pid, 'sleep', 1)
  assert.equal([groupOf(child.pid), groupOf(family.at(-1))], [child.pid, child.pid])
  process.kill(-child.pid, 'SIGTERM')
  assert.equal(await once(child, 'exit'), [null, 'SIGTERM'])
  await ended(family)
})

test('a signal to that group counts from the first moment on, before there is a command', async () => {
  for (const options of [{ root }, { root, noInit: true }])
    for (let round = 0; round < 40; round++) {
      const child = box(options).spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
      const end = performance.now() + round / 10
      while (performance.now() < end);
      process.kill(-child.pid, 'SIGTERM')
      assert.equal(await once(child, 'exit', { signal: AbortSignal.timeout(20_000) }), [null, 'SIGTERM'])
    }
})

test('a failure of nsbox is an error of the child with its parts, and the streams are empty', async () => {
  const child = b.spawn('nowhere', ['x'])
  const events = eventsOf(child)
  assert.equal(await Promise.all([textOf(child.stdout), textOf(child.stderr)]), ['', ''])
  const [[name, error], ...others] = await events
  // As child_process has it: the number of the error stands in the place of an exit status.
  assert.equal([name, others, child.exitCode, child.signalCode], ['error', [['close', -2, null]], -2, null])
  assert.instance(error, SandboxError)
  const { step, path, code, errno, status } = error
  assert.equal(
    { step, path, code, errno, status },
    { step: 'exec', path: 'nowhere', code: 'ENOENT', errno: -2, status: 127 },
  )
  assert.equal([error.syscall, error.spawnargs], ['spawn nowhere', ['x']])
  assert.match(error.message, /\nhint: looked for in the PATH of the box$/)
})

test('spawnSync gives results, and failures as their error', () => {
  const result = b.spawnSync('sh', ['-c', 'cat; echo oops >&2; exit 4'], { input: 'hello', encoding: 'utf8' })
  assert.equal(
    [result.status, result.signal, result.stdout, result.stderr, result.output, result.error],
    [4, null, 'hello', 'oops\n', [null, 'hello', 'oops\n'], undefined],
  )
  assert.ok(Buffer.isBuffer(b.spawnSync('true').stdout))
  assert.equal(b.spawnSync('echo a; kill -TERM $$', { shell: '/bin/sh' }).signal, 'SIGTERM')
  assert.instance(b.spawnSync('nowhere').error, SandboxError)
  const unmade = box({ root: '/nowhere' }).spawnSync('true')
  assert.equal([unmade.error instanceof SandboxError, unmade.status], [true, null])
})

test('what a box can not give is refused', () => {
  assert.throws(
    () => b.spawn('true', [], { uid: 0 }),
    (error) => error instanceof UsageError && /^uid, gid: /.test(error.message),
  )
  assert.throws(() => b.spawn('true', [], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] }), /^stdio: /)
  assert.throws(() => b.spawn('true', [], { stdio: ['pipe', 'pipe', 'ipc'] }), /^stdio: /)
  assert.throws(() => b.spawn(''), /^command: empty/)
  assert.throws(() => b.spawn(7), /^command: must be text/)
})

test('a text that no program can be given names its place in the plan', async () => {
  const error = await rejected(b.run(['echo', 'a\0b']))
  assert.instance(error, SandboxError)
  assert.equal([error.step, error.pointer], ['read plan', '/process/argv/1'])
  assert.is((await b.run(['echo', '-n', '\\u0000'])).stdout, '\\u0000')
})

test('a command that closes its streams early, or never reads, hangs nobody', async () => {
  const closes = b.spawn('sh', ['-c', 'exec <&- >&- 2>&-; sleep 0.1; exit 2'])
  closes.stdin.on('error', () => {})
  closes.stdin.write('x'.repeat(1 << 20))
  assert.equal(await Promise.all([textOf(closes.stdout), textOf(closes.stderr)]), ['', ''])
  assert.equal(await once(closes, 'close'), [2, null])
  const { exitCode } = await b.run(['true'], { input: 'x'.repeat(1 << 22) })
  assert.is(exitCode, 0)
})

test('the streams end when the command has, also where something of it lives on in the background', async () => {
  const { stdout, exitCode } = await b.run(['sh', '-c', 'sleep 1000 & echo $!; exit 6'])
  assert.match(stdout, /^\d+\n$/)
  assert.is(exitCode, 6)
})

test('run: what it takes', async () => {
  const bytes = Buffer.from([0, 255, 128, 10])
  const { stdout } = await b.run(['cat'], { input: bytes, encoding: 'buffer' })
  assert.ok(Buffer.isBuffer(stdout) && stdout.equals(bytes))
  assert.is((await b.run(['cat'], { input: bytes, encoding: 'hex' })).stdout, '00ff800a')
  assert.is((await b.run(['pwd'], { cwd: '/work' })).stdout, '/work\n')
  assert.is((await b.run(['pwd'], { cwd: pathToFileURL('/work') })).stdout, '/work\n')
  assert.is((await b.with({ cwd: '/tmp' }).run(['pwd'], { cwd: '/work' })).stdout, '/work\n')
  assert.is(
    (await b.with({ clearEnv: true }).run(['sh', '-c', 'echo $ONE'], { env: { ONE: '1', PATH: '/bin' } })).stdout,
    '1\n',
  )
  const elsewhere = await rejected(b.run(['pwd'], { cwd: '/nowhere' }))
  assert.equal([elsewhere instanceof SandboxError, elsewhere.code], [true, 'ENOENT'])
  const silent = await b.run(['sh', '-c', 'echo x'], { stdio: 'ignore' })
  assert.equal([silent.stdout, silent.stderr, silent.exitCode], ['', '', 0])
})

test('run: an option that is none, or can not be, names itself', async () => {
  const mistakes = [
    [{ timeOut: 1 }, /^run: unknown option timeOut$/],
    [{ timeout: '1s' }, /^run: timeout: must be a number above 0, not '1s'$/],
    [{ timeout: 0 }, /^run: timeout: /],
    [{ maxBuffer: NaN }, /^run: maxBuffer: /],
    [{ input: 7 }, /^run: input: must be text or bytes, not 7$/],
    [{ signal: {} }, /^run: signal: must be an AbortSignal/],
    [{ cwd: '' }, /^run: cwd: must be an absolute path in the box, not empty$/],
    [{ cwd: 'usr' }, /^run: cwd: must be an absolute path in the box, not 'usr'$/],
    [{ cwd: '.' }, /^run: cwd: must be an absolute path in the box, not '\.'$/],
    [{ env: ['A=1'] }, /^run: env: /],
    [{ encoding: 'nothing' }, /^run: encoding: /],
    [{ stdio: ['pipe', 'pipe', 'pipe', 'pipe'] }, /^run: stdio: /],
    [{ stdio: 'inherit', input: 'x' }, /^input: needs standard input/],
  ]
  for (const [options, message] of mistakes) {
    const error = await rejected(b.run(['true'], options))
    assert.ok(error instanceof UsageError && message.test(error.message), `${JSON.stringify(options)}: ${error}`)
  }
  for (const argv of ['true', [], [7], ['']]) assert.instance(await rejected(b.run(argv)), UsageError)
})

test('run: a timeout ends all of the box, and the result tells what it used', async () => {
  const { exitCode, timedOut, stdout, usage } = await b.run(
    ['sh', '-c', 'trap "" TERM; setsid sleep 1000 & echo started; while :; do sleep 1; done'],
    { timeout: 300 },
  )
  assert.equal([exitCode, timedOut, stdout], [124, true, 'started\n'])
  assert.ok(usage.wall >= 0.3)
  assert.equal(familyOf(process.pid).filter(isRunning), [])
  const own = await box({ root, timeout: '100ms' }).run(['sleep', '1000'], { timeout: 100000 })
  assert.equal([own.exitCode, own.timedOut], [124, true])
})

test('run: a timeout reports one signal, also of a command that ends by the first that it gets', async () => {
  const results = await Promise.all([...Array(20)].map(() => b.run(['sleep', '1000'], { timeout: 50 })))
  for (const { exitCode, signal, timedOut } of results)
    assert.equal([exitCode, signal, timedOut], [124, 'SIGKILL', true])
})

test('run: an aborted signal rejects with its reason, when nothing is left', async () => {
  const controller = new AbortController()
  const running = rejected(
    b.run(['sh', '-c', 'trap "" TERM; setsid sleep 1000 & sleep 1000'], { signal: controller.signal }),
  )
  let family = []
  await until('two sleeps', () => (family = familyOf(process.pid)).length >= 4)
  controller.abort(new Error('enough'))
  assert.is((await running).message, 'enough')
  await ended(family)
  assert.is((await rejected(b.run(['true'], { signal: controller.signal }))).message, 'enough')
})

test('run: too much output ends the box', async () => {
  const error = await rejected(b.run(['yes'], { maxBuffer: 100000 }))
  assert.instance(error, RangeError)
  await ended(familyOf(process.pid))
})

test('a box ends with the program that started it, also when that is killed', async () => {
  const script = join(dir, 'parent.mjs')
  writeFileSync(
    script,
    `
    import { box } from ${JSON.stringify(import.meta.resolve('nsbox'))}
    const b = box({ root: ${JSON.stringify(root)} })
    for (const detached of [false, true]) b.spawn('sh', ['-c', 'trap "" HUP TERM; setsid sleep 1000 & sleep 1000'], { detached, stdio: 'ignore' })
    b.run(['sleep', '1000'])
  `,
  )
  const program = spawn(process.execPath, [script], { stdio: 'inherit' })
  const family = await familyWith(program.pid, 'sleep', 5)
  program.kill('SIGKILL')
  await ended(family)
})

test('dieWithParent: false lets a detached box live on', async () => {
  const script = join(dir, 'leaves.mjs')
  writeFileSync(
    script,
    `
    import { box } from ${JSON.stringify(import.meta.resolve('nsbox'))}
    const child = box({ root: ${JSON.stringify(root)}, dieWithParent: false }).spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
    child.unref()
    console.log(child.pid)
  `,
  )
  const pid = Number(await textOf(spawn(process.execPath, [script]).stdout))
  const family = [pid, ...(await familyWith(pid, 'sleep', 1))]
  assert.ok(family.every(isRunning))
  process.kill(pid, 'SIGKILL')
  await ended(family)
})

test('a command gets descriptors of the program, whichever numbers they have, and never those of nsbox', async () => {
  const path = join(dir, 'kept')
  writeFileSync(path, 'kept\n')
  const opened = Array.from({ length: 8 }, () => openSync(path, 'r'))
  const kept = opened.slice(-2)
  try {
    const boxed = box({ root, keepFd: kept, env: { SECRET: 's', OTHER: 'o' }, unsetEnv: 'SECRET' })
    const script = `cat <&${kept[0]}; cat /proc/self/fd/${kept[1]}; for n in 3 4 5 6 7 8 9; do test -e /proc/self/fd/$n && echo $n; done; echo $SECRET$OTHER`
    const open = kept.filter((fd) => fd < 10).join('\n')
    assert.is((await boxed.run(['sh', '-c', script])).stdout, `kept\nkept\n${open}${open && '\n'}o\n`)
    const sync = boxed.spawnSync('cat', [`/proc/self/fd/${kept[1]}`])
    assert.is(String(sync.stdout), 'kept\n')
    const live = await boxed.open()
    assert.is((await live.run(['cat', `/proc/self/fd/${kept[0]}`])).stdout, 'kept\n')
    await live.close()
  } finally {
    for (const fd of opened) closeSync(fd)
  }
  const { error } = box({ root, keepFd: 999 }).spawnSync('true')
  assert.match(error.message, /descriptors: keep: 999: .*EBADF/)
})

test('numbers that nsbox itself would use are free for a command', async () => {
  const path = join(dir, 'low')
  writeFileSync(path, 'low\n')
  const program = `
    import { box } from 'nsbox'
    const { stdout, stderr } = await box({ root: ${JSON.stringify(root)}, keepFd: [3, 4] }).run(['sh', '-c', 'cat <&3; cat <&4'])
    process.stdout.write(stdout + stderr)`
  const script = join(process.cwd(), `low-${process.pid}.mjs`)
  writeFileSync(script, program)
  const child = spawn(process.execPath, [script], {
    stdio: ['ignore', 'pipe', 'inherit', openSync(path, 'r'), openSync(path, 'r')],
  })
  assert.is(await textOf(child.stdout), 'low\nlow\n')
})

test.run()
