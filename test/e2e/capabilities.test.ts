/** The command's privileges, as the kernel shows them from inside. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { chmodSync, copyFileSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  asRoot,
  BIN,
  busyboxRoot,
  execute,
  failure,
  INTERFACES,
  inTemp,
  nsbox,
  planOf,
  sidecar,
} from '../helpers/nsbox.ts'

const SETS = ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'] as const

/** The five sets of the command or of process 1, in hexadecimal without leading zeros. */
function setsOf(process: 'self' | '1', args: readonly string[]): string[] {
  const { status, stdout, stderr } = nsbox([...args, '--', 'cat', `/proc/${process}/status`])
  assert.is(status, 0, stderr)
  return SETS.map((name) => BigInt(`0x${new RegExp(`^${name}:\\s+(\\w+)`, 'm').exec(stdout)?.[1]}`).toString(16))
}

/**
 * Process 1 drops its privileges when the command starts. Until then the kernel lets no process without them look at
 * it.
 */
function assertSets(process: 'self' | '1', args: readonly string[], expected: readonly string[]): void {
  let found = setsOf(process, args)
  for (let tries = 0; tries < 50 && process === '1' && found.join() !== expected.join(); tries++)
    found = setsOf(process, args)
  assert.equal(found, expected)
}

const NONE = ['0', '0', '0', '0', '0']
/** chown dac_override fowner fsetid kill setgid setuid setpcap net_bind_service sys_chroot mknod audit_write setfcap */
const DEFAULT = 'a80405fb'
/** The same with net_raw. */
const DEFAULT_IN_OWN_NETWORK = 'a80425fb'
const rootArgs = asRoot ? [] : ['--map-root']

for (const process of ['self', '1'] as const) {
  const who = process === '1' ? 'process 1' : 'the command'
  test(`CVE-2022-29162: ${who} has the default set as root, and none of it inheritable`, () => {
    assertSets(process, rootArgs, ['0', DEFAULT, DEFAULT, DEFAULT, '0'])
  })
  test(`${who} has net_raw only in a network of the box's own, or where it is asked for`, () => {
    assertSets(
      process,
      [...rootArgs, '--net', 'none'],
      ['0', DEFAULT_IN_OWN_NETWORK, DEFAULT_IN_OWN_NETWORK, DEFAULT_IN_OWN_NETWORK, '0'],
    )
    assertSets(
      process,
      [...rootArgs, '--cap-add', 'net_raw'],
      ['0', DEFAULT_IN_OWN_NETWORK, DEFAULT_IN_OWN_NETWORK, DEFAULT_IN_OWN_NETWORK, '0'],
    )
    assertSets(process, [...rootArgs, '--net', 'none', '--cap-drop', 'net_raw'], ['0', DEFAULT, DEFAULT, DEFAULT, '0'])
  })
  test(`${who} has no capability as anybody else`, () => {
    assertSets(process, ['--user', '1234:1234'], NONE)
  })
  test(`${who} loses what is dropped`, () => {
    assertSets(process, [...rootArgs, '--cap-drop', 'all'], NONE)
    assertSets(process, [...rootArgs, '--cap-drop', 'all', '--cap-add', 'CAP_KILL'], ['0', '20', '20', '20', '0'])
  })
  test(`${who} has what is added, also when it is not root`, () => {
    assertSets(process, ['--user', '1234:1234', '--cap-add', 'net_bind_service'], ['400', '400', '400', '400', '400'])
  })
}

test('a capability that was dropped does not work', () => {
  const args = [...rootArgs, '--tmpfs', '/tmp', '--']
  const touch = ['sh', '-c', 'mkdir /tmp/d && chmod 0 /tmp/d && touch /tmp/d/file && echo made']
  assert.is(nsbox([...args, ...touch]).stdout, 'made\n')
  assert.match(nsbox(['--cap-drop', 'dac_override', ...args, ...touch]).stderr, 'Permission denied')
})

test('root in a box can mount nothing, unless it is given sys_admin', () => {
  const mount = ['--tmpfs', '/tmp', 'mount', '-t', 'tmpfs', 'none', '/tmp']
  assert.is.not(nsbox([...rootArgs, ...mount]).status, 0)
  assert.is(nsbox([...rootArgs, '--cap-add', 'sys_admin', ...mount]).status, 0)
})

test('no_new_privs is set, unless new privileges are allowed', () => {
  const of = (args: readonly string[]) =>
    /NoNewPrivs:\s+(\d)/.exec(nsbox([...args, 'cat', '/proc/self/status']).stdout)?.[1]
  assert.is(of([]), '1')
  assert.is(of(['--allow-new-privs']), '0')
})

const SNIFF =
  'import socket\nfor kind in (socket.AF_PACKET, socket.AF_INET):\n  try: socket.socket(kind, socket.SOCK_RAW, 3 if kind == socket.AF_PACKET else 1); print("raw")\n  except PermissionError: print("refused")'

test("root in a box can neither read nor forge what passes on the host's network", () => {
  for (const args of [[], ['--ro'], ['--userns'], ['--overlay'], ['--no-init'], ['--share', 'pid,ipc,uts,cgroup']])
    assert.is(nsbox([...args, 'python3', '-c', SNIFF]).stdout, 'refused\nrefused\n', args.join(' '))
  assert.is(nsbox([...rootArgs, '--net', 'none', 'python3', '-c', SNIFF]).stdout, 'raw\nraw\n')
})

test("in a network of the box's own everybody can ping, and listen on any port", () => {
  const python =
    'import socket\nsocket.create_server(("127.0.0.1", 80)); socket.create_server(("::1", 22), family=socket.AF_INET6)\nsocket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP); print("all")'
  for (const args of [
    [],
    ['--map-root'],
    ['--cap-drop', 'all'],
    ['--root', '/'],
    ...(asRoot
      ? [
          ['--user', '5001'],
          ['--user', '5001:5002', '--userns'],
        ]
      : [['--user', '7:8']]),
  ]) {
    const { stdout, stderr } = nsbox(['--net', 'none', ...args, 'python3', '-c', python])
    assert.is(stdout, 'all\n', `${args.join(' ')}: ${stderr}`)
  }
  const setting = '/proc/sys/net/ipv4/ping_group_range'
  const before = readFileSync(setting, 'utf8')
  nsbox(['--net', 'none', 'true'])
  assert.is(readFileSync(setting, 'utf8'), before)
})

test("explain shows what a network of its own allows, and the host's network keeps its settings", () => {
  assert.match(
    nsbox(['explain', '--net', 'none', 'true']).stdout.replace(/\s+/g, ' '),
    /ip_unprivileged_port_start = 0: everybody may listen on ports below 1024/,
  )
  assert.not.match(nsbox(['explain', 'true']).stdout, /ip_unprivileged_port_start/)
  const plan = planOf(['true'])
  failure(sidecar({ ...plan, ping: true }), /^nsbox: read plan: needs net in namespaces: \/ping\n$/)
})

/** A program that starts only where its file's capability is in the bounding set, or the file is on a nosuid mount. */
function capable(dir: string): string {
  const path = join(dir, 'capable')
  chmodSync(dir, 0o755)
  copyFileSync(join(BIN, 'landlock'), path)
  const { status, stderr } = execute('setcap', ['cap_sys_time+ep', path])
  assert.is(status, 0, stderr)
  return path
}

for (const { name, box } of asRoot ? INTERFACES : []) {
  test(
    `a program whose file has a capability that the box lacks starts without it (${name}, needs root)`,
    inTemp((dir) => {
      const program = capable(dir)
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'tmp', 'other'])
      capable(root)
      mkdirSync(join(dir, 'changes'))
      const starts = (...args: string[]) => {
        const { status, stderr } = box(args)
        assert.is(status, 0, `${args.join(' ')}: ${stderr}`)
      }
      for (const args of [
        [],
        ['--ro'],
        ['--overlay'],
        [`--overlay=${dir}/changes`],
        ['--userns'],
        ['--no-init'],
        ['--user', '5001'],
        ['--cap-drop', 'all'],
        ['--net', 'none'],
      ])
        starts(...args, program)
      for (const args of [[], ['--ro'], ['--overlay']]) starts('--root', root, ...args, '/capable')
      // With new privileges allowed, the mount can't be nosuid, and the message names the reason.
      assert.match(
        box(['--allow-new-privs', '--seccomp', 'none', program]).stderr,
        /can't be executed: .*: Operation not permitted \(EPERM\)\nhint: its file has a capability that the box may not have/,
      )
      for (const option of ['--bind', '--ro-bind', '--dev-bind'])
        starts('--root', root, option, `${dir}:/other`, '/other/capable')
      starts('--root', root, '--file', `${program}:/other/copy`, '/other/copy')
      starts('--root', root, '--tmpfs', '/tmp', '--bind', `${dir}:/tmp/x`, '/tmp/x/capable')
    }),
  )

  test(
    `with --allow-new-privs setuid programs and file capabilities work (${name}, needs root)`,
    inTemp((dir) => {
      chmodSync(dir, 0o755)
      const [setuid, powerful] = [join(dir, 'id'), join(dir, 'cat')]
      copyFileSync('/usr/bin/id', setuid)
      chmodSync(setuid, 0o4755)
      copyFileSync('/bin/cat', powerful)
      assert.is(execute('setcap', ['cap_kill+ep', powerful]).status, 0)
      for (const args of [[], ['--overlay'], ['--ro']]) {
        const run = (...command: string[]) =>
          box([
            ...args,
            '--user',
            '5001:5001',
            '--seccomp',
            'none',
            '--cap-add',
            'kill',
            '--cap-add',
            'chown',
            ...command,
          ]).stdout
        const effective = (...flags: string[]) =>
          BigInt(`0x${/CapEff:\s+(\w+)/.exec(run(...flags, powerful, '/proc/self/status'))?.[1]}`)
        assert.is(run('--allow-new-privs', setuid, '-u'), '0\n')
        assert.is(run(setuid, '-u'), '5001\n')
        // A program with file capabilities has only those; without them it keeps the box's.
        assert.is(effective('--allow-new-privs'), 0x20n)
        assert.is(effective(), 0x21n)
      }
    }),
  )
}

test('an unknown capability is refused, with the nearest', () => {
  const { status, stderr } = nsbox(['--cap-add', 'net_admi', 'true'])
  assert.is(status, 2)
  assert.is(stderr, "nsbox: --cap-add: no capability 'net_admi'\nhint: the nearest is net_admin\n")
})

test.run()
