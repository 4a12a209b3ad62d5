import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { appArmorProfile } from '../../src/doctor/checks/apparmor.ts'
import { doctor } from '../../src/doctor/doctor.ts'
import type { Host } from '../../src/doctor/host.ts'
import { errnoName, errnoText } from '../../src/host/errno.ts'

const RESTRICT = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns'
const MOUNTS = [
  '22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw',
  '23 22 0:21 / /proc rw,nosuid shared:2 - proc proc rw',
  '24 23 0:40 / /proc/sys/fs/binfmt_misc rw shared:3 - autofs systemd-1 rw',
  '25 22 0:6 / /dev rw shared:4 - devtmpfs udev rw',
  '26 25 0:7 / /dev/shm rw,nosuid,nodev shared:5 - tmpfs tmpfs rw',
  '27 22 0:8 / /sys/fs/cgroup rw shared:6 - cgroup2 cgroup2 rw',
]

/** Ubuntu 24.04 as installed, an ordinary user with uidmap. */
const UBUNTU: Record<string, string> = {
  '/proc/sys/kernel/osrelease': '6.8.0-45-generic\n',
  '/proc/sys/user/max_user_namespaces': '127234\n',
  '/proc/sys/kernel/unprivileged_userns_clone': '1\n',
  [RESTRICT]: '1\n',
  '/proc/self/attr/current': 'unconfined\n',
  '/proc/self/status': 'Name:\tnsbox\nCapEff:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\n',
  '/proc/filesystems': 'nodev\tproc\nnodev\tdevpts\nnodev\toverlay\n\text4\n',
  '/proc/self/mountinfo': `${MOUNTS.join('\n')}\n`,
  '/proc/sys/net/ipv4/ping_group_range': '0\t2147483647\n',
  '/proc/sys/fs/dir-notify-enable': '1\n',
  '/etc/subuid': 'ann:100000:65536\n',
  '/etc/subgid': 'ann:100000:65536\n',
}
const FREE = { [RESTRICT]: '0\n' }
const AS_ROOT = 'CapEff:\t000001ffffffffff\nNoNewPrivs:\t0\n'

const START = '{"event":"start","pid":1}\n'
const REFUSED =
  '{"event":"error","step":"namespaces","what":"make a process","errno":1,"code":"EPERM","text":"Operation not permitted","hint":"do that","status":125}\n'

type Machine = {
  limited?: string | undefined
  box?: string
  nested?: string
  files?: Record<string, string | undefined>
  unshare?: number
  tmpfile?: string
  helperMode?: number
  uid?: number
  free?: number
  cache?: { mode: number; uid: number }
}

function host(machine: Machine): Host {
  const {
    box = START,
    nested = box,
    files = {},
    unshare = 0,
    tmpfile,
    helperMode = 0o104755,
    uid = 1000,
    free = 2 ** 33,
    cache,
  } = machine
  const limited = 'limited' in machine ? machine.limited : START
  const all: Record<string, string | undefined> = { ...UBUNTU, ...files }
  const there = ['/dev/shm', '/tmp', '/usr/bin/newuidmap', '/usr/bin/newgidmap', '/proc/self/ns/user']
  return {
    readFile: (path) => all[path],
    exists: (path) => there.includes(path),
    stat: (path) => (path.endsWith('cache/nsbox') ? cache : { mode: helperMode, uid: 0 }),
    run: (program, args) => {
      if (program === 'unshare') return { status: unshare, stdout: '' }
      if (!program.endsWith('/nsbox') || limited === undefined) return undefined
      return { status: 0, stdout: args.includes('--memory') ? limited : args.includes('--nest') ? nested : box }
    },
    tryTmpfile: () => tmpfile,
    space: () => free,
    sizes: () => [4096, 1024],
    env: { PATH: '/usr/bin', HOME: '/home/ann' },
    uid,
    user: uid === 0 ? 'root' : 'ann',
    exe: '/home/ann/bin/nsbox',
  }
}

function told(machine: Machine): { status: number; text: string; about: (name: string) => string } {
  const lines: string[] = []
  const status = doctor((line) => lines.push(line), host(machine))
  const text = lines.join('\n')
  const about = (name: string): string =>
    text.split(/\n(?=\S)/).find((part) => part.slice(6).startsWith(`${name}:`)) ?? ''
  return { status, text, about }
}

test('a machine where all is well gets only ok, and status 0', () => {
  const { status, text } = told({ files: { ...FREE, '/proc/sys/kernel/osrelease': '6.12.1\n' } })
  assert.is(status, 0)
  assert.not.match(text, /^(no|note) /m)
  assert.match(text, 'boxes can run here')
})

test('what Landlock would close is told where it is older than its scopes, or off', () => {
  assert.match(
    told({ files: FREE }).about('Landlock'),
    /^note .*before Linux 6\.12\n.*abstract sockets.*\n.*--net none --new-session/,
  )
  const newer = (lsm: string) =>
    told({ files: { ...FREE, '/proc/sys/kernel/osrelease': '6.12.1\n', '/sys/kernel/security/lsm': lsm } }).about(
      'Landlock',
    )
  assert.match(newer('capability,apparmor'), /^note .*not among the active security modules/)
  assert.match(newer('capability,landlock,yama\n'), /^ok /)
})

test("Ubuntu 24.04: the restriction is named, with a profile for this executable's path", () => {
  const { status, about } = told({ box: REFUSED })
  assert.is(status, 1)
  assert.match(about('AppArmor'), /^no .*kernel\.apparmor_restrict_unprivileged_userns is 1/)
  assert.match(about('AppArmor'), 'profile nsbox "/home/ann/bin/nsbox" flags=(unconfined) {')
  assert.match(about('AppArmor'), 'sudo apparmor_parser -r /etc/apparmor.d/nsbox')
})

test('Ubuntu 24.04 with the profile loaded is fine', () => {
  const { status, about } = told({ files: { '/proc/self/attr/current': 'nsbox (unconfined)\n' } })
  assert.is(status, 0)
  assert.match(about('AppArmor'), /^ok .*profile nsbox/)
})

test('Ubuntu 24.04 as root: boxes run, so the restriction is a note', () => {
  const { status, about } = told({ uid: 0, files: { '/proc/self/status': AS_ROOT } })
  assert.is(status, 0)
  assert.match(about('AppArmor'), /^note /)
})

test('characters of a path that mean something to AppArmor are escaped', () => {
  assert.match(appArmorProfile('/a/[x]*"y').join('\n'), '"/a/\\[x\\]\\*\\"y"')
})

test('user namespaces turned off by a sysctl: the sysctl to set', () => {
  for (const [file, setting] of [
    ['/proc/sys/user/max_user_namespaces', 'user.max_user_namespaces='],
    ['/proc/sys/kernel/unprivileged_userns_clone', 'kernel.unprivileged_userns_clone=1'],
  ] as const) {
    const { status, about } = told({ box: REFUSED, files: { ...FREE, [file]: '0\n' } })
    assert.is(status, 1)
    assert.match(about('user namespaces'), `fix: sudo sysctl -w ${setting}`)
  }
})

test('a refusal under a seccomp filter points to the container', () => {
  const { status, about } = told({
    unshare: 1,
    limited: undefined,
    files: { ...FREE, '/proc/self/status': 'CapEff:\t00\nSeccomp:\t2\n' },
  })
  assert.is(status, 1)
  assert.match(about('user namespaces'), 'seccomp=unconfined')
})

test('an old kernel: what is missing, and 5.4 is older than 5.12', () => {
  const { status, about } = told({ files: { ...FREE, '/proc/sys/kernel/osrelease': '5.4.0-100-generic\n' } })
  assert.is(status, 0)
  assert.match(about('kernel'), /^note .*without openat2, close_range, mount_setattr\n/)
  assert.match(about('overlay'), 'allows it to root alone')
})

test('no subordinate ids: the usermod line', () => {
  const { status, about } = told({ files: { ...FREE, '/etc/subuid': 'bob:100000:65536\n' } })
  assert.is(status, 0)
  assert.match(about('subordinate ids'), /\/etc\/subuid has none for ann\n.*--map-auto/)
  assert.match(about('subordinate ids'), 'usermod --add-subuids 100000-165535')
})

test('whether a moved file is noticed at once', () => {
  assert.match(told({ files: FREE }).about('replaced files'), 'a box ends when somebody outside replaces')
  const late = told({ files: { ...FREE, '/proc/sys/fs/dir-notify-enable': '0\n' } })
  assert.match(late.about('replaced files'), 'up to half a second late')
})

test('id map helpers without their privilege, and under no_new_privs', () => {
  assert.match(
    told({ files: FREE, helperMode: 0o100755 }).about('id map helpers'),
    '/usr/bin/newuidmap is neither setuid root nor has a file capability',
  )
  const { about } = told({ files: { ...FREE, '/proc/self/status': 'CapEff:\t00\nNoNewPrivs:\t1\n' } })
  assert.match(about('id map helpers'), 'no_new_privs takes their privilege')
  assert.match(about('no_new_privs'), /^note /)
})

test('nested in a container: the masked /proc is named, the empty binfmt_misc is not', () => {
  const masked = [...MOUNTS, '30 23 0:50 / /proc/kcore rw - tmpfs tmpfs rw'].join('\n')
  const { about } = told({ files: { ...FREE, '/proc/self/mountinfo': masked } })
  assert.match(about('proc'), /^note .*\(\/proc\/kcore\)/)
  assert.match(about('proc'), 'systempaths=unconfined')
})

test('in a box, the way out is the box around, and its own /proc is no mask of the one below', () => {
  const boxed = [...MOUNTS, '30 23 0:50 / /proc rw - proc proc rw', '31 30 0:51 / /proc/keys rw - tmpfs tmpfs rw'].join(
    '\n',
  )
  const files = {
    ...FREE,
    '/proc/1/comm': 'box-init\n',
    '/proc/self/status': 'CapEff:\t00\nSeccomp:\t2\nNoNewPrivs:\t1\n',
    '/proc/self/mountinfo': boxed,
  }
  const { status, about, text } = told({ unshare: 1, files, box: REFUSED, helperMode: 0o100755 })
  assert.is(status, 1)
  assert.match(about('user namespaces'), /refused by the filter of the box.*\n.*\n +fix: nsbox --allow-userns/)
  assert.match(about('proc'), /masked \(\/proc\/keys\).*\n.*--nest.*\n +fix: nsbox --allow-userns/)
  assert.match(about('id map helpers'), 'no_new_privs takes their privilege')
  assert.not.match(text, 'docker')
})

test('root of a user namespace is held up by a masked /proc, root of the machine is not', () => {
  const masked = [...MOUNTS, '30 23 0:50 / /proc/kcore rw - tmpfs tmpfs rw'].join('\n')
  const files = { ...FREE, '/proc/self/status': AS_ROOT, '/proc/self/mountinfo': masked }
  assert.match(
    told({ uid: 0, files: { ...files, '/proc/self/uid_map': '         0       1000          1\n' } }).about('proc'),
    /^note /,
  )
  assert.match(
    told({ uid: 0, files: { ...files, '/proc/self/uid_map': '         0          0 4294967295\n' } }).about('proc'),
    /^ok /,
  )
})

const NO_MEMORY = { ...FREE, '/proc/sys/vm/memfd_noexec': '2\n' }

test('a file in memory becomes the box, whatever is mounted noexec, unless the kernel executes none', () => {
  const noexec = MOUNTS.join('\n').replace('/dev/shm rw', '/dev/shm rw,noexec')
  assert.match(told({ files: { ...FREE, '/proc/self/mountinfo': noexec } }).about('start-up'), /^ok .*a file in memory/)
  assert.match(told({ files: NO_MEMORY }).about('start-up'), /^ok .*\/dev\/shm takes /)
  assert.match(
    told({ files: { ...NO_MEMORY, '/proc/self/mountinfo': noexec } }).about('start-up'),
    /^ok .*\/tmp takes .*\(\/dev\/shm: noexec\)/,
  )
})

test('no place for the hand-over: the error in words, and what happens instead', () => {
  const { status, about } = told({ files: NO_MEMORY, tmpfile: 'EROFS' })
  assert.is(status, 0)
  assert.match(about('start-up'), 'Read-only file system (EROFS)')
  assert.match(about('start-up'), 'by nsbox-sidecar beside nsbox')
})

test('control groups: what the sidecar says of a group with limits is told, with the way out', () => {
  assert.match(told({ files: FREE }).about('control groups'), /^ok .*made a group with limits/)
  const events =
    '{"event":"error","step":"control group","what":"may not be used by you","path":"/sys/fs/cgroup/user.slice","errno":13,"code":"EACCES","text":"Permission denied","hint":"systemd-run it","status":125}\n'
  const { status, about } = told({ files: FREE, limited: events })
  assert.is(status, 0)
  assert.match(
    about('control groups'),
    /^note .*may not be used by you: \/sys\/fs\/cgroup\/user\.slice: Permission denied \(EACCES\)\n.*--memory, --cpus and --pids will not work\n.*fix: systemd-run it/,
  )
  assert.match(
    told({ files: FREE, limited: '{"event":"error","step":"namespaces","what":"no","status":125}\n' }).about(
      'control groups',
    ),
    /^ok /,
  )
  assert.match(told({ files: FREE, limited: undefined }).about('control groups'), /^note .*not tried/)
})

test('error numbers have names and texts', () => {
  assert.is(errnoText('EACCES'), 'Permission denied')
  assert.is(errnoName(-2), 'ENOENT')
  assert.is(errnoText('ENOSUCHNAME'), undefined)
})

test('where no group may ping, the setting and what works without are named', () => {
  const { status, about } = told({ files: { '/proc/sys/net/ipv4/ping_group_range': '1\t0\n' } })
  assert.is(status, 0)
  assert.match(
    about('ping'),
    /^note +ping: net.ipv4.ping_group_range allows no group\n.*--net none.*\n.*sysctl -w 'net.ipv4.ping_group_range=0 2147483647'/,
  )
})

test('the verdict is that of a box that was started, whatever the checks guess', () => {
  const good = told({ files: FREE })
  assert.match(good.text, /\nboxes can run here$/)
  const nested = told({ files: FREE, box: REFUSED, nested: START })
  assert.is(nested.status, 1)
  assert.match(
    nested.text,
    /\nthe default box cannot start here:\n +namespaces: make a process: Operation not permitted \(EPERM\)\n +hint: do that\nboxes with --nest can run here: nsbox --nest COMMAND$/,
  )
  const none = told({ files: FREE, box: REFUSED })
  assert.is(none.status, 1)
  assert.match(none.text, /\nno box can run here:\n +namespaces: /)
  // A command that is not there is no fault of the box.
  assert.is(
    told({
      files: FREE,
      box: '{"event":"error","step":"exec","what":"command not found in the box","path":"true","status":127}\n',
    }).status,
    0,
  )
})

test('namespaces that are limited to none are named, with the setting', () => {
  const limit = (...names: string[]) =>
    told({
      files: { ...FREE, ...Object.fromEntries(names.map((name) => [`/proc/sys/user/max_${name}_namespaces`, '0\n'])) },
    }).about('other namespaces')
  assert.match(limit(), /^ok /)
  assert.match(
    limit('mnt'),
    /^no .*user.max_mnt_namespaces is 0\n.*\n +fix: sudo sysctl -w user.max_mnt_namespaces=15000/,
  )
  assert.match(limit('net'), /^note .*\n +--net none will not work/)
  assert.match(
    limit('pid', 'uts'),
    /^no .*user.max_pid_namespaces, user.max_uts_namespaces are 0\n +only boxes with --share pid,uts start/,
  )
})

test('--map-auto as root needs ranges too', () => {
  assert.match(
    told({ uid: 0, files: { ...FREE, '/proc/self/status': AS_ROOT } }).about('subordinate ids'),
    /^note .*none for root.*\n.*--map-auto will not work\n.*usermod .* root/,
  )
})

test('as JSON: one document, with the verdict and each check', () => {
  const lines: string[] = []
  assert.is(
    doctor((line) => lines.push(line), host({ files: FREE, box: REFUSED, nested: START }), true),
    1,
  )
  const { boxes, checks } = JSON.parse(lines.join('\n'))
  assert.equal(boxes, {
    default: { starts: false, error: 'namespaces: make a process: Operation not permitted (EPERM)', hint: 'do that' },
    nest: { starts: true },
  })
  assert.equal(
    checks.find(({ name }: { name: string }) => name === 'ping'),
    {
      name: 'ping',
      status: 'ok',
      found: 'allowed without a capability to the groups 0 to 2147483647 (net.ipv4.ping_group_range)',
    },
  )
})

test('the doctor of this machine comes to an end', () => {
  const lines: string[] = []
  assert.ok([0, 1].includes(doctor((line) => lines.push(line))))
  assert.match(lines.join('\n'), 'kernel: ')
})

test('the directory for images is named with the room in it, and what hinders it', () => {
  const about = (machine: Machine) => told({ files: FREE, ...machine }).about('images')
  assert.match(about({}), 'the cache is /home/ann/.cache/nsbox, with 8.0 GiB free')
  assert.match(about({ free: 2 ** 28 }), /0\.3 GiB free[^]*a large image will not fit[^]*nsbox image prune/)
  assert.match(about({ cache: { mode: 0o40755, uid: 1000 } }), 'chmod 700 /home/ann/.cache/nsbox')
  assert.match(about({ cache: { mode: 0o40700, uid: 7 } }), 'belongs to another user')
  assert.match(about({ uid: 0 }), 'the cache is /var/cache/nsbox')
})

test('an overlay of an ordinary user has a limit before Linux 6.6', () => {
  const about = (release: string) =>
    told({ files: { ...FREE, '/proc/sys/kernel/osrelease': release } }).about('overlay')
  assert.match(about('6.1.0-25-amd64\n'), /tmpfs lacks user attributes[^]*--overlay=DIR/)
  assert.not.match(about('6.8.0\n'), 'tmpfs')
})

test('the profile of the Debian package says what the doctor proposes, for the paths of a package', () => {
  const packaged = readFileSync(join(import.meta.dir, '../../scripts/release/apparmor'), 'utf8')
  const rules = (lines: readonly string[]): string[] =>
    lines
      .map((line) => line.trim().replace(/^(profile nsbox) \S+/, '$1'))
      .filter((line) => line !== '' && !line.startsWith('#') && line !== 'include if exists <local/nsbox>')
  assert.equal(rules(packaged.split('\n')), rules(appArmorProfile('/usr/bin/nsbox')))
})

test.run()
