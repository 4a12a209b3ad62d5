/** A command that enters a running box has what the box's own command has, and no more. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  appendFileSync,
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  BIN,
  busyboxRoot,
  execute,
  failure,
  hasScopes,
  inTemp,
  nsbox,
  NSBOX,
  planOf,
  SANITIZED,
  sidecar,
  SIDECAR,
  OUTSIDE_OF_TMP,
} from '../helpers/nsbox.ts'
import { oldestChild } from '../../src/launch/running.ts'
import { Pty } from '../helpers/pty.ts'

async function waitFor(what: () => boolean, why: string): Promise<void> {
  for (let tries = 0; tries < 1000 && !what(); tries++) await Bun.sleep(10)
  assert.ok(what(), why)
}

/** Runs the body beside a box whose command prints that it is ready, and stays until the body has ended. */
async function inBox(
  args: readonly string[],
  body: (pid: number, box: ChildProcess) => void | Promise<void>,
  program = NSBOX,
  script = 'echo ready; read x',
): Promise<void> {
  const box = spawn(program, [...args, ...(program === NSBOX ? ['sh', '-c', script] : [])], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...OUTSIDE_OF_TMP,
  })
  let said = ''
  box.stdout?.on('data', (data: Buffer) => {
    said += data
  })
  try {
    await waitFor(() => said.includes('ready'), 'the box did not start')
    await body(box.pid ?? 0, box)
  } finally {
    await end(box)
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

const enter = (pid: number, ...args: string[]) => nsbox(['enter', String(pid), ...args])

test('a command that enters shares the host name, the files and the processes of the box', () =>
  inBox(
    ['--hostname', 'inner', '--tmpfs', '/tmp'],
    (pid) => {
      // Without a pipe, in which a process that is about to become grep would be a sh too.
      const { status, stdout, stderr } = enter(
        pid,
        'sh',
        '-c',
        'hostname; echo mine >/tmp/mine; ps -e -o comm >/tmp/all; grep -c "^sh$" /tmp/all; exit 7',
      )
      assert.is(status, 7, stderr)
      assert.equal(stdout, 'inner\n2\n')
      assert.is(enter(pid, 'cat', '/tmp/mine').stdout, 'mine\n')
    },
    NSBOX,
    'echo ready; read x',
  ))

/** The privileges of a process, as the kernel shows them, and its limits. */
const PRIVILEGES =
  'grep -E "^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp)" /proc/self/status; ulimit -a; cat /proc/self/uid_map; readlink /proc/self/ns/*'
const mapAuto = !asRoot && existsSync('/usr/bin/newuidmap') ? [['--map-auto'], ['--map-auto', '--user', '33']] : []
for (const flags of [
  [],
  ['--map-root'],
  ['--userns'],
  ['--cap-drop', 'all'],
  ['--seccomp', 'none'],
  ['--privileged', '--quiet'],
  ['--allow-new-privs', ...(asRoot ? [] : ['--seccomp', 'none'])],
  ['--no-init'],
  ['--net', 'none'],
  ['--share', 'ipc,uts,cgroup'],
  ['--new-session'],
  ['--ulimit', 'nofile=77:88'],
  ...mapAuto,
  ...(asRoot
    ? [
        ['--user', '5001'],
        ['--user', '5001', '--cap-add', 'net_raw'],
      ]
    : []),
]) {
  test(`it has the privileges, limits and namespaces of the box's command, and no others (${flags.join(' ')})`, () =>
    inBox(
      [...flags, '--tmpfs', '/tmp'],
      (pid) => {
        const { stdout, stderr } = enter(pid, 'sh', '-c', PRIVILEGES)
        const own = enter(pid, 'cat', '/tmp/own').stdout
        assert.ok(own.length > 300, stderr)
        assert.is(stdout, own)
      },
      NSBOX,
      `(${PRIVILEGES}) >/tmp/own; echo ready; read x`,
    ))
}

test('the box is found by the number of nsbox, of its process 1 and of any process in it', () =>
  inBox(['--hostname', 'inner'], (pid) => {
    const inside = execute('sh', [
      '-c',
      `p=$0; while c=$(cat /proc/$p/task/$p/children) && [ -n "$c" ]; do p=\${c%% *}; echo $p; done`,
      String(pid),
    ])
      .stdout.trim()
      .split('\n')
      .map(Number)
    assert.is(inside.length, 2)
    for (const number of [pid, ...inside]) assert.is(enter(number, 'hostname').stdout, 'inner\n')
  }))

test(
  'a plan that came by a descriptor can be entered too, and so can a baked program',
  inTemp(async (dir) => {
    const file = join(dir, 'plan')
    await Bun.write(file, JSON.stringify(planOf(['--hostname', 'stored', 'sh', '-c', 'echo ready; read x'])))
    await inBox(['--plan', file], (pid) => assert.is(enter(pid, 'hostname').stdout, 'stored\n'), SIDECAR)
    nsbox(['bake', '-o', join(dir, 'baked'), '--hostname', 'baked', 'sh', '-c', 'echo ready; read x'])
    await inBox([], (pid) => assert.is(enter(pid, 'hostname').stdout, 'baked\n'), join(dir, 'baked'))
  }),
)

test(
  "it starts in the caller's directory or another, with the environment of the caller and of the box",
  inTemp((dir) =>
    inBox(['--env', 'BOX=1', '--env', 'BOTH=box'], (pid) => {
      assert.is(
        execute(NSBOX, ['enter', String(pid), '--env', 'BOTH=now', 'sh', '-c', 'pwd; echo $BOX $BOTH $MINE'], {
          cwd: dir,
          env: { ...process.env, MINE: '3' },
        }).stdout,
        `${dir}\n1 now 3\n`,
      )
      assert.is(enter(pid, '--cwd', '/usr', '--clear-env', '/bin/sh', '-c', 'pwd; echo "<$BOX>"').stdout, '/usr\n<>\n')
      failure(enter(pid, '--cwd', '/nowhere', 'true'), /^nsbox: exec: change to directory: \/nowhere: /)
      assert.is(enter(pid, 'nowhere').status, 127)
      assert.is(
        execute('sh', [
          '-c',
          `yes 2>&1 | "$0" enter ${pid} sh -c 'yes | head -1; ls /proc/self/fd | tr "\\n" " "' 9</etc/passwd`,
          NSBOX,
        ]).stdout,
        'y\n0 1 2 3 ',
      )
    }),
  ),
)

test(
  'in a root of its own it sees that root',
  inTemp((dir) =>
    inBox(['--root', busyboxRoot(join(dir, 'r')), '--tmpfs', '/tmp'], (pid) => {
      assert.equal(enter(pid, 'ls', '/').stdout, 'bin\ndev\nproc\ntmp\n')
    }),
  ),
)

test('when the box ends, commands that entered it end; when nsbox enter is killed, its command ends and the box goes on', () =>
  inBox(['--tmpfs', '/tmp'], async (pid, box) => {
    const inner = spawn(NSBOX, ['enter', String(pid), 'sh', '-c', 'touch /tmp/first; sleep 1000'])
    const waiting = () => enter(pid, 'sh', '-c', 'test -e /tmp/first && test -n "$(pgrep sleep)"').status === 0
    await waitFor(waiting, 'the first did not start')
    const gone = once(inner, 'exit')
    inner.kill('SIGKILL')
    await gone
    await waitFor(() => enter(pid, 'pgrep', '-f', '^sh -c touch').status === 1, 'its command stayed')
    const second = spawn(NSBOX, [
      'enter',
      String(pid),
      'sh',
      '-c',
      'trap "exit 9" TERM; touch /tmp/second; while :; do sleep 0.05; done',
    ])
    await waitFor(() => enter(pid, 'test', '-e', '/tmp/second').status === 0, 'the second did not start')
    second.kill('SIGTERM')
    assert.is((await once(second, 'exit'))[0], 9)
    const third = spawn(NSBOX, ['enter', String(pid), 'sh', '-c', 'touch /tmp/third; sleep 1000'])
    await waitFor(() => enter(pid, 'test', '-e', '/tmp/third').status === 0, 'the third did not start')
    box.kill('SIGKILL')
    assert.is((await once(third, 'exit'))[0], 137)
  }))

test("a command that enters may signal the processes of the box, and reaches none of the caller's", () =>
  inBox([], (pid) => {
    assert.is(enter(pid, 'sh', '-c', 'sleep 1000 >/dev/null 2>&1 & echo $!').status, 0)
    assert.is(enter(pid, 'pkill', '-x', 'sleep').status, 0)
    const { stdout, stderr } = execute(
      'sh',
      ['-c', '"$0" enter "$1" sh -c "kill -TERM 0"; echo "status $?"', NSBOX, String(pid)],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    assert.is(stdout, 'status 143\n', stderr)
  }))

const whereScoped = hasScopes ? test : test.skip
whereScoped('abstract sockets outside of the box are closed to it too', () =>
  inBox([], async (pid) => {
    const name = `nsbox-enter-${process.pid}`
    const server = Bun.listen({
      unix: `\0${name}`,
      socket: {
        data() {},
        open(socket) {
          socket.end()
        },
      },
    })
    try {
      const child = Bun.spawn([NSBOX, 'enter', String(pid), join(BIN, 'attack'), '--abstract', name], {
        stdout: 'pipe',
      })
      assert.match(await new Response(child.stdout).text(), /^abstract_socket closed$/m)
    } finally {
      server.stop(true)
    }
  }),
)

test('events and time-outs are those of the command', () =>
  inBox([], (pid) => {
    const { stdout } = execute('sh', ['-c', '"$0" enter "$1" --status-fd 3 sh -c "exit 4" 3>&1', NSBOX, String(pid)])
    assert.match(stdout, /^\{"event":"start","pid":\d+\}\n\{"event":"exit","status":4,"signal":0,"usage":/)
    assert.is(enter(pid, '--timeout', '100ms', 'sleep', '1000').status, 124)
  }))

/** Starts boxes from a shell; they stay as long as it has its standard input. */
const STARTS =
  'exec 8<&0; for name in $1; do "$0" --hostname "$name" sh -c \'echo "<$0>"; read x\' "$name" <&8 & done; wait'

for (const names of ['one', 'one two']) {
  test(`the process that started a box stands for it, if it started no other box (${names})`, async () => {
    const shell = spawn('sh', ['-c', STARTS, NSBOX, names], { stdio: ['pipe', 'pipe', 'inherit'] })
    let said = ''
    shell.stdout.on('data', (data: Buffer) => {
      said += data
    })
    try {
      await waitFor(() => names.split(' ').every((name) => said.includes(`<${name}>`)), 'the boxes did not start')
      const boxes = readFileSync(`/proc/${shell.pid}/task/${shell.pid}/children`, 'latin1').trim()
      if (names === 'one') assert.is(enter(shell.pid ?? 0, 'hostname').stdout, 'one\n')
      else
        failure(
          enter(shell.pid ?? 0, 'true'),
          new RegExp(`^nsbox: enter: has started more than one box: ${shell.pid}\nhint: say which: ${boxes}\n`),
        )
    } finally {
      const gone = once(shell, 'exit')
      shell.stdin.end()
      await gone
    }
  })
}

test("a process that entered a box leads nsbox enter to that box, or the message says why a user can't see it", () =>
  inBox(['--hostname', 'inner'], async (pid) => {
    const inner = spawn(NSBOX, ['enter', String(pid), 'sh', '-c', 'echo ready; read x'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    try {
      await once(inner.stdout, 'data')
      const found = enter(inner.pid ?? 0, 'hostname')
      if (asRoot) assert.is(found.stdout, 'inner\n', found.stderr)
      else
        failure(
          found,
          /^nsbox: enter: no box of yours has this process: \d+\nhint: this process or one above it hides from its owner/,
        )
    } finally {
      await end(inner)
    }
  }))

test('a process without a box, and one that does not exist, are named as such', () => {
  failure(
    enter(process.pid, 'true'),
    new RegExp(`^nsbox: enter: no box of yours has this process: ${process.pid}\nhint: name nsbox itself`),
  )
  const ended = execute('sh', ['-c', 'echo $$']).stdout.trim()
  failure(enter(Number(ended), 'true'), new RegExp(`^nsbox: enter: no such process: ${ended}\n`))
})

test('a process that got the number later is not entered', () =>
  inBox(['--net', 'none'], (pid) => {
    const command = execute('sh', [
      '-c',
      'i=$(cat /proc/$0/task/$0/children); set -- $i; cat /proc/$1/task/$1/children',
      String(pid),
    ]).stdout.trim()
    const stat = readFileSync(`/proc/${command}/stat`, 'latin1')
    const started = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
    const plan = (at: number) => ({
      contract: 2,
      namespaces: asRoot ? ['mount', 'net'] : ['user', 'mount', 'net'],
      enter: { pid: Number(command), started: at },
      process: { argv: ['true'] },
    })
    assert.is(sidecar(plan(started)).status, 0)
    failure(
      sidecar(plan(started + 1)),
      /^nsbox: enter: another process has that number now: \/proc\/\d+\nhint: the box has ended\n/,
    )
    failure(
      sidecar({ ...plan(started), enter: { pid: process.pid, started: 1 } }),
      /another process has that number now/,
    )
  }))

/** All writable memory of a process. */
function memoryOf(pid: number): string {
  const file = openSync(`/proc/${pid}/mem`, 'r')
  try {
    const areas = readFileSync(`/proc/${pid}/maps`, 'latin1')
      .split('\n')
      .flatMap(
        (line) =>
          /^([0-9a-f]+)-([0-9a-f]+) rw/
            .exec(line)
            ?.slice(1, 3)
            .map((word) => parseInt(word, 16)) ?? [],
      )
    return areas.map((start, i) => (i % 2 === 1 ? '' : partOf(file, start, areas[i + 1] as number))).join('')
  } finally {
    closeSync(file)
  }
}

function partOf(file: number, start: number, end: number): string {
  const bytes = Buffer.alloc(end - start)
  assert.is(readSync(file, bytes, 0, bytes.length, start), bytes.length)
  return bytes.toString('latin1')
}

/** The sanitizers' own malloc keeps freed memory. */
const whereForgotten = SANITIZED ? test.skip : test
whereForgotten(
  "what holds the place of a command in a box that stays has neither the caller's environment nor the plan in it, wherever one looks",
  inTemp(async (dir) => {
    const plan = planOf([
      '--clear-env',
      ...['A', 'B', 'C'].flatMap((name) => ['--env', `${name}=${'of-the-plan '.repeat(9000)}`]),
      '--ro-bind',
      `${dir}:/mnt`,
      'x',
    ])
    const file = join(dir, 'plan')
    await Bun.write(
      file,
      JSON.stringify({ ...plan, process: { ...plan.process, pause: true }, supervision: { init: true, statusFd: 1 } }),
    )
    // Started from the package's file, and with the plan in the running program.
    for (const [program, ...args] of [
      [SIDECAR, '--plan', file],
      [NSBOX, 'run', '--plan', file],
    ] as const) {
      const box = spawn(program, args, { env: { SECRET: 'of-the-caller' }, stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        await once(box.stdout, 'data')
        const first = oldestChild(box.pid ?? 0)?.pid ?? 0
        const holder = oldestChild(first)?.pid ?? 0
        const memory = memoryOf(holder)
        assert.match(memory, 'nsbox\0')
        const files = ['exe', 'cmdline', 'environ', 'auxv', 'comm', 'maps'].map((name) =>
          readFileSync(`/proc/${holder}/${name}`, 'latin1'),
        )
        assert.match(readlinkSync(`/proc/${holder}/exe`), /^\/memfd:nsbox /)
        await waitFor(() => readdirSync(`/proc/${holder}/fd`).length === 0, 'it has descriptors')
        for (const secret of ['of-the-caller', 'of-the-plan', `${dir}\0`, 'NSBOXPLN{'])
          for (const text of [memory, ...files]) assert.not.ok(text.includes(secret), secret)
        // The box can still be entered, by the plan that the supervisor has.
        assert.match(enter(box.pid ?? 0, '/bin/sh', '-c', 'echo $A').stdout, /^of-the-plan of-the-plan /)
        assert.is(enter(holder, '/bin/sh', '-c', ': </proc/2/exe').status, 2)
      } finally {
        await end(box)
      }
    }
  }),
)

const whereTraced = Number(execute(join(BIN, 'landlock'), []).stdout) >= 2 ? test : test.skip
for (const flags of [
  ['--net', 'none'],
  [],
  ['--share', 'ipc'],
  ['--net', 'none', '--seccomp', 'none'],
  ...(asRoot ? [['--net', 'none', '--cap-add', 'sys_admin']] : [['--net', 'none', '--map-root']]),
]) {
  whereTraced(`what enters can't look into the box's own processes (${flags.join(' ')})`, () =>
    inBox([...flags, '--tmpfs', '/tmp'], (pid) => {
      // The kernel shows these three to a process that may measure all programs.
      const files = `mem exe fd/0 root cwd${flags.includes('sys_admin') ? '' : ' environ maps auxv'}`
      const inside = `for f in ${files}; do (: </proc/2/$f) 2>/dev/null && echo read $f; (: >>/proc/2/$f) 2>/dev/null && echo written $f; done; readlink /proc/2/exe /proc/2/root; kill -0 2 && echo signals`
      assert.is(enter(pid, 'sh', '-c', inside).stdout, 'signals\n')
      // Its own files work as before.
      assert.is(
        enter(
          pid,
          'sh',
          '-c',
          'mkdir /tmp/a /tmp/b; echo x >/tmp/a/f; ln /tmp/a/f /tmp/b/f; mv /tmp/a/f /tmp/b/g; mv /tmp/b /tmp/a/; ls /tmp/a/b; cat /proc/self/maps >/dev/null',
        ).stdout,
        'f\ng\n',
      )
    }),
  )
}

test('in a network of its own a command that enters reaches the abstract sockets of the box', () =>
  inBox(['--net', 'none'], async (pid) => {
    const answers =
      'Bun.listen({ unix: "\\0nsbox-inner", socket: { data() {}, open(socket) { socket.end("answered\\n") } } })'
    const connects =
      'Bun.connect({ unix: "\\0nsbox-inner", socket: { data(_, bytes) { process.stdout.write(bytes); process.exit() } } }).catch(() => {})'
    const listens = spawn(NSBOX, ['enter', String(pid), process.execPath, '-e', answers], { stdio: 'ignore' })
    try {
      const asks = () => enter(pid, process.execPath, '-e', connects).stdout
      let said = ''
      await waitFor(() => (said = said || asks()) !== '', 'nobody answered')
      assert.is(said, 'answered\n')
    } finally {
      await end(listens)
    }
  }))

/** A program with a plan at its end that asks for all privileges, as a box could make one. */
function forged(dir: string): string {
  const file = join(dir, 'busybox')
  const plan = Buffer.from(
    JSON.stringify({
      contract: 2,
      namespaces: ['mount'],
      root: { type: 'directory', path: '/' },
      process: { argv: ['x'], capabilities: ['sys_admin', 'dac_override'] },
    }),
  )
  const end = Buffer.alloc(16)
  end.writeBigUInt64LE(BigInt(plan.length))
  end.write('NSBOXPLN', 8, 'latin1')
  copyFileSync('/bin/busybox', file)
  appendFileSync(file, Buffer.concat([plan, end]))
  return file
}

/** A program that claims to have a plan of this many bytes at its end. The file has a hole of that size. */
function claiming(dir: string, length: bigint, hole: number): string {
  const file = join(dir, 'busybox')
  const end = Buffer.alloc(16)
  end.writeBigUInt64LE(length)
  end.write('NSBOXPLN', 8, 'latin1')
  copyFileSync('/bin/busybox', file)
  truncateSync(file, statSync(file).size + hole)
  appendFileSync(file, end)
  chmodSync(file, 0o755)
  return file
}

/** Runs the body while this program sleeps in our own namespaces. */
async function asleep(command: readonly string[], body: (pid: number) => void): Promise<void> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { cwd: '/', stdio: 'ignore' })
  try {
    await waitFor(
      () => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1').includes('busybox\0sleep'),
      'it did not start',
    )
    body(child.pid ?? 0)
  } finally {
    await end(child)
  }
}

for (const [length, hole] of [
  [0xffffffffffffffffn, 0],
  [0x100000000n, 0x100000000],
  [300000000n, 300000000],
  [0x8000000000000000n, 0],
  [0n, 0],
] as const) {
  test(
    `a program that claims to have a plan of ${length} bytes is no box, and not read`,
    inTemp((dir) =>
      asleep([claiming(dir, length, hole), 'sleep', '1000'], (pid) => {
        const { status, stderr } = execute('sh', [
          '-c',
          `ulimit -v ${SANITIZED ? 'unlimited' : 120_000_000}; exec "$0" enter "$1" true`,
          NSBOX,
          String(pid),
        ])
        assert.is(status, 125)
        assert.match(
          stderr,
          length === 0n
            ? /^nsbox: read plan: /
            : new RegExp(`^nsbox: enter: no box of yours has this process: ${pid}\n`),
        )
      }),
    ),
  )
}

if (asRoot) {
  test(
    "root reads nothing about another user's process but its owner",
    inTemp((dir) => {
      chmodSync(dir, 0o755)
      return asleep(
        ['setpriv', '--reuid', '5001', '--regid', '5001', '--clear-groups', claiming(dir, 16n, 16), 'sleep', '1000'],
        (pid) => {
          const trace = join(dir, 'trace')
          const { status, stderr } = execute('strace', [
            '-f',
            '-q',
            '-e',
            'trace=%file',
            '-o',
            trace,
            NSBOX,
            'enter',
            String(pid),
            'true',
          ])
          assert.is(status, 125)
          assert.match(stderr, new RegExp(`^nsbox: enter: belongs to another user: ${pid}\n`, 'm'))
          // nsbox opens the directory of each process once, and everything after that is about it.
          const looks = readFileSync(trace, 'latin1').split(/"\/proc\/(\d+)", O_/)
          const about = looks.filter((_, i) => i % 2 === 0 && looks[i - 1] === String(pid))
          assert.ok(about.length > 0 && about.some((calls) => calls.includes('/status"')))
          for (const calls of about) assert.not.match(calls, /\/(exe|fd|fd\/\d+)", O_/)
        },
      )
    }),
  )
}

/** A sleep time that no other test run uses. */
const LONG = 100000 + process.pid

for (const flags of [
  ['--net', 'none'],
  ['--share', 'pid'],
]) {
  test(
    `CVE-2022-31214: a process of the box that poses as a box is not taken for one (${flags.join(' ')})`,
    inTemp((dir) => {
      forged(dir)
      return inBox(
        ['--bind', `${dir}:/mnt`, ...flags],
        async (pid) => {
          const found = () =>
            Number(
              execute('pgrep', ['-f', `^/mnt/busybox sleep ${LONG}`])
                .stdout.trim()
                .split('\n')[0],
            )
          await waitFor(() => found() > 0, 'the poser did not start')
          try {
            const { stdout, stderr } = enter(found(), 'grep', 'CapBnd', '/proc/self/status')
            // With the host's processes visible, nsbox isn't dumpable, so no box is found.
            if (flags.includes('pid') && !asRoot) {
              assert.match(stderr, /^nsbox: enter: no box of yours has this process: /)
              return
            }
            assert.is(stdout, enter(pid, 'grep', 'CapBnd', '/proc/self/status').stdout, stderr)
            assert.match(stdout, 'CapBnd')
          } finally {
            process.kill(found(), 'SIGKILL')
          }
        },
        NSBOX,
        `/mnt/busybox sleep ${LONG} & echo ready; read x`,
      )
    }),
  )
}

if (asRoot) {
  test(
    "nobody enters a box of another user: root does not, and no user enters one of root's",
    inTemp(async (dir) => {
      const user = ['--reuid', '5001', '--regid', '5001', '--clear-groups']
      const box = spawn('setpriv', [...user, NSBOX, 'sh', '-c', 'echo ready; read x'], {
        cwd: '/',
        stdio: ['pipe', 'pipe', 'inherit'],
      })
      await once(box.stdout, 'data')
      try {
        failure(enter(box.pid ?? 0, 'true'), /^nsbox: enter: belongs to another user: \d+\nhint: /)
      } finally {
        await end(box)
      }
      await inBox([], (pid) =>
        failure(
          execute('setpriv', [...user, NSBOX, 'enter', String(pid), 'true'], { cwd: '/' }),
          /^nsbox: enter: belongs to another user: \d+\n/,
        ),
      )
      assert.ok(existsSync(dir))
    }),
  )
}

test('no attempt to get out succeeds for a command that entered', () =>
  inBox(['--net', 'none'], (pid) => {
    const { stdout, stderr } = enter(pid, join(BIN, 'attack'))
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' '))
    assert.ok(lines.length >= 100, stderr)
    // Root may do that in a network of the box's own.
    assert.equal(
      lines.filter(([, verdict]) => verdict === 'open').map(([name]) => name),
      asRoot ? ['raw_socket', 'packet_socket'] : [],
    )
  }))

test('a shell that enters has job control on the terminal', () =>
  inBox([], async (pid) => {
    const pty = new Pty([NSBOX, 'enter', String(pid), 'bash', '--norc', '--noediting', '-i'])
    try {
      await pty.expect(/\$ $/)
      pty.enter('sh -c \'echo re""ady; exec sleep 1000\'')
      await pty.expect(/ready/)
      pty.type('\x1a')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('fg')
      await pty.expect(/sleep 1000'\r\n/)
      pty.type('\x03')
      await pty.expect(/\$ $/)
      pty.enter('echo "status $?"; exit 5')
      await pty.expect(/status 130/)
      assert.is(await pty.exited(), 5)
    } finally {
      await pty.end()
    }
  }))

/** An interactive shell of the caller on a terminal, beside a box; $P is the box's process. */
const besideShell = (argv: readonly string[], body: (pty: Pty) => Promise<void>) => () =>
  inBox(['--tmpfs', '/tmp'], async (pid) => {
    const pty = new Pty(argv, { N: NSBOX, P: String(pid) })
    try {
      await body(pty)
    } finally {
      await pty.end()
    }
  })
const BASH = ['bash', '--norc', '--noediting', '-i']

for (const signal of ['KILL', 'TERM', 'INT', 'STOP', 'TSTP']) {
  test(
    `a command that signals its process group on a terminal does not reach who called nsbox (${signal})`,
    besideShell(
      [
        'sh',
        '-c',
        `"$N" enter "$P" sh -c 'setsid sh -c "sleep 0.3; kill -KILL -$$" & sleep 0.1; kill -${signal} 0; wait'; echo "status $?"; read x; echo "read:$x"`,
      ],
      async (pty) => {
        await pty.expect(/status 1\d\d/)
        pty.enter('typed')
        await pty.expect(/read:typed/)
      },
    ),
  )
}

test(
  'in a script without job control it has the terminal when it asks for it, and the script has it back',
  besideShell(
    [
      'sh',
      '-c',
      '"$N" enter "$P" sh -c \'read x; echo "first:$x"; stty -echo; stty echo; ps -o pgid= $$ | tr -d " "; kill -9 0\'; echo "status $?"; read x; echo "second:$x"',
    ],
    async (pty) => {
      pty.enter('one')
      await pty.expect(/first:one/)
      await pty.expect(/status 137/)
      pty.enter('two')
      await pty.expect(/second:two/)
      assert.is(await pty.exited(), 0)
    },
  ),
)

test(
  'a pager behind a command that entered reads the terminal',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    pty.enter('"$N" enter "$P" seq 500 | less -X')
    await pty.expect(/\r\n22\r\n[^]*:/)
    pty.type('G')
    await pty.expect(/\r\n500\r\n/)
    pty.type('q')
    await pty.expect(/\$ $/)
    pty.enter('"$N" enter "$P" sh -c \'read x; echo "got:$x"; seq 500\' | less -X')
    pty.enter('word')
    await pty.expect(/got:word/)
    await pty.press('G', /\r\n500\r\n/)
    pty.type('q')
    await pty.expect(/\$ $/)
    pty.enter('echo "status $?"')
    await pty.expect(/status 0/)
  }),
)

test(
  'Ctrl-Z and fg stop and continue a command that entered, and bg lets it run until it reads',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    for (const program of [
      'sh -c \'echo re""ady; read x; echo "read:$x"\'',
      'sh -c \'stty -echo; stty echo; echo re""ady; read x; echo "read:$x"\'',
    ]) {
      pty.enter(`"$N" enter "$P" ${program}`)
      await pty.expect(/ready/)
      pty.type('\x1a')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('jobs')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('bg')
      await pty.expect(/&[^]*\$ $/)
      pty.enter('')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('fg')
      await pty.expect(/enter/)
      pty.enter('answer')
      await pty.expect(/read:answer[^]*\$ $/)
    }
    // The same for a command that never touches the terminal.
    pty.enter('"$N" enter "$P" sh -c \'echo re""ady; exec sleep 1000\'')
    await pty.expect(/ready/)
    pty.type('\x1a')
    await pty.expect(/Stopped[^]*\$ $/)
    pty.enter('fg')
    await pty.expect(/enter/)
    pty.type('\x03')
    await pty.expect(/\$ $/)
    pty.enter('echo "status $?"')
    await pty.expect(/status 130/)
  }),
)

test(
  'Ctrl-Z stops a script whose command has the terminal, and a pipeline as a whole',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    for (const line of [
      'sh -c \'"$N" enter "$P" sh -c "echo re\\"\\"ady; read x; echo go\\"\\"t; read y; echo read:\\$x\\$y"; echo end""ed\'',
      '"$N" enter "$P" sh -c \'echo re""ady; read x; echo go""t; read y; echo "read:$x$y"; echo end""ed\' | cat',
    ]) {
      pty.enter(line)
      await pty.expect(/ready/)
      pty.enter('one')
      // The terminal drops input that isn't read by then.
      await pty.expect(/got/)
      pty.type('\x1a')
      await pty.expect(/Stopped[^]*\$ $/)
      pty.enter('fg')
      await pty.expect(/enter/)
      pty.enter('two')
      await pty.expect(/read:onetwo\r\nended/)
      await pty.expect(/\$ $/)
    }
  }),
)

test(
  'Ctrl-C ends a script whose command does not use the terminal',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    pty.enter('sh -c \'"$N" enter "$P" sh -c "echo re\\"\\"ady; exec sleep 1000"; echo go""ne on\'')
    await pty.endsByCtrlC()
    assert.not.match(pty.shown, /gone on/)
  }),
)

test('Ctrl-Z does not stop a command for ever that entered as the first program on a terminal', () =>
  inBox([], async (pid) => {
    const pty = new Pty([NSBOX, 'enter', String(pid), 'sh', '-c', 'echo ready; read x; echo "read:$x"'])
    try {
      await pty.expect(/ready/)
      pty.enter('\x1a')
      pty.enter('word')
      await pty.expect(/read:/)
      assert.is(await pty.exited(), 0)
    } finally {
      await pty.end()
    }
  }))

test(
  'a full-screen program that has entered stops and comes back',
  besideShell(BASH, async (pty) => {
    await pty.expect(/\$ $/)
    pty.enter('"$N" enter "$P" busybox vi /etc/passwd')
    await pty.expect(/root:x:0:0/)
    pty.type('\x1a')
    await pty.expect(/Stopped/)
    pty.enter('fg')
    await pty.expect(/root:x:0:0/)
    pty.enter(':q!')
    await pty.expect(/\$ $/)
    pty.enter('echo "status $?"')
    await pty.expect(/status 0/)
  }),
)

test('if the root was moved over the old one, a command that enters has no cap_sys_chroot either', async () => {
  const chroot = (text: string) =>
    ['CapEff', 'CapBnd', 'CapAmb'].map(
      (set) => (BigInt(`0x${new RegExp(`^${set}:\\s+(\\w+)`, 'm').exec(text)?.[1]}`) >> 18n) & 1n,
    )
  const options = ['--quiet', ...(asRoot ? [] : ['--map-root']), '--cap-add', 'sys_admin']
  const statusIn = async (pid: number) => {
    await waitFor(() => enter(pid, 'true').status === 0, 'it could not be entered')
    return chroot(enter(pid, 'cat', '/proc/self/status').stdout)
  }
  const command = ['sh', '-c', 'echo ready; read x']
  await inBox(
    ['pivot_root=1', '--', NSBOX, ...options, ...command],
    async (pid) => assert.equal(await statusIn(pid), [0n, 0n, 0n]),
    join(BIN, 'deny'),
  )
  await inBox(options, async (pid) => assert.equal(await statusIn(pid), [1n, 1n, 0n]))
})

test.run()
