/** The kernel's files in a box: those that it sees, those that it can change, and those that are hidden. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, busyboxRoot, failure, INTERFACES, inTemp, nsbox, parseMounts } from '../helpers/nsbox.ts'

const HIDDEN = [
  'acpi',
  'asound',
  'interrupts',
  'kcore',
  'keys',
  'latency_stats',
  'sched_debug',
  'scsi',
  'timer_list',
  'timer_stats',
]
  .map((name) => `/proc/${name}`)
  .concat('/sys/firmware', '/sys/devices/virtual/powercap')
const SETTINGS = [
  '/proc/sys/kernel/core_pattern',
  '/proc/sysrq-trigger',
  '/proc/irq/default_smp_affinity',
  '/proc/sys/vm/drop_caches',
  '/sys/kernel/uevent_seqnum',
  '/sys/kernel/mm/transparent_hugepage/enabled',
]

/** Prints, in a box, the type of the file system that shows its control group, and the group. */
const GROUP = 'stat -f -c %T /sys/fs/cgroup; stat -c %i /sys/fs/cgroup'

/** The expected output for our own group, with everything that others may make in it. */
function ownGroup(): string {
  const mount = parseMounts(readFileSync('/proc/self/mountinfo', 'utf8')).find(({ type }) => type === 'cgroup2')
  const path = join(mount?.path ?? '/nowhere', /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '')
  // If this machine doesn't show it: any single group, or an empty directory.
  return existsSync(path) ? `cgroup2fs\n${statSync(path).ino}\n` : '(cgroup2fs|tmpfs)\n\\d+\n'
}

for (const { name, box } of INTERFACES) {
  test(`files of the kernel about the machine are hidden (${name})`, () => {
    const there = HIDDEN.filter((path) => existsSync(path))
    assert.ok(there.length > 2, there.join())
    for (const flags of [
      [],
      ['--share', 'pid'],
      ['--proc=/proc'],
      ['--bind', '/proc/:/proc'],
      ['--bind', '//proc/.:/proc'],
    ]) {
      const { stdout } = box([
        ...flags,
        'sh',
        '-c',
        'for p; do cat "$p" 2>/dev/null; ls -A "$p/" 2>/dev/null; stat -c "%a %s" "$p"; done',
        'sh',
        ...there,
      ])
      for (const line of stdout.trim().split('\n')) assert.match(line, /^(444 0|555 40?)$/)
    }
  })

  test(`the kernel's settings can't be written to, whatever the command is (${name})`, () => {
    const there = SETTINGS.filter((path) => existsSync(path))
    assert.ok(there.length > 2, there.join())
    for (const flags of [[], ['--bind', '/proc/:/proc']]) {
      const { stdout } = box([
        ...flags,
        ...(asRoot ? [] : ['--map-root']),
        'bash',
        '-c',
        'for p; do : 2>/dev/null >>"$p" && echo "$p"; done; echo done',
        'sh',
        ...there,
      ])
      assert.is(stdout, 'done\n')
    }
  })

  test(`CVE-2023-25809: only the box's own control group shows, and it can't be written to (${name})`, () => {
    const { stdout } = box([
      'sh',
      '-c',
      `cat /proc/self/cgroup | cut -d: -f3 | sort -u; ${GROUP}; mkdir /sys/fs/cgroup/x 2>/dev/null || echo read-only`,
    ])
    assert.match(stdout, new RegExp(`^/\n${ownGroup()}read-only\n$`))
  })

  test(`with --net none, /sys shows the devices of the box's own network, and can't be written to (${name})`, () => {
    const show = `ls /sys/class/net; ${GROUP}; cat /sys/firmware/* 2>/dev/null; for p in /sys/kernel/uevent_seqnum /sys/kernel/mm/transparent_hugepage/enabled; do : 2>/dev/null >>$p && echo $p; done; mount -o remount,rw /sys 2>/dev/null || echo read-only`
    for (const flags of [[], asRoot ? ['--userns'] : ['--map-root']])
      assert.match(
        box(['--net', 'none', ...flags, 'bash', '-c', show]).stdout,
        new RegExp(`^lo\n${ownGroup()}read-only\n$`),
      )
    assert.equal(box(['ls', '/sys/class/net']).stdout.trim().split('\n'), readdirSync('/sys/class/net').sort())
  })

  test(
    `--mask hides a file and a directory, and nothing else (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'tmp', 'secret'])
      writeFileSync(join(root, 'secret/file'), 'secret')
      writeFileSync(join(root, 'password'), 'secret')
      const show =
        'ls -A /secret; cat /password 2>/dev/null; echo x 2>/dev/null >/password || echo unchanged; echo x 2>/dev/null >/secret/new || echo unchanged; umount /password 2>/dev/null || echo stays; ls /bin/sh; cat /password && stat -c %a /password /secret'
      assert.is(
        box(['--root', root, '--mask', '/secret', '--mask', '/password', 'sh', '-c', show]).stdout,
        'unchanged\nunchanged\nstays\n/bin/sh\n444\n555\n',
      )
      assert.is(readFileSync(join(root, 'password'), 'utf8'), 'secret')
      failure(
        box(['--root', root, '--mask', '/nowhere', 'true']),
        /^nsbox: mounts: open: \/nowhere: No such file or directory \(ENOENT\)\n/,
      )
      failure(box(['--root', root, '--mask', '/', 'true']), /^nsbox: mounts: is the root itself: \/\n/)
      symlinkSync('password', join(root, 'link'))
      failure(
        box(['--root', root, '--mask', '/link', 'true']),
        /^nsbox: mounts: is a symbolic link: name the file that it leads to: \/link\n/,
      )
    }),
  )

  test(
    `CVE-2025-52881: a root can't move the masks by links or files of its own (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'tmp', 'etc'])
      writeFileSync(join(root, 'etc/passwd'), 'mine')
      mkdirSync(join(root, 'sys/kernel'), { recursive: true })
      symlinkSync('/etc', join(root, 'sys/firmware'))
      const { stdout } = box([
        '--root',
        root,
        'sh',
        '-c',
        'cat /etc/passwd /sys/firmware/passwd; cat /proc/keys 2>/dev/null; echo x >/sys/kernel/x && echo own',
      ])
      assert.is(stdout, 'minemineown\n')
    }),
  )
}

test('--privileged shows all of it', () => {
  const there = HIDDEN.filter((path) => existsSync(path))
  const types = (...flags: string[]) => nsbox([...flags, '--quiet', 'stat', '-f', '-c', '%T', ...there]).stdout
  assert.not.match(types('--privileged'), /^tmpfs$/m)
  assert.match(types(), /^tmpfs$/m)
})

test.run()
