/** `--trace-denied`: what a box refuses, with the rule and the option that would allow it; the command notices nothing. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Denied } from '../../src/explain/denied-types.ts'
import { asRoot, BIN, execute, inTemp, nsbox, NSBOX, type Ran } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'

/** A shim in the caller's PATH would make many calls of its own. */
const env = { ...process.env, PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' }

type Event = Record<string, unknown> & { event: string }
type Traced = Ran & { events: Event[]; denied: string[]; unexplained: number }

/** Runs a box with the option, in DIR. Its events come by a descriptor of its own. */
function traced(dir: string, ...words: string[]): Traced {
  const script = 'file=$1; shift; exec "$0" --trace-denied --status-fd 9 "$@" 9>"$file"'
  const file = join(dir, 'events')
  const ran = execute('sh', ['-c', script, NSBOX, file, ...words], { cwd: dir, env })
  const lines = readFileSync(file, 'utf8').split('\n')
  const events = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Event)
  const denied = events.filter(({ event }) => event === 'denied') as unknown as Denied[]
  return { ...ran, events, denied: denied.map(short), unexplained: Number(events.at(-1)?.['unexplained']) }
}

const short = ({ op, subject, code, count, rule, allow }: Denied): string =>
  `${op} ${subject} ${code} ${count}: ${rule}${allow === undefined ? '' : `: ${allow}`}`

test(
  'each refused call is listed once, in order, with its rule and its way out; nothing else changes',
  inTemp((dir) => {
    mkdirSync(join(dir, 'p/kept'), { recursive: true })
    writeFileSync(join(dir, 'p/.env'), 'secret')
    const { status, stderr, events, denied, unexplained } = traced(
      dir,
      ...['--write', 'p', '--keep', 'p/kept', '--hide', '**/.env', '--'],
      ...[
        'sh',
        '-c',
        'cd p; for n in 1 2 3; do mkdir kept/x; done; cat .env; mv kept moved; touch fine; touch ../out; exit 7',
      ],
    )
    assert.is(status, 7, stderr)
    assert.equal(denied, [
      `create ${dir}/p/kept/x EROFS 3: --keep ${dir}/p/kept: leave out --keep ${dir}/p/kept`,
      `read ${dir}/p/.env EACCES 1: --hide '${dir}/**/.env': --hide '!${dir}/p/.env'`,
      `rename ${dir}/p/kept EBUSY 1: --keep ${dir}/p/kept: leave out --keep ${dir}/p/kept`,
      `create ${dir}/out EROFS 1: the root is read-only: --write ${dir}`,
    ])
    // The dynamic loader and the shell's search for programs alone fail often enough.
    assert.ok(unexplained > 0)
    assert.equal(
      events.filter(({ event }) => event !== 'denied').map(({ event }) => event),
      ['start', 'exit', 'denied-end'],
    )
    assert.match(
      stderr,
      /nsbox: refused: --keep \S+\n {2}create \S+\/kept\/x \(EROFS, 3 times\): leave out --keep \S+\n/,
    )
    assert.match(stderr, /nsbox: \d+ other calls failed for reasons that are not the box's rules\n$/)
    assert.ok(existsSync(join(dir, 'p/fine')))
  }),
)

test(
  'what no rule explains is only counted, and a name with control characters forges no line',
  inTemp((dir) => {
    const { denied, stderr, unexplained } = traced(
      dir,
      ...['--ro', '--', 'sh', '-c', 'cat nowhere /nowhere; touch "/usr/$(printf "a\\033[2J\\nnsbox: b")"; exit 0'],
    )
    assert.equal(denied, ['create /usr/a\x1b[2J\nnsbox: b EROFS 1: the root is read-only: --write /usr'])
    assert.ok(stderr.includes('\n  create /usr/a\\x1b[2J\\x0ansbox: b (EROFS): --write /usr\n'), stderr)
    assert.ok(unexplained >= 2)
  }),
)

test(
  'calls that the filter refuses, by any program of 64 or 32 bits, and a debugger',
  inTemp((dir) => {
    const calls = [
      ...['import ctypes', 'c = ctypes.CDLL(None, use_errno=True)'],
      ...['c.unshare(0x10000000)', 'c.ptrace(0, 0, 0, 0)', 'c.socket(40, 1, 0)'],
    ].join('\n')
    const { denied } = traced(dir, '--', 'python3', '-c', calls)
    assert.equal(denied, [
      'call unshare EPERM 1: --seccomp default: --allow-userns',
      'call ptrace EPERM 1: --trace-denied: leave out --trace-denied',
      'call socket EAFNOSUPPORT 1: --seccomp default: --seccomp none',
    ])
    const i386 = join(BIN, 'i386/word')
    if (!existsSync(i386)) return void console.log('skipped: calls of i386: the machine builds no such programs')
    if (execute(i386, []).status !== 7) return void console.log('skipped: calls of i386: this kernel answers none')
    const { status, denied: ofOld } = traced(dir, '--', i386)
    assert.is(status, 7)
    assert.equal(ofOld, ['call socketcall (32-bit) ENOSYS 1: --seccomp default: --seccomp socketcall'])
  }),
)

test(
  'a network of its own, and sockets of the host',
  inTemp((dir) => {
    const connect = [
      'import socket',
      'def to(family, kind, address):',
      '    try: socket.socket(family, kind).connect(address)',
      '    except OSError: pass',
      'to(socket.AF_INET, socket.SOCK_STREAM, ("192.0.2.1", 80))',
      'to(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 5432))',
      `to(socket.AF_UNIX, socket.SOCK_STREAM, "${dir}/socket")`,
    ].join('\n')
    const listen = `import socket, os, sys
s = socket.socket(socket.AF_UNIX); s.bind("${dir}/socket"); s.listen()
sys.exit(os.WEXITSTATUS(os.system(sys.argv[1])))`
    const file = join(dir, 'events')
    const box = `'${NSBOX}' --trace-denied --status-fd 9 --net none --profile read-only python3 -c '${connect.replaceAll("'", '"')}' 9>'${file}'`
    const { status, stderr } = execute('python3', ['-c', listen, box], { cwd: dir, env })
    assert.is(status, 0, stderr)
    const denied = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.includes('"event":"denied"'))
      .map((line) => short(JSON.parse(line) as Denied))
    assert.equal(denied.slice(0, 2), [
      'connect 192.0.2.1:80 ENETUNREACH 1: --net none: --allow-host 192.0.2.1:80',
      'connect 127.0.0.1:5432 ECONNREFUSED 1: --net none: --net host',
    ])
    assert.match(denied[2] ?? '', new RegExp(`^connect ${dir}/socket E[A-Z]+ 1: .*: --allow-socket ${dir}/socket$`))
  }),
)

test(
  'hosts that are not allowed, by name, by port and by address',
  inTemp((dir) => {
    const ask =
      'getent ahostsv4 other.test; curl -4sS -m 9 http://a.test:81/; curl -sS -m 9 http://192.0.2.1:81/; exit 0'
    const { denied } = traced(dir, '--allow-host', 'a.test:8443', '--cwd', '/', '--', 'sh', '-c', ask)
    assert.equal(denied, [
      'resolve other.test ENOTFOUND 1: --allow-host: --allow-host other.test',
      "connect a.test:81 ECONNREFUSED 1: --allow-host doesn't name this port: --allow-host a.test:81",
      'connect 192.0.2.1:81 ENETUNREACH 1: --allow-host: --allow-host 192.0.2.1:81',
    ])
  }),
)

/** Commands whose output and end must be the same with a tracer. */
const SAME: Readonly<Record<string, string>> = {
  'exec by a thread':
    'import os, threading; threading.Thread(target=lambda: os.execvp("echo", ["echo", "by a thread"])).start()',
  'vfork and many children':
    'import subprocess; print([subprocess.run(["sh", "-c", f"exit {n}"]).returncode for n in range(20)])',
  'threads that fail':
    'import os, threading\ndef f():\n  for n in range(50):\n    try: os.mkdir("/usr/x")\n    except OSError as e: assert e.errno == 30\nt=[threading.Thread(target=f) for _ in range(8)]\n[x.start() for x in t]; [x.join() for x in t]; print("done")',
  'a signal that kills': 'import os; os.kill(os.getpid(), 10)',
  'its place among processes':
    'import os; print(os.getpid(), os.getppid(), os.listdir("/proc/self/task"), open("/proc/self/status").read().split("TracerPid:\\t")[1][:2], open("/proc/self/status").read().split("NoNewPrivs:\\t")[1][:2])',
  'a stopped child':
    'import os, signal\np = os.fork()\nif p == 0:\n  os.kill(os.getpid(), signal.SIGSTOP); os._exit(3)\nprint(os.WIFSTOPPED(os.waitpid(p, os.WUNTRACED)[1])); os.kill(p, signal.SIGCONT); print(os.WEXITSTATUS(os.waitpid(p, 0)[1]))',
}

test(
  'a command has the same output, status and place as without',
  inTemp((dir) => {
    for (const [what, program] of Object.entries(SAME)) {
      const argv = ['--ro', '--cwd', '/', '--', 'python3', '-c', program]
      const plain = nsbox(['--no-remember', ...argv], { env })
      const { status, stdout, stderr } = traced(dir, ...argv)
      assert.equal({ status, stdout }, { status: plain.status, stdout: plain.stdout }, `${what}: ${stderr}`)
    }
  }),
)

test(
  'a call is counted as often as it was refused, by all threads and processes',
  inTemp((dir) => {
    const { denied } = traced(dir, '--ro', '--cwd', '/', '--', 'python3', '-c', SAME['threads that fail'] ?? '')
    assert.equal(denied, ['create /usr/x EROFS 400: the root is read-only: --write /usr'])
  }),
)

test(
  'a box whose tracer is killed ends, with 125',
  inTemp((dir) => {
    const script = `exec 9>'${dir}/events'
'${NSBOX}' --trace-denied --status-fd 9 --cwd / -- sleep 60 & box=$!
until grep -q start '${dir}/events'; do sleep 0.05; done
for process in /proc/[0-9]*; do
  [ "$(tr '\\0' ' ' <$process/cmdline)" = 'nsbox-trace --denied ' ] || continue
  [ "$(ps -o ppid= -p $(ps -o ppid= -p \${process#/proc/}))" -eq $box ] && kill -KILL \${process#/proc/}
done 2>/dev/null
wait $box`
    const { status, stderr } = execute('sh', ['-c', script])
    assert.is(status, 125, stderr)
    assert.match(stderr, /^nsbox: helpers: the helper has ended, and the box with it: trace$/m)
    assert.not.match(stderr, /refused/)
  }),
)

test('what does not run a command now refuses the option', () => {
  for (const words of [['plan'], ['explain'], ['why'], ['bake', '-o', '/nowhere/box']]) {
    const { status, stderr } = nsbox([...words, '--trace-denied', 'true'])
    assert.is(status, 2, stderr)
    assert.match(stderr, /^nsbox: --trace-denied: only a command that runs now can be traced\nhint: /)
  }
})

test(
  'a stored plan can be traced, and --quiet prints no list',
  inTemp((dir) => {
    const plan = join(dir, 'plan.json')
    writeFileSync(plan, nsbox(['plan', '--ro', '--cwd', '/', '--', 'sh', '-c', 'touch /usr/x; exit 3']).stdout)
    assert.equal(traced(dir, '--plan', plan).denied, ['create /usr/x EROFS 1: the root is read-only: --write /usr'])
    assert.not.match(traced(dir, '--quiet', '--plan', plan).stderr, /nsbox:/)
  }),
)

test('Ctrl-C and Ctrl-Z reach a traced command, and fg continues it', async () => {
  const pty = new Pty(['bash', '--norc', '--noediting', '-i'])
  try {
    await pty.expect(/\$ $/)
    pty.enter(`${NSBOX} --trace-denied --cwd / sh -c 'echo re""ady; cat; echo be""hind'`)
    await pty.expect(/ready/)
    pty.type('\x1a')
    await pty.expect(/Stopped[^]*\$ $/)
    pty.enter('fg')
    await pty.expect(/cat/)
    pty.enter('typ""ed')
    await pty.expect(/typ""ed\r\ntyp""ed/)
    pty.type('\x04')
    await pty.expect(/behind[^]*\$ $/)
    pty.enter(`${NSBOX} --trace-denied --cwd / sh -c 'echo re""ady; exec sleep 100'`)
    await pty.endsByCtrlC()
  } finally {
    await pty.end()
  }
})

if (asRoot)
  test(
    "root's box with another user, and one in a user namespace",
    inTemp((dir) => {
      const command = ['--cwd', '/', '--', 'sh', '-c', 'cd /usr; touch x; chown 0 /proc/self/status']
      for (const how of [
        ['--user', '1000'],
        ['--userns', '--map-root'],
      ])
        assert.is(
          traced(dir, '--ro', ...how, ...command).denied[0],
          'create /usr/x EROFS 1: the root is read-only: --write /usr',
        )
    }),
  )

test.run()
