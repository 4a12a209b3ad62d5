/** The command's ids and namespaces, as seen from inside. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { asRoot, execute, nsbox, NSBOX } from '../helpers/nsbox.ts'

const onlyRoot = asRoot ? test : test.skip
const onlyUser = asRoot ? test.skip : test
const uid = process.getuid?.() ?? 0
const gid = process.getgid?.() ?? 0

function inside(...args: string[]): string {
  const { status, stdout, stderr } = nsbox(args)
  assert.is(status, 0, `${args.join(' ')}: ${stderr}`)
  return stdout.trim()
}

const ID = ['sh', '-c', 'echo $(id -u) $(id -g) $(id -G)']
const map = (...flags: string[]) =>
  inside(...flags, 'cat', '/proc/self/uid_map', '/proc/self/gid_map', '/proc/self/setgroups')
    .replace(/ +/g, ' ')
    .split('\n')
    .map((line) => line.trim())

onlyUser('an ordinary user is who it is, and nobody else (as a user)', () => {
  assert.is(inside(...ID), `${uid} ${gid} ${gid}`)
  assert.equal(map(), [`${uid} ${uid} 1`, `${gid} ${gid} 1`, 'deny'])
})

onlyUser('an ordinary user can be any other number in the box (as a user)', () => {
  assert.is(inside('--map-root', ...ID), '0 0 0')
  assert.is(inside('--user', '12:34', ...ID), '12 34 34')
  assert.is(inside('--user', '12', ...ID), `12 ${gid} ${gid}`)
})

onlyUser('the ids of /etc/subuid are there with --map-auto, and files can be given to them (as a user)', () => {
  assert.is(
    inside(
      '--map-auto',
      '--tmpfs',
      '/tmp',
      'sh',
      '-c',
      'id -u; touch /tmp/f && chown 7:8 /tmp/f && stat -c %u:%g /tmp/f',
    ),
    '0\n7:8',
  )
  assert.is(inside('--map-auto', '--user', '5:6', ...ID), '5 6 6')
  const { status, stderr } = nsbox(['--map-auto', '--user', '70000', 'true'])
  assert.is(status, 2)
  assert.match(stderr, 'not among the mapped ids')
})

onlyUser("the host's user namespace cannot be kept without root (as a user)", () => {
  const { status, stderr } = nsbox(['--share', 'user', 'true'])
  assert.is(status, 2)
  assert.match(stderr, /^nsbox: --share user: .*\nhint: /)
})

onlyRoot('root is root, without the groups of the caller (needs root)', () => {
  const command = `exec setpriv --groups 4,5,6 ${NSBOX} sh -c 'echo $(id -u) $(id -g) $(id -G)'`
  assert.is(execute('bash', ['-c', command]).stdout, '0 0 0\n')
  assert.equal(map(), ['0 0 4294967295', '0 0 4294967295', 'allow'])
})

onlyRoot('root becomes another user for good (needs root)', () => {
  assert.is(inside('--user', '12:34', ...ID), '12 34 34')
  assert.is(inside('--user', '12', ...ID), '12 12 12')
  assert.match(inside('--user', '12:34', 'sh', '-c', 'cat /proc/self/status'), /Uid:\t12\t12\t12\t12\n/)
})

onlyRoot('root gets a user namespace when it asks for one (needs root)', () => {
  assert.not.equal(inside('--userns', 'readlink', '/proc/self/ns/user'), readlinkSync('/proc/self/ns/user'))
  assert.is(inside('--userns', '--user', '7:8', ...ID), '7 8 8')
  assert.is(inside('--map-root', ...ID), '0 0 0')
})

onlyRoot('--map-auto without a range says how to get one (needs root)', () => {
  const { status, stderr } = execute('unshare', [
    '--mount',
    '--propagation',
    'private',
    'sh',
    '-c',
    `mount --bind /dev/null /etc/subuid && exec ${NSBOX} --map-auto true`,
  ])
  assert.is(status, 125)
  assert.is(
    stderr,
    'nsbox: id maps: no range of ids for root: /etc/subuid\nhint: as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 root\n',
  )
})

for (const name of ['pid', 'ipc', 'uts', 'cgroup'] as const) {
  test(`the ${name} namespace is new, or the host's with --share`, () => {
    const own = readlinkSync(`/proc/self/ns/${name}`)
    assert.is.not(inside('readlink', `/proc/self/ns/${name}`), own)
    assert.is(inside('--share', name, 'readlink', `/proc/self/ns/${name}`), own)
  })
}

test("the network is the host's, or a loopback of its own", () => {
  assert.is(inside('readlink', '/proc/self/ns/net'), readlinkSync('/proc/self/ns/net'))
  const lines = inside('--net', 'none', 'cat', '/proc/net/dev').split('\n')
  assert.is(lines.length, 3)
  assert.match(lines[2] ?? '', /^\s*lo:/)
  const python =
    'import socket; s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname()); s.accept()[0].sendall(b"hi"); print(c.recv(2).decode())'
  assert.is(inside('--net', 'none', 'python3', '-c', python), 'hi')
})

test("the host name is the box's own", () => {
  assert.is(inside('--hostname', '007', 'hostname'), '007')
  assert.is(hostname(), execute('hostname', []).stdout.trim())
})

test('the command is process 2, or 1 without an init', () => {
  assert.is(inside('sh', '-c', 'echo $$'), '2')
  assert.is(inside('--no-init', 'sh', '-c', 'echo $$'), '1')
})

test('a box runs in a box', () => {
  // An ordinary user can't uncover a masked part of /proc, not even by a new /proc.
  const outer = asRoot ? ['--cap-add', 'all'] : ['--map-root', '--privileged', '--quiet']
  assert.is(inside(...outer, NSBOX, '--hostname', 'deep', 'hostname'), 'deep')
  // A box with only one id can have a box in it whose map gives that id another number.
  assert.is(inside(...outer, NSBOX, ...(asRoot ? [] : ['--userns']), ...ID).split(' ')[0], '0')
})

test('where user namespaces are forbidden, the message says where to look', () => {
  const forbid =
    'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all "$0" --userns true'
  const { status, stderr } = execute('unshare', ['--user', '--map-root-user', 'sh', '-c', forbid, NSBOX])
  assert.is(status, 125)
  assert.match(stderr, /^nsbox: namespaces: make a process in new namespaces: .*\nhint: /)
})

test.run()
