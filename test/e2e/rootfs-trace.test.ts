/** Roots by running commands: `--trace` in a box on the host's files, `--check` in the root. */
// seconds: 300
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, NSBOX, nsbox } from '../helpers/nsbox.ts'
import { inVarTmp } from '../rootfs/helpers.ts'
import { build, ENV, inRoot, names, program, succeeded } from './trace-helpers.ts'

test(
  'a traced shell with its children runs in the root, and nothing that it wrote is on the host or in the root',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'input'), 'text\n')
    const made = join(dir, 'made')
    const script = `mkdir ${made}; cat input | sed s/t/T/ >${made}/output; rm input; ls ${made}; echo done`
    const { stdout, stderr } = succeeded(build(dir, 'r', '--trace', '--', 'sh', '-c', script))
    assert.is(stderr, 'output\ndone\n')
    assert.match(stdout, /^sh -c mkdir .* more$/m)
    assert.equal(names(dir), ['input', 'r'])
    assert.not.ok(existsSync(made))
    assert.not.ok(existsSync(join(dir, 'r', made)))
    const again = inRoot(join(dir, 'r'), 'sh', '-c', `cd ${dir}; ${script}; cat ${made}/output`)
    assert.equal([again.status, again.stdout, again.stderr], [0, 'output\ndone\nText\n', ''])
  }),
)

test(
  'a second trace adds what its inputs need, and a build without a change leaves the digest as it was',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'a'), 'a')
    writeFileSync(join(dir, 'b'), 'b')
    const trace = (input: string): string =>
      /sha256:\w+/.exec(succeeded(build(dir, 'r', '--trace', '--', 'cat', input)).stdout)?.[0] ?? 'none'
    const first = trace('a')
    assert.equal(names(join(dir, 'r', dir)), ['a'])
    assert.is(trace('a'), first)
    trace('b')
    assert.equal(names(join(dir, 'r', dir)), ['a', 'b'])
  }),
)

const python = ['/usr/bin/python3'].find((path) => existsSync(path))
const MODULES = 'import ssl, sqlite3, ctypes, json; print(json.dumps(sqlite3.sqlite_version))'
const PYTHON = 'a python with the modules that a run imports works in the root, with an empty environment'
if (python === undefined) test.skip(`${PYTHON} (no /usr/bin/python3)`, () => undefined)
else
  test(
    PYTHON,
    inVarTmp((dir) => {
      succeeded(build(dir, 'r', '--trace', '--', python, '-c', MODULES))
      const { status, stdout, stderr } = inRoot(join(dir, 'r'), python, '-c', MODULES)
      assert.equal([status, stderr], [0, ''])
      assert.is(stdout, execute(python, ['-c', MODULES], { env: ENV }).stdout)
    }),
  )

test(
  'paths are those of each process: relative to open directories, after fchdir, executed by a thread',
  inVarTmp((dir) => {
    mkdirSync(join(dir, 'data/link-here'), { recursive: true })
    symlinkSync('data', join(dir, 'link'))
    for (const name of ['a', 'b', 'c']) writeFileSync(join(dir, 'data', name), name)
    const file = program(dir)
    for (const [way, name] of [
      ['openat', 'a'],
      ['fchdir', 'b'],
      ['openat2', '/c'],
    ] as const)
      succeeded(build(dir, 'r', '--trace', '--', file, way, 'link', name))
    succeeded(build(dir, 'r', '--trace', '--', file, 'thread', '/bin/true'))
    assert.equal(names(join(dir, 'r', dir, 'data')), ['a', 'b', 'c'])
    assert.ok(existsSync(join(dir, 'r', dir, 'link')))
    assert.ok(existsSync(join(dir, 'r/bin/true')))
  }),
)

test(
  'a command that fails, is killed or runs out of time is a line and a status, and what it used is in the root',
  inVarTmp((dir) => {
    for (const [name, status, text, args] of [
      ['fails', 3, 'ended with status 3', ['--', 'sh', '-c', 'cat /etc/hostname; exit 3']],
      ['killed', 137, 'was ended by SIGKILL', ['--', 'sh', '-c', 'cat /etc/hostname; kill -9 $$']],
      ['slow', 124, 'ran out of time', ['--timeout', '2s', '--', 'sh', '-c', 'cat /etc/hostname; sleep 100']],
    ] as const) {
      for (const quiet of [[], ['--quiet']]) {
        const ran = build(dir, name, ...quiet, '--trace', ...args)
        assert.is(ran.status, status, ran.stderr)
        const line = `note: ${text}; the root has what it used until then, and may lack the rest: sh -c`
        assert.match(ran.stdout, line)
        if (quiet.length > 0) assert.is(ran.stdout.split('\n').length, 2)
        assert.ok(existsSync(join(dir, name, 'etc/hostname')))
      }
    }
  }),
)

test(
  'a command that cannot be executed is an error, and nothing is built',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'text'), 'text')
    for (const [command, message] of [
      ['no-such-command', 'No such file or directory (ENOENT)'],
      [join(dir, 'text'), 'Permission denied (EACCES)'],
    ] as const) {
      const { status, stderr } = build(dir, 'r', '--trace', '--', command)
      assert.is(status, 125)
      assert.match(stderr, `nsbox: rootfs: the command cannot be executed: ${command}: ${message}`)
    }
    assert.equal(names(dir), ['text'])
  }),
)

test(
  'a signal ends the command with all that it started, and nothing is built',
  inVarTmp(async (dir) => {
    const mark = `${process.pid}.${statSync(dir).ino}`
    const child = spawn(
      NSBOX,
      ['rootfs', 'build', 'r', '--trace', '--', 'sh', '-c', `sleep 9${mark} & echo started; exec sleep 8${mark}`],
      { cwd: dir, env: ENV, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let message = ''
    await new Promise<void>((resolve) => {
      child.stderr.on('data', (chunk) => {
        message += String(chunk)
        if (message.includes('started')) resolve()
      })
    })
    child.kill('SIGINT')
    const status = await new Promise((resolve) => child.once('close', resolve))
    assert.is(status, 130)
    assert.match(message, 'nsbox: rootfs: stopped by SIGINT')
    assert.equal(names(dir), [])
    for (let tries = 0; tries < 100 && running(mark); tries++) spawnSync('sleep', ['0.1'])
    assert.not.ok(running(mark))
  }),
)

function running(mark: string): boolean {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .some((pid) => {
      try {
        return new RegExp(`^sleep\0[89]${mark.replace('.', '\\.')}`).test(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))
      } catch {
        return false
      }
    })
}

const MANY = 'more than half a million paths are refused'
if (!asRoot) test.skip(`${MANY} (takes long, and is the same for all users)`, () => undefined)
else
  test(
    MANY,
    inVarTmp((dir) => {
      const { status, stderr } = nsbox(['rootfs', 'build', 'r', '--trace', '--', program(dir), 'many', '500100'], {
        cwd: dir,
        timeout: 240000,
      })
      assert.is(status, 125, stderr)
      assert.match(stderr, 'nsbox: rootfs: the command used more than 500000 paths')
      assert.equal(names(dir), ['use_files'])
    }),
  )

test(
  'a command brings what it opened, not what it only knows the path of, when it may not read that',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'secret'), 'secret')
    chmodSync(join(dir, 'secret'), 0o640)
    const file = program(dir)
    chmodSync(dir, 0o755)
    const has = (...command: string[]): boolean => {
      succeeded(build(dir, 'r', '--trace', '--', file, ...command))
      return existsSync(join(dir, 'r', dir, 'secret'))
    }
    assert.not.ok(has('write', 'secret'))
    // Only root can become another user.
    if (asRoot) assert.not.ok(has('as', '5001', join(dir, 'secret')))
    assert.ok(has('openat', dir, 'secret'))
  }),
)

test(
  'the command has the host network unless --net says otherwise, and the caller’s environment',
  inVarTmp((dir) => {
    const links = ['sh', '-c', 'echo $WORD; cat /proc/net/dev | wc -l']
    const run = (...args: string[]): string[] => {
      const how = { cwd: dir, env: { ...ENV, WORD: 'passed' } }
      return succeeded(nsbox(['rootfs', 'build', 'r', ...args, '--trace', '--', ...links], how)).stderr.split('\n')
    }
    const host = execute('sh', ['-c', 'cat /proc/net/dev | wc -l']).stdout.trim()
    assert.equal(run(), ['passed', host, ''])
    assert.equal(run('--net', 'none'), ['passed', '3', ''])
  }),
)

test(
  '--check asks each program for its version in the root, and compares with the host',
  inVarTmp((dir) => {
    const { stdout, stderr } = succeeded(build(dir, 'r', 'cat', 'sh', '--check'))
    assert.is(stderr, '')
    assert.match(stdout, /^check: \/usr\/bin\/cat --version: ends with 0/m)
    assert.match(stdout, /^check: \/usr\/bin\/sh --version: ends with (0|2, on this host with 2)/m)
  }),
)

test(
  'a check that fails names what it looked for, makes the status 1 and leaves the root as it was',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'input'), 'text')
    const command = ['sh', '-c', `touch /new; cat ${dir}/input /proc/self/comm`]
    const failing = build(dir, 'r', 'sh', 'cat', '--check', '--', ...command)
    assert.is(failing.status, 1)
    assert.match(failing.stdout, `FAILS: ends with 1, on this host with 0; looked for, here and not in the root: `)
    assert.match(failing.stdout, `${dir}/input`)
    assert.not.ok(existsSync(join(dir, 'r/new')))
    const quiet = build(dir, 'r', 'sh', 'cat', '--quiet', '--check', '--', ...command)
    assert.is(quiet.status, 1)
    assert.match(quiet.stdout, /^check: .* FAILS: [^\n]*\n$/)
    const json = build(dir, 'r', 'sh', 'cat', '--json', '--check', '--', ...command)
    const [check] = JSON.parse(json.stdout).checks
    assert.equal([check.passes, check.status, check.hostStatus], [false, 1, 0])
    assert.ok(check.missing.includes(join(dir, 'input')))
    const both = succeeded(build(dir, 'r', '--trace', '--check', '--', ...command))
    assert.match(both.stdout, /^check: .*: ends with 0/m)
  }),
)

test(
  'a program that the root lacks fails its check, even if it fails on the host as well',
  inVarTmp((dir) => {
    const { status, stdout } = build(dir, 'r', 'sh', '--check', '--', 'cat', '/none')
    assert.is(status, 1, stdout)
    assert.match(stdout, 'check: cat /none: FAILS: ends with 127, on this host with 1')
  }),
)

test(
  'wrong words are refused before anything runs',
  inVarTmp((dir) => {
    for (const [args, message] of [
      [['r', '--trace'], '--trace: the command is missing'],
      [['r', '--trace', '--'], '--trace: the command is missing'],
      [['r', 'ls', '--net', 'none'], '--net: is for the box of --trace or --check'],
      [['r', 'ls', '--timeout', '1s'], '--timeout: is for the box of --trace or --check'],
      [['r', 'ls', '--check', '--dry-run'], '--check needs a root, and --dry-run writes none'],
      [['-o', 'r.tar', 'ls', '--check'], '--check needs a DIR, and -o writes none'],
      [['r', '--check', '--', 'ls'], 'PROGRAM is missing'],
      [['r', 'ls', '--root', '/'], '--root'],
    ] as const) {
      const { status, stderr } = build(dir, ...args)
      assert.is(status, 2, args.join(' '))
      assert.match(stderr, message)
    }
    assert.equal(names(dir), [])
  }),
)

test(
  '--dry-run with --trace runs the command, lists what it used, and writes nothing',
  inVarTmp((dir) => {
    const { stdout } = succeeded(build(dir, 'r', '--dry-run', '--trace', '--', 'cat', '/etc/hostname'))
    assert.match(stdout, /^\/etc\/hostname$/m)
    assert.equal(names(dir), [])
  }),
)

test.run()
