/** A command that enters a running box: which box it finds, and what it shares with it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
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
  sidecar,
  SIDECAR,
} from '../helpers/nsbox.ts'
import { end, enter, inBox, waitFor } from '../helpers/running-box.ts'

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

test.run()
