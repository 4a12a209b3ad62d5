/** A command's start, its environment and its end. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  BIN,
  busyboxRoot,
  execute,
  inTemp,
  NSBOX,
  nsbox,
  PLAIN,
  SANITIZED,
  SIDECAR,
  sidecar,
  speakingBox,
} from '../helpers/nsbox.ts'

test("the exit status is the command's own, and 128 + N for a signal", () => {
  for (const status of [0, 1, 7, 124, 125, 126, 127, 255])
    assert.is(nsbox(['sh', '-c', `exit ${status}`]).status, status)
  for (const [name, status] of [
    ['TERM', 143],
    ['KILL', 137],
    ['SEGV', 139],
    ['PIPE', 141],
  ] as const)
    assert.is(nsbox(['sh', '-c', `kill -${name} $$`]).status, status, name)
  for (const flag of ['--no-init', '--share=pid']) assert.is(nsbox([flag, 'sh', '-c', 'exit 9']).status, 9)
})

test(
  'argv[0] is as the caller asked',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    assert.is(nsbox(['--root', root, '--argv0', 'echo', '/bin/busybox', 'hello']).stdout, 'hello\n')
  }),
)

test('arguments arrive as they are, with any bytes', () => {
  const strange = ['', ' ', '--root', '\'"\\', '\n', 'ü', '-']
  assert.is(nsbox(['--', 'printf', '<%s>', ...strange]).stdout, strange.map((word) => `<${word}>`).join(''))
  const bytes = execute('bash', ['-c', '"$0" printf "%s" $\'a\\xff\\xc3z\' | od -An -tx1', NSBOX]).stdout
  assert.is(bytes.trim(), '61 ff c3 7a')
})

test("the environment is the caller's, byte by byte", () => {
  const own = (command: string) =>
    execute('bash', ['-c', `export ODD=$'a\\xffb' EMPTY= ; ${command} env -0 | sort -z | grep -zv "^_=" | od -An -tx1`])
      .stdout
  assert.is(own(NSBOX), own(''))
})

test('an empty environment stays empty, and names in it may have any bytes', () => {
  assert.is(execute('env', ['-i', NSBOX, '/usr/bin/env']).stdout, '')
  assert.is(execute('env', ['-i', 'A=1', NSBOX, '/usr/bin/env']).stdout, 'A=1\n')
  const odd = execute('bash', [
    '-c',
    "env -i $'N\\xff=\\xfe' \"$0\" /usr/bin/env | od -An -tx1; export ODD=$'\\xff'; \"$0\" --clear-env --env ODD --env $'B\\xfd=\\xfc' /usr/bin/env | od -An -tx1",
    NSBOX,
  ]).stdout
  assert.is(odd, ' 4e ff 3d fe 0a\n 4f 44 44 3d ff 0a 42 fd 3d fc 0a\n')
})

test(
  'names of files may have any bytes: root, mounts, directory, program and stored plan',
  inTemp((dir) => {
    busyboxRoot(join(dir, 'r'))
    const script = `cd "$1"; n=$'odd\\xff\\n \\xc3'; mkdir "$n"; mv r "$n/r"; cd "$n"; echo content >"f$n"; cp r/bin/busybox "r/bin/p$n"
    show() { od -An -c | tr -d ' \\n'; echo; }
    "$0" sh -c 'basename "$PWD"; cat f*' | show
    "$0" --root r --bind ".:/m$n" --file "f$n:/u$n" --symlink "x$n:/l" sh -c 'printf "%s\\n" /m* /u*; cat /m*/f* /u*; readlink /l' | show
    "$0" --root "$PWD/r" --argv0 echo "/bin/p$n" ran
    "$0" plan --root r --cwd "/m$n" pwd >"plan$n"; "$0" run --plan "plan$n" | show
    "$0" bake -o "b$n" --root r echo baked; ls | grep -ac "^bodd"; "./b$n"`
    const { stdout, stderr } = execute('bash', ['-c', script, NSBOX, dir])
    assert.is(stderr, '')
    const odd = 'odd377\\n303'
    assert.equal(stdout.split('\n'), [
      `${odd}\\ncontent\\n`,
      `/m${odd}\\n/u${odd}\\ncontent\\ncontent\\nx${odd}\\n`,
      'ran',
      `/m${odd}\\n`,
      '1',
      'baked',
      '',
    ])
  }),
)

test(
  'the environment can be cleared, set and read from a file',
  inTemp((dir) => {
    writeFileSync(join(dir, 'vars'), '# comment\n\nFROM_FILE=a b=c\n')
    const env = { PATH: process.env.PATH, KEPT: 'kept', LOST: 'lost' }
    const { stdout } = nsbox(
      [
        '--clear-env',
        '--env',
        'KEPT',
        '--env',
        'NEW=1',
        '--env',
        'NEW=2',
        '--env-file',
        join(dir, 'vars'),
        '/usr/bin/env',
      ],
      { env },
    )
    assert.equal(stdout.trim().split('\n').sort(), ['FROM_FILE=a b=c', 'KEPT=kept', 'NEW=2'])
  }),
)

test(
  'descriptors are 0, 1 and 2, whatever the caller has open or closed',
  inTemp((dir) => {
    const fd = openSync(dir, 'r')
    const all = { stdio: ['ignore', 'pipe', 'pipe', fd, fd, fd, fd] } as never
    assert.is(nsbox(['ls', '/proc/self/fd'], all).stdout, '0\n1\n2\n3\n')
    closeSync(fd)
    const high = execute('bash', [
      '-c',
      'exec 9<. 63<. 255<. 900<.; "$0" ls /proc/self/fd; "$0" --status-fd 900 ls /proc/self/fd 900>/dev/null',
      NSBOX,
    ])
    assert.is(high.stdout, '0\n1\n2\n3\n0\n1\n2\n3\n', high.stderr)
    const closed = execute('bash', [
      '-c',
      `"$0" bash -c 'readlink /proc/self/fd/0 /proc/self/fd/2' <&- 2>&-`,
      NSBOX,
    ]).stdout
    assert.is(closed, '/dev/null\n/dev/null\n')
  }),
)

test("soft limits, the umask and signal dispositions are the caller's", () => {
  const show =
    'ulimit -S -n; ulimit -H -n; umask; nice; cat /proc/self/oom_score_adj; grep -E "^Sig(Blk|Ign)" /proc/self/status'
  const before = [
    'ulimit -S -n 123',
    'ulimit -n 200',
    'ulimit -S -n 64; ulimit -H -n 300',
    'trap "" USR2 PIPE',
    'trap "" XFSZ',
    'trap "" PIPE XFSZ INT; umask 027',
    'renice 5 $$ >/dev/null; :',
  ]
  // A plain build can't know which of the signals that the runtime ignores its caller had ignored.
  for (const set of before.filter((one) => !PLAIN || !/PIPE|XFSZ/.test(one))) {
    // As a child of the shell that has set them, and in its place, where a plain build finds no limit on open files
    // but the runtime's.
    for (const how of PLAIN && set.includes('ulimit') ? [''] : ['', 'exec']) {
      const own = (prefix: string) =>
        execute('bash', ['-c', `${set}; ${how} ${prefix} bash -c '${show}'${how ? '' : '; :'}`])
      const boxed = own(NSBOX)
      assert.is(boxed.stdout, own('').stdout, `${set}; ${how}: ${boxed.stderr}`)
    }
  }
  // Shells can't ignore it; env of coreutils can from 8.31 on.
  const blocked = (...prefix: string[]) =>
    execute('env', ['--block-signal=USR1,INT,RTMIN+2', ...prefix, 'grep', 'SigBlk', '/proc/self/status'])
  assert.is(blocked(NSBOX).stdout, blocked().stdout)
  assert.is.not(blocked().stdout, 'SigBlk:\t0000000000000000\n')
  assert.is(execute('bash', ['-c', `"$0" bash -c 'yes; echo $? >&2' | head -1`, NSBOX]).stderr, '141\n')
})

test(
  'the command starts where the caller is, or in / if the box has no such directory',
  inTemp((dir) => {
    assert.is(nsbox(['pwd'], { cwd: dir }).stdout, `${dir}\n`)
    const root = busyboxRoot(join(dir, 'r'))
    assert.is(nsbox(['--root', root, 'pwd'], { cwd: dir }).stdout, '/\n')
    assert.is(nsbox(['--root', root, '--cwd', '/bin', 'pwd']).stdout, '/bin\n')
    const { status, stderr } = nsbox(['--root', root, '--cwd', '/nowhere', 'pwd'])
    assert.is(status, 125)
    assert.is(
      stderr,
      'nsbox: exec: change to directory: /nowhere: No such file or directory (ENOENT)\nhint: --cwd names a directory of the box, as the box sees it; --dir makes one that is missing\n',
    )
  }),
)

test('no Bun is left beside the box', () => {
  const [comm, commandLine, memory] = nsbox([
    '--share',
    'pid',
    'sh',
    '-c',
    'cat /proc/$PPID/comm; tr "\\0" "\\n" < /proc/$PPID/cmdline; grep VmRSS /proc/$PPID/status',
  ]).stdout.split('\n')
  assert.equal([comm, commandLine], ['nsbox', 'nsbox'])
  // Bun takes some 30 MiB.
  assert.ok(Number(/\d+/.exec(memory ?? '')?.[0]) < (SANITIZED ? 20000 : 2000), memory)
})

test(
  'nsbox has no other child than the box, and does not wait for one of its caller',
  inTemp((dir) => {
    // Our parent is nsbox.
    const only = nsbox([
      '--share',
      'pid',
      'sh',
      '-c',
      'for i in $(seq 500); do [ "$(cat /proc/$PPID/task/$PPID/children)" = "$$ " ] && echo alone && exit; sleep 0.01; done; ps --ppid $PPID',
    ])
    assert.is(only.stdout, 'alone\n')
    const ways: readonly (readonly string[])[] = [
      ['sh', '-c', `sleep 600 >/dev/null 2>&1 & echo $!; exec ${NSBOX} true`],
      [join(BIN, 'before'), '600000', NSBOX, 'true'],
    ]
    for (const [program = '', ...args] of ways) {
      const { status, stdout } = execute(program, args, { cwd: dir })
      assert.is(status, 0)
      process.kill(Number(stdout), 'SIGKILL')
    }
  }),
)

const withPython = execute('sh', ['-c', 'command -v python3']).status === 0 ? test : test.skip
withPython('no process outlives nsbox, also where it refuses to start a box (where there is python3)', () => {
  // Orphans become our children (PR_SET_CHILD_SUBREAPER), and waitpid(2) with __WALL finds them.
  const script = `
import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
for words in (['true'], ['--no-init', 'false'], ['--status-fd', '77', 'true'], ['/nowhere'], ['--root', '/', '--tmpfs', '/nowhere/..', 'true']) * 5:
    subprocess.run([sys.argv[1], *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        os.waitpid(-1, os.WNOHANG | 0x40000000)
        print('left by', words)
    except ChildProcessError:
        pass
`
  assert.is(execute('python3', ['-c', script, NSBOX]).stdout, '')
})

const withFewProcesses = asRoot && !PLAIN ? test : test.skip
withFewProcesses(
  'as many processes as the box takes are enough (needs root, and native code: the runtime has threads)',
  () => {
    // A user without other processes.
    const as = ['--reuid', '54321', '--regid', '54321', '--clear-groups', 'prlimit']
    for (const [most, flags] of [
      [3, []],
      [2, ['--no-init']],
    ] as const) {
      for (let round = 0; round < 10; round++) {
        const { status, stderr } = execute('setpriv', [...as, `--nproc=${most}`, NSBOX, ...flags, 'true'], { cwd: '/' })
        assert.is(status, 0, stderr)
      }
    }
  },
)

test(
  'nothing of the current directory is read',
  inTemp((dir) => {
    const marker = join(dir, 'was-read')
    writeFileSync(join(dir, 'bunfig.toml'), 'preload = ["./preload.ts"]\n')
    writeFileSync(join(dir, 'preload.ts'), `require('fs').writeFileSync(${JSON.stringify(marker)}, '')\n`)
    writeFileSync(join(dir, '.env'), 'FROM_DOTENV=1\n')
    writeFileSync(join(dir, 'package.json'), '{"name": "other", "version": "9.9.9"}')
    writeFileSync(join(dir, 'tsconfig.json'), '{"compilerOptions": {"paths": {"*": ["./preload.ts"]}}}')
    const { stdout } = nsbox(['sh', '-c', 'echo "<$FROM_DOTENV>"; ls'], { cwd: dir })
    assert.is(stdout, '<>\nbunfig.toml\npackage.json\npreload.ts\ntsconfig.json\n')
    assert.match(nsbox(['--version'], { cwd: dir }).stdout, /^nsbox 0\./)
  }),
)

test(
  'events go to the status descriptor, one of each, and the command does not have it',
  inTemp((dir) => {
    const events = (...args: string[]) => {
      const file = join(dir, 'status')
      const fd = openSync(file, 'w')
      const { stdout } = nsbox(['--status-fd', '3', ...args], { stdio: ['ignore', 'pipe', 'pipe', fd] })
      closeSync(fd)
      return {
        stdout,
        lines: readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line)),
      }
    }
    const good = events('sh', '-c', 'ls /proc/self/fd; exit 3')
    assert.is(good.stdout, '0\n1\n2\n3\n')
    assert.equal(
      good.lines.map(({ event }) => event),
      ['start', 'exit'],
    )
    const { usage, ...exit } = good.lines[1]
    assert.equal(exit, { event: 'exit', status: 3, signal: 0 })
    assert.equal(Object.keys(usage), ['wall', 'user', 'system', 'maxRss'])
    assert.ok(usage.wall > 0 && usage.maxRss > 100000 && usage.user + usage.system >= 0, JSON.stringify(usage))
    assert.equal(
      [events('sh', '-c', 'kill -9 $$').lines[1]].map(({ status, signal }) => [status, signal]),
      [[137, 9]],
    )
    const bad = events('/no\nwhere"').lines
    assert.is(bad[0].event, 'error')
    assert.is(bad[0].path, '/no\nwhere"')
    assert.is(bad[0].code, 'ENOENT')
    assert.equal(
      bad.filter(({ event }) => event === 'start'),
      [],
    )
  }),
)

test(
  'a plan that is printed runs as the command line does',
  inTemp((dir) => {
    const args = speakingBox(join(dir, 'r'), 'echo $1; ls /')
    const expected = nsbox([...args, 'one']).stdout
    const plan = nsbox(['plan', ...args]).stdout
    assert.is(nsbox(['run', '--plan', '-', '--', 'one'], { input: plan }).stdout, expected)
    assert.is(sidecar(plan, ['--', 'one']).stdout, expected)
    writeFileSync(join(dir, 'plan.json'), plan)
    assert.is(nsbox(['run', '--plan', join(dir, 'plan.json'), '--', 'one']).stdout, expected)
    assert.is(execute(SIDECAR, ['--plan', join(dir, 'plan.json'), '--', 'one']).stdout, expected)
  }),
)

test(
  'a plan may be far longer than a command line',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    const plan = JSON.parse(nsbox(['plan', '--root', root, 'sh', '-c', 'env | wc -c']).stdout)
    plan.process.env = { set: Array.from({ length: 1500 }, (_, i) => `NAME_${i}=${'x'.repeat(900)}`) }
    writeFileSync(join(dir, 'plan.json'), JSON.stringify(plan))
    assert.ok(Number(nsbox(['run', '--plan', join(dir, 'plan.json')]).stdout) > 1_300_000)
  }),
)

test('output without a reader ends only the command', () => {
  assert.is(
    execute('bash', ['-c', `"$0" plan true | head -1; "$0" help | head -1; "$0" yes | head -1`, NSBOX]).stderr,
    '',
  )
})

test('a reader sees the end of the output when the command closes it, though the box lives on', async () => {
  const box = spawn(NSBOX, ['sh', '-c', 'echo out; exec >&- 2>&-; exec sleep 100'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  box.stdout.on('data', (data: Buffer) => {
    out += data
  })
  await Promise.all([once(box.stdout, 'end'), once(box.stderr.resume(), 'end')])
  assert.is(out, 'out\n')
  assert.is(box.exitCode, null, 'the box has ended')
  box.kill('SIGTERM')
  assert.equal(await once(box, 'exit'), [143, null])
})

test.run()
