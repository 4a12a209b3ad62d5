// runs once
// seconds: 520
/** Limits by control groups, in a virtual machine whose kernel has them; and a box that starts on an initramfs. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { byVersion, Guest, kernels, onKernels, USER, type Check, type Outcome } from '../helpers/vm.ts'

const guest = new Guest()
const checks: Check[] = []

/** SCRIPT runs in the guest as root, with `first` on the initramfs itself. CHECK gets its output. */
function inGuest(name: string, script: string, check: Check['check'], first = false): void {
  guest.add(name, script, first)
  checks.push({ name, check })
}

const { box } = { box: guest.box.bind(guest) }
const G = '/sys/fs/cgroup'
/** Runs SCRIPT as the user, whose shell is in the group GROUP. */
const asUser = (group: string, script: string) =>
  `cat >/tmp/as-user <<'END'\n${script}\nEND\n(echo 0 >${G}/${group}/cgroup.procs && exec su -s /bin/sh ann -c 'sh /tmp/as-user')`
/**
 * A group that root gives to the user as a service manager does: the directory, and the files that move processes and
 * enable controllers.
 */
const delegate = (group: string) =>
  `mkdir -p ${G}/${group}/own; chown -R ${USER}:${USER} ${G}/${group}; for f in ${G}/${group}/*; do case $f in */cgroup.procs|*/cgroup.subtree_control|*/cgroup.threads|*/own) ;; *) chown 0:0 $f;; esac; done`
const lines = ({ output }: Outcome) =>
  output.split('\n').filter((line) => line !== '' && !/pivot_root is refused/.test(line))
/** Groups of boxes that are left in the hierarchy. */
const left = `find ${G} -name 'nsbox-*' -o -name box -type d`

/** The versions of Linux from which the first root file system can be pivoted away, and memory.peak exists. */
const [PIVOTS, PEAK] = ['7', '5.19']

inGuest(
  'a box that starts on an initramfs works, and says so where it is held by chroot',
  `${box(['sh', '-c', 'echo $$; ls -d /proc/[0-9]* | wc -l'])}`,
  ({ status, output }, kernel) => {
    assert.is(status, 0, output)
    const warning =
      byVersion(kernel, PIVOTS) >= 0
        ? ''
        : 'nsbox: switch root: warning: pivot_root is refused here (initramfs): used chroot, and dropped cap_sys_chroot\n'
    assert.ok(output.startsWith(`${warning}2\n`), output)
  },
  true,
)

for (const flags of ['', '--old-mount-api']) {
  inGuest(
    `the classic ways out of a chroot lead nowhere there ${flags}`,
    `mkdir -p /roots/r/tmp /roots/r/proc; cp /bin/chroot_escape /roots/r/; echo x >/marker; ${box(['--root', '/roots/r', '--cap-add', 'all', '--seccomp', 'none', '--tmpfs', '/tmp', '/chroot_escape', '/marker'], { flags })} 2>/dev/null; echo --; chroot /roots/r /chroot_escape /marker`,
    ({ output }, kernel) => {
      const [inBox = '', plain = ''] = output.split('--\n')
      assert.match(plain, 'twice: outside', 'the test no longer tries what it should')
      if (byVersion(kernel, PIVOTS) < 0) assert.match(inBox, 'twice: chroot refused')
      assert.not.match(inBox, 'outside')
    },
    true,
  )
}

inGuest(
  '--memory: what takes more is killed, with status 137 and a hint',
  `
${box(['--memory', '32m', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'])}; echo $?
${box(['--memory', '32m', '--quiet', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'])}; echo $?
${box(['--memory', '128m', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'])} 2>/dev/null; echo $?
${left}`,
  (outcome) => {
    assert.equal(lines(outcome), [
      'nsbox: control group: killed for lack of memory: the limit is 32m',
      'hint: give it more with --memory',
      '137',
      '137',
      '0',
    ])
  },
)

inGuest(
  'all that is in the box is killed with what took too much',
  `
${box(['--memory', '32m', 'sh', '-c', 'sleep 1000 & dd if=/dev/zero of=/dev/null bs=64M count=1; echo went on'])} 2>/dev/null; echo $?
ps | grep -c '[s]leep 1000'`,
  (outcome) => {
    assert.equal(lines(outcome), ['137', '0'])
  },
)

inGuest(
  'a limit that is too small for the box itself is a failure, which says so',
  `
${box(['--memory', '1m', 'true'], { change: (plan) => ({ ...plan, cgroup: { memory: 65536 } }) })}; echo $?; ${left}`,
  (outcome) => {
    assert.equal(lines(outcome), [
      'nsbox: supervise: killed for lack of memory before the command started',
      'hint: --memory is too small for the box itself',
      '125',
    ])
  },
)

inGuest(
  'the least memory that the command line takes is enough to start',
  `${box(['--memory', '1m', 'true'])}; echo $?`,
  (outcome) => assert.equal(lines(outcome), ['0']),
)

inGuest(
  'what was used is told: peak of memory, kills, processor time',
  `
${box(['--memory', '64m', '--status-fd', '3', 'sh', '-c', 'dd if=/dev/zero of=/dev/null bs=32M count=4; exit 3'])} 3>&1 2>/dev/null; echo $?
${box(['--memory', '32m', '--status-fd', '3', '--quiet', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'])} 3>&1; echo $?
${box(['--pids', '10', '--status-fd', '3', 'true'])} 3>&1; echo $?`,
  (outcome, kernel) => {
    const told = lines(outcome)
      .filter((line) => line.startsWith('{"event":"exit"'))
      .map((line) => JSON.parse(line))
    assert.equal(
      told.map(({ status, signal }) => [status, signal]),
      [
        [3, 0],
        [137, 9],
        [0, 0],
      ],
    )
    if (byVersion(kernel, PEAK) < 0) assert.is(told[0].usage.peakMemory, undefined)
    else assert.ok(told[0].usage.peakMemory > 32 * 2 ** 20 && told[0].usage.peakMemory <= 64 * 2 ** 20, outcome.output)
    assert.is(told[0].usage.oomKills, 0)
    assert.ok(told[0].usage.user + told[0].usage.system > 0, outcome.output)
    assert.ok(told[1].usage.oomKills >= 1, outcome.output)
  },
)

inGuest(
  '--pids: a fork bomb goes off in the box alone',
  `
${box(['--pids', '20', 'sh', '-c', `bomb() { bomb | bomb & }; bomb; while read x refused <${G}/pids.events && [ $refused -lt 20 ]; do :; done; read now <${G}/pids.current; echo $now; exit 3`])} 2>/dev/null; echo $?
ps | grep -c '[b]omb'
${box(['--pids', '1', 'sh', '-c', 'echo one; true | true'])}; echo $?; ${left}`,
  (outcome) => {
    const [now, ...rest] = lines(outcome)
    assert.ok(Number(now) > 2 && Number(now) <= 21, outcome.output)
    assert.equal(rest, ['3', '0', 'one', "sh: can't fork: Resource temporarily unavailable", '2'])
  },
)

inGuest(
  '--cpus: a box that wants more is throttled',
  `
${box(['--cpus', '0.2', 'sh', '-c', 'while :; do :; done'])} & box=$!
for t in $(seq 300); do usleep 20000; grep -q 'nr_throttled [1-9]' ${G}/nsbox-*/cpu.stat 2>/dev/null && break; done
grep nr_throttled ${G}/nsbox-*/cpu.stat; cat ${G}/nsbox-*/cpu.max; kill -TERM $box; wait $box; echo $?; ${left}`,
  (outcome) => {
    assert.match(lines(outcome)[0] ?? '', /^nr_throttled [1-9]/)
    assert.equal(lines(outcome).slice(1), ['20000 100000', '143'])
  },
)

inGuest(
  'the box sees its own group as the top, with its limits, and can change neither',
  `
${box(['--memory', '64m', '--pids', '50', 'sh', '-c', `cat /proc/self/cgroup; cat ${G}/memory.max ${G}/pids.max; for f in memory.max pids.max cgroup.procs cgroup.subtree_control; do (echo 1 >${G}/$f) 2>/dev/null && echo wrote $f; done; mkdir ${G}/more 2>/dev/null && echo made; ls -d ${G}/nsbox-* 2>/dev/null; echo done`])}`,
  (outcome) => {
    assert.equal(lines(outcome), ['0::/', String(64 * 2 ** 20), '51', 'done'])
  },
)

/** The script of a box that may mount. In a root of its own the host's hierarchy isn't below the one that it sees. */
const RAISE = `PATH=/bin; mount -t cgroup2 none /tmp && cd /tmp || exit 9
echo max >memory.max; echo max >pids.max; cat memory.max; mkdir sub sub/sub; ls -d nsbox-* 2>/dev/null
dd if=/dev/zero of=/dev/null bs=64M count=1; echo went on`
const POWERFUL = ['--memory', '32m', '--pids', '20', '--cap-add', 'all', '--seccomp', 'none', '--root', '/roots/r']

inGuest(
  'a box that may mount the hierarchy and write to it is held by its limits all the same',
  `
mkdir -p /roots/r/bin /roots/r/tmp; cp /bin/busybox /roots/r/bin; for name in sh cat mount mkdir ls dd; do ln -sf busybox /roots/r/bin/$name; done
${delegate('slice')}
${box([...POWERFUL, 'sh', '-c', RAISE])} 2>/dev/null; echo $?; ${left}
${asUser('slice/own', `${box([...POWERFUL, '--map-root', 'sh', '-c', RAISE], { uid: USER })} 2>/dev/null; echo $?`)}
find ${G} -name 'nsbox-*'; rmdir ${G}/slice/own ${G}/slice`,
  (outcome) => {
    assert.equal(lines(outcome), ['max', '137', 'max', '137'])
  },
)

for (const [what, lacks, flags] of [
  ['clone3', 'clone3', ''],
  ['CLONE_INTO_CGROUP', 'clone3/88=7', ''],
  [
    'the mount API, openat2, clone3 and close_range',
    'open_tree move_mount fsopen fsconfig fsmount mount_setattr openat2 clone3 close_range pidfd_open',
    '',
  ],
  ['the mount API', 'mount_setattr', '--old-mount-api'],
] as const) {
  inGuest(
    `on a kernel without ${what} the box is in its group all the same`,
    `
deny ${lacks} -- ${box(['--memory', '64m', '--pids', '50', 'sh', '-c', `cat /proc/self/cgroup ${G}/memory.max; cat /proc/1/cgroup; exit 3`], { flags })}; echo $?
deny ${lacks} -- ${box(['--memory', '32m', '--quiet', 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'], { flags })}; echo $?
${delegate('slice')}
${asUser('slice/own', `deny ${lacks} -- ${box(['--memory', '64m', 'sh', '-c', `cat /proc/self/cgroup ${G}/memory.max; exit 4`], { uid: USER, flags })}; echo $?`)}
find ${G} -name 'nsbox-*'; rmdir ${G}/slice/own ${G}/slice`,
    (outcome) => {
      assert.equal(lines(outcome), [
        '0::/',
        String(64 * 2 ** 20),
        '0::/',
        '3',
        '137',
        '0::/',
        String(64 * 2 ** 20),
        '4',
      ])
    },
  )
}

inGuest(
  'a command that enters a box is under its limits, and ends with it',
  `
${box(['--memory', '64m', '--pids', '20', '--status-fd', '3', 'sleep', '1000'])} 3>/tmp/events & box=$!
for t in $(seq 500); do [ -s /tmp/events ] && break; usleep 10000; done
pid=$(sed -n 's/.*"start","pid":\\([0-9]*\\).*/\\1/p' /tmp/events)
enter() {
  printf '{"contract":2,"namespaces":["mount","pid","ipc","uts","cgroup"],"enter":{"pid":%s,"started":%s},"process":{"argv":["sh","-c","%s"],"env":{"inherit":true}}}' $pid $(cut -d' ' -f22 /proc/$pid/stat) "$1" >/tmp/enter
  nsbox-sidecar --plan /tmp/enter
}
enter 'cat /proc/self/cgroup; exit 5'; echo $?
enter 'dd if=/dev/zero of=/dev/null bs=128M count=1'; echo $?
wait $box; echo $?; ${left}`,
  (outcome) => {
    assert.equal(
      lines(outcome).filter((line) => !/lack of memory|^hint/.test(line)),
      ['0::/', '5', '137', '137'],
    )
  },
)

inGuest(
  'a limited box in a limited box has a group below the outer one, where it sees the hierarchy; otherwise it says why not',
  `
${box(['--memory', '128m', '--privileged', '--share', 'cgroup', 'sh', '-c', `${box(['--memory', '32m', '--pids', '9', '--share', 'cgroup', 'sh', '-c', 'cat /proc/self/cgroup'])}; ls -d ${G}/nsbox-*/*/; ls -d ${G}/nsbox-*`])} | sed 's/nsbox-[0-9]*/nsbox-N/g'
${box(['--memory', '128m', '--cap-add', 'sys_admin', 'sh', '-c', `${box(['--memory', '32m', 'true'])}; echo $?`])}; ${left}`,
  (outcome) => {
    assert.equal(lines(outcome).slice(0, 3), [
      '0::/nsbox-N/nsbox-N/box',
      '/sys/fs/cgroup/nsbox-N/box/',
      '/sys/fs/cgroup/nsbox-N',
    ])
    assert.match(
      lines(outcome).slice(3).join('\n'),
      /^nsbox: control group: may not be used by you: \/sys\/fs\/cgroup: Read-only file system \(EROFS\)\nhint: the hierarchy is mounted read-only, as in most containers[^\n]*\n125$/,
    )
  },
)

inGuest(
  'a caller under a limit of memory does not get a box out of it',
  `
echo '+memory +cpu +pids' >${G}/cgroup.subtree_control; mkdir -p ${G}/job
echo 64m >${G}/job/memory.max; (echo 0 >${G}/job/cgroup.procs; ${box(['--memory', '1g', 'true'])}; echo $?)
echo max >${G}/job/memory.max; (echo 0 >${G}/job/cgroup.procs; ${box(['--memory', '1g', 'true'])}; echo $?); ${left}; rmdir ${G}/job`,
  (outcome) => {
    assert.match(
      lines(outcome).join('\n'),
      /^nsbox: control group: can give no controllers to a group below it: \/sys\/fs\/cgroup\/job: .*\(EBUSY\)\nhint: .*\n125\n0$/,
    )
  },
)

inGuest(
  'eight boxes at once have a group each, and leave none',
  `
for i in 1 2 3 4 5 6 7 8; do ${box(['--memory', '64m', 'sh', '-c', 'while [ ! -e /tmp/go ]; do usleep 10000; done; exit 7'])} 2>&1 & all="\${all-} $!"; done
for t in $(seq 500); do [ $(ls -d ${G}/nsbox-*/box 2>/dev/null | wc -l) = 8 ] && break; usleep 10000; done
ls -d ${G}/nsbox-*/box | wc -l; touch /tmp/go; for one in $all; do wait $one; echo $?; done; rm /tmp/go; ${left}`,
  (outcome) => {
    assert.equal(lines(outcome), ['8', ...Array.from({ length: 8 }, () => '7')])
  },
)

inGuest(
  'nsbox that is killed leaves no process, and the next removes its empty group',
  `
for flags in 1 2 3; do
  ${box(['--memory', '64m', 'sh', '-c', 'setsid sleep 1000 & sleep 1000'])} & box=$!
  for t in $(seq 300); do [ $(ps | grep -c '[s]leep 1000') -ge 2 ] && break; usleep 20000; done
  kill -KILL $box; wait $box 2>/dev/null
  for t in $(seq 300); do [ $(ps | grep -c '[s]leep 1000') = 0 ] && break; usleep 20000; done
  ps | grep -c '[s]leep 1000'
done
ls -d ${G}/nsbox-* | wc -l; ${box(['--memory', '64m', 'true'])}; echo $?; ${left}`,
  (outcome) => {
    assert.equal(lines(outcome), ['0', '0', '0', '1', '0'])
  },
)

inGuest(
  'nsbox that is killed at any moment of its start leaves no process, and no group that the next does not remove',
  `
for i in $(seq 20); do
  ${box(['--memory', '64m', '--pids', '20', 'sleep', '1000'])} & box=$!
  usleep $((i * 8000)); kill -KILL $box; wait $box 2>/dev/null
done
for t in $(seq 300); do [ $(ps | grep -c '[s]leep 1000') = 0 ] && break; usleep 20000; done
ps | grep -c '[s]leep 1000'; ${box(['--memory', '64m', 'true'])}; echo $?; ${left}`,
  (outcome) => {
    assert.equal(lines(outcome), ['0', '0'])
  },
)

inGuest(
  'a hundred boxes, four at a time, and each status right',
  `
for lane in 1 2 3 4; do (
  for i in $(seq 25); do ${box(['--memory', '64m', '--cpus', '1', '--pids', '20', 'sh', '-c', 'exit $0'])} -- $i; [ $? = $i ] || echo wrong; done
) & all="\${all-} $!"; done
wait $all; ${left}; ls ${G} | grep -c nsbox`,
  (outcome) => {
    assert.equal(lines(outcome), ['0'])
  },
)

inGuest(
  "a box in the host's pid namespace takes with it what has left its session",
  `
${box(['--share', 'pid', '--pids', '50', 'sh', '-c', 'setsid sleep 1000 & exit 4'])}; echo $?; ps | grep -c '[s]leep 1000'; ${left}`,
  (outcome) => {
    assert.equal(lines(outcome), ['4', '0'])
  },
)

inGuest(
  'a set-up that fails leaves no group',
  `
${box(['--memory', '64m', 'nowhere'])}; echo $?; ${box(['--memory', '64m', '--cwd', '/nowhere', 'true'])} 2>/dev/null; echo $?
${box(['--memory', '64m', '--ulimit', 'nofile=9999999999', 'true'])} 2>/dev/null; echo $?
deny clone3=12 -- ${box(['--memory', '64m', 'true'])} 2>/dev/null; echo $?; ${left}`,
  (outcome) => {
    assert.equal(
      lines(outcome).filter((line) => !/^(hint:|nsbox: exec: command not found)/.test(line)),
      ['127', '125', '125', '125'],
    )
  },
)

const LIMITS = ['--memory', '32m', '--pids', '20', '--cpus', '1']

inGuest(
  'a user without a group of their own is told why, and what to do',
  `
mkdir -p ${G}/theirs; ${asUser('theirs', `${box(['--memory', '32m', 'true'], { uid: USER })}; echo $?`)}; rmdir ${G}/theirs`,
  (outcome) => {
    assert.equal(lines(outcome), [
      'nsbox: control group: may not be used by you: /sys/fs/cgroup/theirs: Permission denied (EACCES)',
      'hint: with systemd you get a group of your own: systemd-run --user --scope -p Delegate=yes nsbox ...',
      '125',
    ])
  },
)

inGuest(
  'a user has limits in a group that was delegated: beside the shell, and alone in it',
  `
echo '+memory +cpu +pids' >${G}/cgroup.subtree_control
${delegate('slice')}
${asUser('slice/own', `${box([...LIMITS, 'sh', '-c', `cat /proc/self/cgroup ${G}/memory.max ${G}/pids.max; (echo 1 >${G}/memory.max) 2>/dev/null && echo wrote; exit 3`], { uid: USER })}; echo $?; find ${G}/slice -name 'nsbox-*'`)}
echo --; ${asUser('slice/own', `exec ${box([...LIMITS, 'dd', 'if=/dev/zero', 'of=/dev/null', 'bs=64M', 'count=1'], { uid: USER })}`)}; echo $?
find ${G}/slice -name 'nsbox-*'; rmdir ${G}/slice/own ${G}/slice; echo $?`,
  (outcome) => {
    assert.equal(lines(outcome), [
      '0::/',
      String(32 * 2 ** 20),
      '21',
      '3',
      '--',
      'nsbox: control group: killed for lack of memory: the limit is 32m',
      'hint: give it more with --memory',
      '137',
      '0',
    ])
  },
)

inGuest(
  'alone in its group, nsbox makes room by going below, and comes back',
  `
${delegate('alone')}; rmdir ${G}/alone/own; chown 0:0 ${G}/alone/cgroup.subtree_control; chown ${USER} ${G}/alone/cgroup.subtree_control
${asUser('alone', `exec ${box([...LIMITS, '--status-fd', '1', 'true'], { uid: USER })}`)} >/tmp/told; echo $?; grep -c peakMemory /tmp/told
find ${G}/alone -mindepth 1 -type d; cat ${G}/alone/cgroup.subtree_control; rmdir ${G}/alone; echo $?`,
  (outcome, kernel) => {
    assert.equal(lines(outcome), ['0', byVersion(kernel, PEAK) < 0 ? '0' : '1', '0'])
  },
)

inGuest(
  'processes in the only group that there is are named as the hindrance',
  `
${delegate('full')}; rmdir ${G}/full/own
${asUser('full', `${box(['--memory', '32m', 'true'], { uid: USER })}; echo $?`)}; rmdir ${G}/full`,
  (outcome) => {
    assert.match(
      lines(outcome)[0] ?? '',
      /^nsbox: control group: can give no controllers to a group below it: \/sys\/fs\/cgroup\/full: .* \(EBUSY\)$/,
    )
    assert.match(lines(outcome)[1] ?? '', /^hint: a group with processes can't have groups with limits below it/)
    assert.is(lines(outcome)[2], '125')
  },
)

inGuest(
  'a controller that was not given is named',
  `
echo '-cpu' >${G}/cgroup.subtree_control; mkdir -p ${G}/some; chown -R ${USER} ${G}/some
${asUser('some', `${box(['--cpus', '1', 'true'], { uid: USER })}; echo $?`)}; rmdir ${G}/some; echo '+cpu' >${G}/cgroup.subtree_control`,
  (outcome) => {
    assert.equal(
      lines(outcome).filter((line) => !line.startsWith('hint:')),
      ['nsbox: control group: cgroup v2 has no controller cpu here: /sys/fs/cgroup/some', '125'],
    )
  },
)

inGuest(
  'without a hierarchy there is no box, and nothing is made',
  `
unshare -m sh -c 'umount ${G}; ${box(['--memory', '32m', '--tmpfs', '/roots/made', 'true'])}; echo $?; ls /roots'`,
  (outcome) => {
    assert.match(lines(outcome)[0] ?? '', /^nsbox: control group: no hierarchy of cgroup v2 is mounted/)
    assert.match(lines(outcome)[1] ?? '', /^hint: .*systemd.unified_cgroup_hierarchy=1/)
    assert.is(lines(outcome)[2], '125')
    assert.not.match(outcome.output, 'made')
  },
)

await onKernels(guest, checks, kernels('6.1'))

test.run()
