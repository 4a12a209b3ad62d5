/**
 * Programs that need more than a default box gives: the commands and tables of docs/guides/programs-that-need-more.md.
 */
// seconds: 200
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Capability } from '../../src/plan/types.ts'
import { compile } from '../../src/seccomp/bpf.ts'
import { ALLOW } from '../../src/seccomp/filter.ts'
import { defaultFilter } from '../../src/seccomp/default.ts'
import { SYSCALLS } from '../../src/seccomp/syscalls.ts'
import { asRoot, execute, hasScopes, NSBOX, type Ran } from '../helpers/nsbox.ts'
import { evaluate } from '../seccomp/interpreter.ts'

const GUIDE = readFileSync(new URL('../../docs/guides/programs-that-need-more.md', import.meta.url), 'utf8')
const box = (args: readonly string[], env: Record<string, string> = {}): Ran =>
  execute(NSBOX, args, { cwd: '/', env: { ...process.env, ...env } })
const has = (program: string): boolean => execute('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0

/** A test of a program that may not be installed, with the options that the guide names for it. */
function needing(programs: readonly string[], title: string, said: string, body: () => void | Promise<void>): void {
  const missing = programs.filter((name) => !has(name))
  if (missing.length > 0) return test.skip(`${title} (not installed: ${missing.join(' ')})`, () => undefined)
  return test(title, () => {
    assert.ok(GUIDE.includes(said), `the guide does not say ${said}`)
    return body()
  })
}

const works = ({ status, stderr }: Ran): void => assert.is(status, 0, stderr)
const fails = ({ status, stdout, stderr }: Ran, message: RegExp): void => {
  assert.is.not(status, 0)
  assert.match(stdout + stderr, message)
}

/** Runs the body beside an X display with a free number, which then ends. */
async function onDisplay(body: (display: string, socket: string) => void): Promise<void> {
  const server = spawn('Xvfb', ['-displayfd', '3', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  try {
    const number = await new Promise<string>((done, fail) => {
      let text = ''
      server.stdio[3]?.on('data', (data) => {
        if ((text += String(data)).endsWith('\n')) done(text.trim())
      })
      server.once('exit', () => fail(new Error('Xvfb ended')))
    })
    body(`:${number}`, `/tmp/.X11-unix/X${number}`)
  } finally {
    server.kill('SIGTERM')
    await new Promise((done) => (server.exitCode !== null ? done(undefined) : server.once('exit', done)))
  }
}

const X11 = ['Xvfb', 'xdpyinfo']

needing(X11, 'X11 clients reach the display with --share abstract', '`--share abstract`', () =>
  onDisplay((display) => {
    const env = { DISPLAY: display }
    if (hasScopes) fails(box(['xdpyinfo'], env), /unable to open display/)
    works(box(['--share', 'abstract', 'xdpyinfo'], env))
    works(box(['--share', 'ipc', 'xdpyinfo'], env))
    if (has('xterm')) works(box(['--share', 'abstract', 'xterm', '-e', 'true'], env))
  }),
)

needing(
  X11,
  'X11 clients reach the display with every abstract socket closed: by its file, where nothing abstract has that number',
  '--bind /tmp/.X11-unix/X0:/tmp/.X11-unix/X9 --env DISPLAY=:9',
  () =>
    onDisplay((display, socket) => {
      works(box(['--net', 'none', 'xdpyinfo'], { DISPLAY: display }))
      works(box(['--tmpfs', '/tmp', '--bind', `${socket}:/tmp/.X11-unix/X999`, '--env', 'DISPLAY=:999', 'xdpyinfo']))
    }),
)

needing(['chromium'], "Chromium's sandbox works with --allow-userns", '`--allow-userns`', () => {
  const command = [
    'chromium',
    '--headless',
    '--disable-gpu',
    '--user-data-dir=/tmp/profile',
    '--dump-dom',
    'about:blank',
  ]
  const home = ['--tmpfs', '/tmp', '--cwd', '/', '--env', 'HOME=/tmp', '--env', 'TMPDIR=/tmp']
  works(box(['--allow-userns', ...home, ...(asRoot ? ['--user', '65534'] : []), ...command]))
})

needing(
  ['unshare', 'bwrap'],
  'unshare -r and bwrap work with --allow-userns',
  '`--allow-userns`, and for bwrap `--unshare-user --ro-bind /proc /proc` in place of `--proc /proc`',
  () => {
    const bwrap = [
      'bwrap',
      '--unshare-user',
      '--unshare-pid',
      '--ro-bind',
      '/',
      '/',
      '--dev',
      '/dev',
      '--ro-bind',
      '/proc',
      '/proc',
      'true',
    ]
    for (const command of [['unshare', '-r', 'true'], bwrap]) {
      fails(box(command), /not permitted|No permissions/)
      works(box(['--allow-userns', ...command]))
    }
  },
)

needing(
  ['mount'],
  'root of a box mounts with --map-root --cap-add sys_admin, also for an ordinary user',
  '`--map-root --cap-add sys_admin`',
  () => {
    const mount = ['mount', '-t', 'tmpfs', 'x', '/mnt']
    fails(box(['--map-root', ...mount]), /denied|not permitted/)
    works(box(['--map-root', '--cap-add', 'sys_admin', ...mount]))
  },
)

const FUSE = `import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
fd = os.open('/dev/fuse', os.O_RDWR)
sys.exit(libc.mount(b'x', b'/mnt', b'fuse', 6, f'fd={fd},rootmode=40000,user_id=0,group_id=0'.encode()))`
const fuse = (() => {
  try {
    return asRoot && existsSync('/dev/fuse')
  } catch {
    return false
  }
})()
needing(
  fuse ? ['python3'] : ['/dev/fuse, or the right to open it'],
  'FUSE file systems can be mounted with the device and sys_admin',
  '`--dev-bind /dev/fuse --map-root --cap-add sys_admin`',
  () => {
    fails(box(['python3', '-c', FUSE]), /No such file/)
    works(box(['--dev-bind', '/dev/fuse', '--map-root', '--cap-add', 'sys_admin', 'python3', '-c', FUSE]))
  },
)

needing(['perf'], 'perf counts with --cap-add perfmon', '`--cap-add perfmon`', () => {
  const perf = ['perf', 'stat', '-e', 'task-clock', 'true']
  fails(box(perf), /No permission/)
  if (asRoot || Number(readFileSync('/proc/sys/kernel/perf_event_paranoid', 'utf8')) <= 2)
    works(box(['--cap-add', 'perfmon', ...perf]))
})

needing(['setarch'], 'setarch -R works in a default box', '`setarch -R`', () => {
  works(box(['setarch', '-R', 'true']))
  works(box(['setarch', 'linux32', '-R', 'true']))
})

needing(['gdb'], 'gdb works in a default box, and turns the randomization of addresses off', '`gdb`', () => {
  const { stdout, stderr } = box(['gdb', '-nx', '-batch', '-ex', 'run', '/bin/true'])
  assert.match(stdout, 'exited normally')
  assert.not.match(stderr, 'Error disabling address space randomization')
})

needing(
  ['ping'],
  'ping works with --net none, as root and as an ordinary user',
  '`ping`, and servers on ports below 1024, with `--net none`',
  () => {
    for (const flags of [[], ['--map-root'], ['--user', asRoot ? '5001' : '0'], ['--cap-drop', 'all']])
      works(box(['--net', 'none', ...flags, 'ping', '-c', '1', '-W', '5', '127.0.0.1']))
  },
)

needing(
  ['tmux'],
  'a tmux server stays where the command does, and ends with it elsewhere',
  "`sh -c 'tmux new -d; exec sleep infinity'`",
  () => {
    const tmux = 'TMUX_TMPDIR=/tmp tmux -f /dev/null'
    const script = (then: string) => ['--tmpfs', '/tmp', 'sh', '-c', `${tmux} new -d 'sleep 1000' && ${then}`]
    const { stdout, stderr } = box(script(`${tmux} ls`))
    assert.match(stdout, /^0: 1 windows/, stderr)
  },
)

// ---- the table of calls ----

const ROWS = [
  ...GUIDE.matchAll(
    /^\| ([a-z0-9_, ]+?|clone and unshare with namespaces, [a-z0-9_, ]+) \|[^|]*\| (a profile|`--allow-userns`|`--cap-add (\w+)`) \|$/gm,
  ),
]
const namesIn = (cell: string): string[] =>
  cell.replace('clone and unshare with namespaces', 'clone, unshare').split(', ')

test("the guide's table of refused calls says what the filters do", () => {
  const machine = 'x64'
  const CLONE_NEWUSER = 0x10000000
  const numbers = SYSCALLS[machine] as Readonly<Record<string, number>>
  const allows = (held: readonly Capability[], userNamespaces: boolean, name: string): boolean | undefined => {
    const number = numbers[name]
    if (number === undefined) return undefined
    return (
      evaluate(compile(defaultFilter(machine, held, { userNamespaces })), {
        machine: 0xc000003e,
        number,
        args: [BigInt(CLONE_NEWUSER), 0n, 0n, 0n, 0n, 0n],
      }) === ALLOW
    )
  }
  assert.ok(ROWS.length >= 17, String(ROWS.length))
  const told = new Set<string>()
  for (const [, cell = '', way, capability] of ROWS) {
    for (const name of namesIn(cell)) {
      told.add(name)
      // Calls that are newer than this machine's headers have no number here.
      if (numbers[name] === undefined) continue
      assert.is(allows([], false, name), false, `${name} is allowed anyway`)
      if (way === '`--allow-userns`') assert.is(allows([], true, name), true, `${name} with --allow-userns`)
      else if (capability !== undefined)
        assert.is(allows([capability as Capability], false, name), true, `${name} with ${capability}`)
      else
        assert.is(
          allows(['sys_admin', 'sys_ptrace', 'bpf', 'perfmon', 'sys_nice'], true, name),
          false,
          `${name} is opened by a capability`,
        )
    }
  }
  const all: readonly Capability[] = [
    'dac_read_search',
    'sys_admin',
    'sys_boot',
    'sys_chroot',
    'sys_module',
    'sys_pacct',
    'sys_ptrace',
    'sys_rawio',
    'sys_time',
    'sys_tty_config',
    'sys_nice',
    'syslog',
    'bpf',
    'perfmon',
  ]
  for (const name of Object.keys(numbers))
    if (!allows([], false, name) && allows(all, true, name)) assert.ok(told.has(name), `${name} is not in the guide`)
})

test.run()
