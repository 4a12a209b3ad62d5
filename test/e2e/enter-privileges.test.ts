/** A command that enters a box has the privileges of the box's own command, and no more. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, BIN, execute, inTemp, NSBOX, planOf, SANITIZED, SIDECAR } from '../helpers/nsbox.ts'
import { oldestChild } from '../../src/launch/processes.ts'
import { end, enter, inBox, waitFor } from '../helpers/running-box.ts'

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
