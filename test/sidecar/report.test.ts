/** The sidecar's messages: one line that can't be forged, events that programs can read, and no message twice. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { LACKS } from '../../src/host/lacks.ts'
import { asRoot, busyboxRoot, execute, inTemp, NSBOX, nsbox, planOf, SIDECAR, sidecar } from '../helpers/nsbox.ts'

const missing = (path: string) => ({
  contract: 2,
  namespaces: asRoot ? ['mount'] : ['mount', 'user'],
  ...(asRoot ? {} : { idmap: OWN }),
  root: { type: 'directory', path },
  process: { argv: ['true'] },
})
const OWN = {
  by: 'self',
  uid: [{ inside: 0, outside: process.getuid?.(), count: 1 }],
  gid: [{ inside: 0, outside: process.getgid?.(), count: 1 }],
}

test('both halves say in the same words that no process can be added', () => {
  assert.ok(readFileSync(SIDECAR).includes(String(LACKS.EAGAIN)), LACKS.EAGAIN)
})

test("a path in a message can't speak to the terminal", () => {
  const { status, stderr } = sidecar(missing('/none/a\nb\u001b[31m\u007f\u009b31m\u00e9\udc9b31m'))
  assert.is(status, 125)
  assert.is(
    stderr,
    'nsbox: root: open: /none/a\\x0ab\\x1b[31m\\x7f\\xc2\\x9b31m\u00e9\\x9b31m: No such file or directory (ENOENT)\nhint: nsbox rootfs build DIR PROGRAM... makes one\n',
  )
})

test('a byte outside of UTF-8 that old terminals take as a command is shown as an escape, by both halves', () => {
  const typed = `"$0" "$@" "$(printf '/none/\\233[31m')" true`
  for (const args of [['--root'], ['--seccomp'], ['--root', '/', '--bind']]) {
    const { status, stderr } = spawnSync('sh', ['-c', typed, NSBOX, ...args], { cwd: '/' })
    assert.is(status, 125)
    assert.match(stderr.toString('latin1'), '/none/\\x9b[31m', args.join(' '))
  }
})

test(
  'no hostile name can speak to the terminal: in hints, keys, warnings, plans and the output of explain and doctor',
  inTemp((dir) => {
    const evil = 'a\u001b]0;x\u0007\u009b31m\u007f'
    const root = busyboxRoot(join(dir, 'r'))
    const script = join(root, 'bin', evil)
    writeFileSync(script, `#!/no/${evil}\n`, { mode: 0o755 })
    const elf = readFileSync('/bin/busybox')
    writeFileSync(join(dir, 'profile'), JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', [evil]: 1 }))
    writeFileSync(
      join(dir, 'call'),
      JSON.stringify({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: [evil], action: evil }] }),
    )
    writeFileSync(join(dir, 'env'), `${evil}\n`)
    mkdirSync(join(dir, evil))
    writeFileSync(join(dir, 'program'), elf.subarray(0, 100), { mode: 0o755 })
    const rows: readonly (readonly [args: string[], status: number, env?: NodeJS.ProcessEnv])[] = [
      [['--root', root, `/bin/${evil}`], 127],
      [['--root', root, evil], 127],
      [['--root', root, '--verbose', `/bin/${evil}`], 127],
      [['--root', root, '--status-fd', '2', `/bin/${evil}`], 127],
      [['--seccomp', join(dir, 'profile'), 'true'], 125],
      [['--seccomp', join(dir, 'call'), 'true'], 125],
      [['--seccomp', join(dir, evil, 'none'), 'true'], 125],
      [['--env-file', join(dir, 'env'), 'true'], 125],
      [['--bind', `/none/${evil}`, 'true'], 125],
      [['--root', join(dir, evil, evil), 'true'], 125],
      [[`--${evil}`, 'true'], 2],
      [['--net', evil, 'true'], 2],
      [['--share', evil, 'true'], 2],
      [['--ulimit', `${evil}=1`, 'true'], 2],
      [['--cap-add', evil, 'true'], 2],
      [['help', evil], 2],
      [['doctor', evil], 2],
      [['--cwd', `/${evil}`, 'true'], 125],
      [['--bind', join(dir, evil), '--tmpfs', dir, '--cwd', '/', 'true'], 0],
      [
        [
          'explain',
          '--bind',
          join(dir, evil),
          '--tmpfs',
          `/${evil}`,
          '--cwd',
          `/${evil}`,
          '--env',
          `${evil}=1`,
          '--hostname',
          'h',
          evil,
        ],
        0,
      ],
      [['plan', '--bind', join(dir, evil), evil], 0],
      [['doctor'], 0, { TMPDIR: join(dir, evil) }],
      [['doctor', '--json'], 0, { TMPDIR: join(dir, evil), USER: evil }],
      [['enter', evil, 'true'], 2],
      [['rootfs', 'build', join(dir, 'new'), `/none/${evil}`], 125],
      [['run', '--plan', join(dir, evil)], 125],
    ]
    for (const [args, expected, env = {}] of rows) {
      const { status, stdout, stderr } = execute(NSBOX, args, { cwd: '/', env: { ...process.env, ...env } })
      // doctor's findings depend on the machine.
      if (args[0] !== 'doctor') assert.is(status, expected, `${JSON.stringify(args)}: ${stderr}`)
      assert.not.match(stdout + stderr, /[\x00-\x08\x0b-\x1f\x7f-\x9f]/, JSON.stringify(args))
    }
    const { stdout, stderr } = execute(SIDECAR, [evil])
    assert.not.match(stdout + stderr, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
    // A decoded event has the path's own bytes, and the hint as a person reads it.
    const event = JSON.parse(
      execute(NSBOX, ['--root', root, '--status-fd', '1', `/bin/${evil}`])
        .stdout.split('\n')
        .find((line) => line.includes('error')) ?? '',
    )
    assert.is(event.path, `/no/${evil}`)
    assert.not.match(event.hint, /[\x00-\x1f\x7f-\x9f]/)
    const hidden = nsbox(['--mask', join(dir, evil), 'true'], { cwd: join(dir, evil) })
    assert.match(hidden.stderr, /hides it/)
    assert.not.match(hidden.stderr, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
    const plan = JSON.parse(nsbox(['plan', evil], { cwd: '/' }).stdout)
    assert.equal(plan.process.argv, [evil])
  }),
)

const hasStrace = spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
;(hasStrace ? test : test.skip)('every error number of Linux has its name, on the status descriptor too', () => {
  const plan = JSON.stringify({ ...planOf(['--hostname', 'x', 'true']), supervision: { statusFd: 1 } })
  for (const name of ['ENOTCONN', 'ENOTUNIQ', 'EUCLEAN', 'EKEYREJECTED', 'ENOTRECOVERABLE', 'EHWPOISON']) {
    const { status, stdout, stderr } = execute(
      'strace',
      ['-f', '-o', '/dev/null', '-e', `inject=sethostname:error=${name}`, SIDECAR, '--plan-fd', '0'],
      { input: plan },
    )
    assert.is(status, 125, stderr)
    assert.match(stderr, `(${name})\n`)
    assert.is(JSON.parse(stdout.split('\n').find((line) => line.includes('"error"')) ?? '{}').code, name)
  }
})

test('a failure is written to the status descriptor as JSON, even if a path is not UTF-8', () => {
  const plan = { ...missing('/none/"\\\u0085\udcff\u00e9'), supervision: { statusFd: 1, errors: 'status' } }
  const { status, stdout, stderr } = sidecar(plan)
  assert.is(status, 125)
  assert.is(stderr, '')
  const event = JSON.parse(stdout.slice(0, stdout.indexOf('\n')))
  assert.is(event.path, '/none/"\\\u0085\udcff\u00e9')
  assert.equal([event.event, event.step, event.code, event.status], ['error', 'root', 'ENOENT', 125])
})

test(
  'the end of a box is reported on the status descriptor, whichever that is',
  inTemp((dir) => {
    for (const fd of [1, 2, 3, 9]) {
      const { status } = execute('bash', [
        '-c',
        `exec "$0" --status-fd ${fd} sh -c 'exit 7' ${fd}>${dir}/status`,
        NSBOX,
      ])
      assert.is(status, 7)
      const events = readFileSync(`${dir}/status`, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      assert.equal(
        events.map(({ event }) => event),
        ['start', 'exit'],
        `descriptor ${fd}`,
      )
      assert.is(events[1].status, 7)
    }
  }),
)

test(
  'messages without a reader change no exit status',
  inTemp((dir) => {
    writeFileSync(join(dir, 'plan'), JSON.stringify({ ...missing('/none'), supervision: { statusFd: 9 } }))
    // Both pipes have lost their readers by the time the sidecar starts.
    const script = `coproc { exec <&- ; }; exec 8>&"\${COPROC[1]}"; wait $COPROC_PID; "$0" --plan "$1" 2>&8 9>&8; echo "status $?"`
    assert.is(execute('bash', ['-c', script, SIDECAR, join(dir, 'plan')]).stdout, 'status 125\n')
    const early = `coproc { exec <&- ; }; exec 8>&"\${COPROC[1]}"; wait $COPROC_PID; echo '{' | "$0" --plan-fd 0 2>&8; echo "status $?"`
    assert.is(execute('bash', ['-c', early, SIDECAR]).stdout, 'status 125\n')
  }),
)

test('a plan is read also from a pipe that somebody has made non-blocking', () => {
  const script =
    'import fcntl, os, subprocess, sys, time\n' +
    'r, w = os.pipe()\nfcntl.fcntl(r, fcntl.F_SETFL, os.O_NONBLOCK)\n' +
    'child = subprocess.Popen([sys.argv[1], "--check", "--plan-fd", str(r)], pass_fds=[r])\n' +
    // Wait until it blocks on the empty pipe.
    'while open(f"/proc/{child.pid}/wchan").read() in ("", "0") and open(f"/proc/{child.pid}/stat").read().split()[2] != "S": time.sleep(0.01)\n' +
    'os.write(w, sys.argv[2].encode())\nos.close(w)\nsys.exit(child.wait())\n'
  const { status, stderr } = execute('python3', ['-c', script, SIDECAR, JSON.stringify(planOf(['true']))])
  assert.is(status, 0, stderr)
})

if (asRoot) {
  test(
    'a missing helper for id maps is reported in one line',
    inTemp((dir) => {
      writeFileSync(join(dir, 'none'), '')
      const hide =
        'for helper in newuidmap newgidmap; do [ ! -e /usr/bin/$helper ] || mount --bind "$0" /usr/bin/$helper; done; exec "$@"'
      mkdirSync(join(dir, 'home'))
      const plan = { ...missing('/'), namespaces: ['mount', 'user'], idmap: { ...OWN, by: 'helper' } }
      const { status, stderr } = execute(
        'unshare',
        ['-m', 'sh', '-c', hide, join(dir, 'none'), SIDECAR, '--plan-fd', '0'],
        { input: JSON.stringify(plan) },
      )
      assert.is(status, 125)
      assert.match(stderr, /^nsbox: id maps: execute: newuidmap: [^\n]+\nhint: [^\n]+\n$/)
    }),
  )
}

test('the failure of process 1 after that of the command has its own step', () => {
  const { status, stderr } = nsbox(['/nowhere/at-all'])
  assert.is(status, 127)
  assert.match(stderr, /^nsbox: exec: command not found in the box: \/nowhere\/at-all: [^\n]+\n$/)
})

test.run()
