/** A box in a box starts if the outer one allows it. If not, the message names the obstacle and the way out. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, failure, inTemp, nsbox, NSBOX } from '../helpers/nsbox.ts'

const nested = (outer: readonly string[], inner: readonly string[], command = ['sh', '-c', 'echo $$; exit 7']) =>
  nsbox(['--quiet', ...outer, NSBOX, ...inner, ...command])

/** Options of the outer box and of the inner one that go together, as root and as a user. */
const ALLOWED: readonly (readonly [string[], string[]])[] = [
  [['--privileged'], []],
  [['--privileged'], ['--userns']],
  [['--privileged', '--map-root'], []],
  [['--privileged'], ['--net', 'none', '--tmpfs', '/tmp']],
  [['--privileged', '--share', 'pid'], []],
  [
    ['--seccomp', 'none'],
    ['--userns', '--share', 'pid'],
  ],
  [['--map-root', '--cap-add', 'sys_admin'], []],
  ...[['--allow-userns'], ['--seccomp', 'none'], ['--map-root', '--allow-userns'], ['--cap-add', 'sys_admin']].flatMap(
    (outer) =>
      [[], ['--map-root'], ['--timeout', '50s'], ['--net', 'none'], ['--root', '/']].map(
        (more) => [outer, ['--quiet', '--nest', ...more]] as const,
      ),
  ),
  ...(asRoot
    ? ([
        [['--cap-add', 'sys_admin'], []],
        [['--cap-add', 'all', '--seccomp', 'none'], []],
      ] as const)
    : ([
        [
          ['--cap-add', 'sys_admin'],
          ['--share', 'pid'],
        ],
      ] as const)),
].map(([outer, inner]) => [[...outer], [...inner]])

for (const [outer, inner] of ALLOWED) {
  test(`nsbox ${outer.join(' ')} nsbox ${inner.join(' ')}`, () => {
    const { status, stdout, stderr } = nested(outer, inner)
    assert.is(status, 7, stderr)
    if (!inner.includes('pid')) assert.is(stdout, '2\n')
  })
}

test("an inner box can't give what the outer one has taken away", () => {
  const { stdout } = nested(
    ['--privileged', '--map-root', '--cap-drop', 'net_raw', '--ro'],
    ['--cap-add', 'all'],
    ['sh', '-c', 'grep CapEff /proc/self/status; touch /usr/x 2>/dev/null || echo read-only'],
  )
  const [, held = '', rest] = /^CapEff:\t(\w+)\n(.*)$/s.exec(stdout) ?? []
  const NET_RAW = 13n
  const SYS_CHROOT = 18n
  assert.equal(
    [NET_RAW, SYS_CHROOT].map((bit) => (BigInt(`0x${held}`) >> bit) & 1n),
    [0n, 1n],
    stdout,
  )
  assert.is(rest, 'read-only\n')
})

const HINTS = {
  box: "the outer box's filter refuses namespaces: start that box with --allow-userns, and this one with --nest",
  nest: 'root has no cap_sys_admin here, as in most containers: --nest .*',
  filter: 'the seccomp filter here refuses user namespaces. .*: --allow-userns',
}
for (const outer of [[], ['--map-root'], ['--userns'], ['--share', 'pid']]) {
  for (const inner of [[], ['--userns'], ['--share', 'pid'], ['--nest']]) {
    test(`nsbox ${outer.join(' ')} nsbox ${inner.join(' ')} is refused by the outer filter, and says so`, () => {
      const ran = nested(outer, inner)
      // With --share pid the inner nsbox can't see the box's process 1, by which it recognizes a box.
      const hint = !outer.includes('pid')
        ? HINTS.box
        : asRoot && !inner.includes('--userns') && !inner.includes('--nest')
          ? HINTS.nest
          : HINTS.filter
      failure(
        ran,
        new RegExp(
          `^(nsbox: warning: --nest: .*\n)?nsbox: namespaces: make a process in new namespaces: Operation not permitted \\(EPERM\\)\nhint: ${hint}\n$`,
        ),
      )
      assert.is(ran.stdout, '')
    })
  }
}

test('a masked /proc above is named, and no other process is shown instead', () => {
  const ran = nested(['--seccomp', 'none'], ['--userns'])
  failure(
    ran,
    /^nsbox: mounts: mount proc: \/proc: Operation not permitted \(EPERM\)\nhint: parts of this \/proc are covered,.*--nest/,
  )
})

test('the doctor in a box reports that it is in a box', () => {
  const { stdout } = nsbox([NSBOX, 'doctor'])
  assert.match(
    stdout,
    /user namespaces: refused by the filter of the box that this runs in\n.*\n +fix: nsbox --allow-userns/,
  )
  assert.match(stdout, /proc: parts of \/proc are masked/)
  assert.match(stdout, /\nno box can run here:.*\n.*\n +hint: .*--allow-userns/)
})

test('--nest has a warning, and shows the outer /proc read-only', () => {
  const { status, stdout, stderr } = nsbox([
    '--quiet',
    '--allow-userns',
    NSBOX,
    '--nest',
    'sh',
    '-c',
    'set -- /proc/[0-9]*; echo $#; cat /proc/self/comm; for f in /proc/self/oom_score_adj /proc/self/coredump_filter /proc/sys/kernel/hostname; do echo 0 2>/dev/null >$f && echo $f; done; readlink /proc/1/root /proc/1/cwd /proc/2/exe; true',
  ])
  assert.is(status, 0, stderr)
  assert.match(
    stderr,
    /^nsbox: warning: --nest: the box has a user namespace, .*read-only, with all processes there\n$/,
  )
  const [count, comm, ...rest] = stdout.trim().split('\n')
  assert.ok(Number(count) >= 4, count)
  assert.is(comm, 'cat')
  assert.equal(rest, [])
})

test(
  'a box with --nest is entered, baked and stored as any other, and its time runs out',
  inTemp((dir) => {
    const script = `
"$0" --quiet --nest sleep 1000 & n=1; until "$0" enter $! sh -c 'echo entered $(cat /proc/self/comm)' 2>/dev/null; do n=$((n + 1)); [ $n -lt 200 ] || exit 1; done; kill $!; wait
"$0" bake -o "$1/b" --nest sh -c 'echo baked' 2>/dev/null && "$1/b"
"$0" plan --nest sh -c 'echo stored' >"$1/p" && "$0" run --plan "$1/p"
"$0" --quiet --nest --timeout 100ms sleep 1000; echo $?
"$0" explain --nest true | tr -s ' \n' ' ' | grep -o 'Mount the present /proc at /proc' | head -n 1`
    const { status, stdout, stderr } = nsbox(['--quiet', '--allow-userns', 'sh', '-c', script, NSBOX, dir])
    assert.is(status, 0, stderr)
    assert.is(stdout, 'entered cat\nbaked\nstored\n124\nMount the present /proc at /proc\n')
  }),
)

test('process 1 of a box with --allow-userns has the filter of its command', () => {
  assert.match(
    nsbox([
      '--allow-userns',
      'sh',
      '-c',
      'for n in $(seq 100); do grep -q "^Seccomp:.2" /proc/1/status && break; sleep 0.05; done; grep "^Seccomp:" /proc/1/status /proc/self/status',
    ]).stdout,
    /1\/status:Seccomp:\t2\n.*self\/status:Seccomp:\t2\n/,
  )
})

test('nothing that hides or protects something in the outer box can be taken away with --allow-userns', () => {
  const tries = [
    'umount /proc/kcore',
    'umount -l /proc/sys',
    'mount -o remount,rw,bind /proc/sys',
    'mount -t proc proc /proc',
    'mount --bind / /mnt && umount /mnt/proc/sys',
    'echo x >/proc/sys/kernel/core_pattern',
    'mknod /tmp/d b 254 0 && head -c1 /tmp/d',
    'touch /usr/nsbox-x',
    'mount -o remount,rw,bind /',
    'nsenter -t 1 -m true',
  ]
  const script = tries.map((line) => `( ${line} ) >/dev/null 2>&1 && echo ${JSON.stringify(line)}`).join('\n')
  for (const flags of [[], ...(asRoot ? [['--userns']] : [['--map-root']])]) {
    const { status, stdout, stderr } = nsbox([
      '--ro',
      '--tmpfs',
      '/tmp',
      '--allow-userns',
      ...flags,
      'unshare',
      '-Urm',
      'sh',
      '-c',
      `mount -t tmpfs x /mnt && echo mounted; ${script}; true`,
    ])
    assert.is(status, 0, stderr)
    assert.is(stdout, 'mounted\n')
  }
})

test('a box in a box ends with the outer nsbox', () => {
  const word = `nested-${process.pid}`
  const { status } = execute('bash', [
    '-c',
    `"$0" --quiet --privileged --env MARK=${word} "$0" sleep 1000 & for t in $(seq 500); do [ "$(grep -lz MARK=${word} /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | wc -l)" -ge 4 ] && break; sleep 0.02; done; kill -KILL $!; wait $!; for t in $(seq 500); do grep -qz MARK=${word} /proc/[0-9]*/environ 2>/dev/null || exit 0; sleep 0.02; done; exit 1`,
    NSBOX,
  ])
  assert.is(status, 0)
})

test.run()
