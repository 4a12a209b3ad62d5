// runs once
// seconds: 580
/** The executable for arm64, with pages of 4 KiB and of 16 KiB, in a virtual machine. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { armProgram } from '../helpers/arm-program.ts'
import { arm64Kernels, asUser, casesOf, Guest, onKernels } from '../helpers/vm.ts'

const guest = new Guest({ frontEnd: true, machine: 'arm64', files: { arm: armProgram() } })
const { checks, inGuest } = casesOf(guest)

inGuest(
  'the machine is what its name says',
  'uname -m; nsbox --version | cut -d" " -f1; nsbox plan --ro true | grep -c contract',
  ['aarch64', 'nsbox', '1'],
)

inGuest(
  "a box starts, and gives its command's status back",
  `nsbox --tmpfs /tmp sh -c 'echo $$; ls /tmp; exit 7'; echo $?; nsbox nowhere 2>/dev/null; echo $?; nsbox sh -c 'kill -TERM $$'; echo $?; yes | nsbox head -n 1`,
  ['2', '7', '127', '143', 'y'],
)

inGuest(
  'a box starts for an ordinary user, with ids and a network of its own',
  asUser(
    `nsbox --tmpfs /tmp sh -c 'id -u; exit 7'; echo $?; nsbox --map-root --net none sh -c 'id -u; ip link | grep -c ^[0-9]'; echo $?`,
  ),
  ['1000', '7', '0', '1', '0'],
)

// Each of these reaches a function of the C library that the program has not called before.
inGuest(
  "limits of the caller are the command's, however low",
  `(ulimit -s unlimited; nsbox sh -c 'ulimit -s'); (ulimit -s 256; nsbox sh -c 'ulimit -s'); (ulimit -n 77; nsbox sh -c 'ulimit -n'); (ulimit -f 0; nsbox true 2>&1 | cut -c1-6; nsbox true 2>/dev/null; echo $?) | cat`,
  ['unlimited', '256', '77', 'nsbox:', 'hint: ', '125'],
)

for (const [name, as] of [
  ['root', (script: string) => script],
  ['an ordinary user', asUser],
] as const)
  inGuest(
    `the second start of ${name} is a remembered one, and gives the same`,
    as(`export NSBOX_CACHE=/tmp/remembered-$(id -u); cd /; mkdir -m 700 $NSBOX_CACHE
start() { nsbox --verbose --ro --tmpfs /mnt -- sh -c 'echo $$ "$@"; ls -a /mnt; ulimit -n; exit 7' sh "$@" 2>/tmp/said-$(id -u); echo $?; grep -c remembered /tmp/said-$(id -u); }
start a b; start a b; start 'c d' "e'"; NSBOX_REMEMBER=0 start f; LD_PRELOAD=/nowhere start g; (ulimit -n 77; start h)
rm -r $NSBOX_CACHE /tmp/said-$(id -u)`),
    ({ output }) => {
      const starts = output.trimEnd().split('\n')
      const rows = [
        ['2 a b', 0],
        ['2 a b', 1],
        ["2 c d e'", 1],
        ['2 f', 0],
        ['2 g', 0],
        ['2 h', 1],
      ] as const
      const files = starts[3] as string
      assert.equal(
        starts,
        rows.flatMap(([said, remembered], row) => [said, '.', '..', row === 5 ? '77' : files, '7', String(remembered)]),
      )
    },
  )

inGuest(
  'a time limit and a baked program work',
  'nsbox --timeout 300ms sleep 100; echo $?; cd /tmp && nsbox bake -o baked --ro echo baked >/dev/null && ./baked again; echo $?; rm -f baked',
  ['124', 'baked again', '0'],
)

inGuest(
  'memory and processes can be limited',
  `nsbox --memory 32m sh -c 'head -c 100m /dev/zero | tail >/dev/null'; echo $?; nsbox --pids 5 sh -c 'for i in 1 2 3 4 5 6 7 8; do sleep 1 & done' 2>&1 | grep -c "can't fork"`,
  ({ output }) => assert.match(output, /^137\n[1-9]\d*$/m),
)

inGuest(
  'a root of its own, by either mount interface',
  ['', '--old-mount-api']
    .map(
      (flags) => `
mkdir -p /roots/r/bin /roots/r/proc /roots/r/tmp; cp /bin/busybox /roots/r/bin; ln -sf busybox /roots/r/bin/sh; ln -sf busybox /roots/r/bin/ls
nsbox plan --root /roots/r --ro --tmpfs /tmp sh -c 'ls /; exit 3' >/tmp/plan; nsbox-sidecar --plan /tmp/plan ${flags}; echo $?; rm -r /roots/r`,
    )
    .join('\n'),
  ['', ''].flatMap(() => ['bin', 'proc', 'tmp', '3']),
)

inGuest(
  'a root built from programs runs them',
  'cd /tmp; nsbox rootfs build made /bin/busybox >/dev/null; nsbox --root made /bin/busybox echo built; echo $?; rm -r made',
  ['built', '0'],
)

for (const [name, as] of [
  ['root', (script: string) => script],
  ['an ordinary user', asUser],
] as const)
  inGuest(
    `a traced command works for ${name}, with changes that vanish`,
    `mkdir -m 777 /data; echo in >/data/in
${as(`export NSBOX_CACHE=/tmp/cache-$(id -u); cd /data; nsbox rootfs build --quiet /tmp/made --trace -- /bin/busybox sh -c '/bin/busybox cat in; echo out >new && exit 3' 2>/dev/null | cut -d';' -f1
ls /data /tmp/made/data; nsbox --root /tmp/made /bin/busybox cat /data/in; rm -rf /tmp/made`)}
rm -r /data`,
    ['note: ended with status 3', '/data:', 'in', '', '/tmp/made/data:', 'in', 'in'],
  )

for (const [name, script] of [
  ['root', (command: string) => command],
  ['an ordinary user', asUser],
] as const)
  inGuest(
    `no attempt of the attack program succeeds for ${name}`,
    script('nsbox attack; echo "status $?"'),
    ({ output }) => {
      const lines = output.trimEnd().split('\n')
      assert.is(lines.at(-1), 'status 0')
      const verdicts = lines.slice(0, -1).map((line) => line.split(' '))
      assert.equal(
        verdicts.filter(([, verdict]) => verdict !== 'closed' && verdict !== 'n/a'),
        [],
      )
      const made = verdicts.filter(([, verdict]) => verdict === 'closed').length
      assert.ok(made >= 50, `${made} attempts were made`)
    },
  )

inGuest(
  'a 32-bit program runs in a default box where the kernel runs it',
  'cp /files/arm /tmp/arm && chmod 755 /tmp/arm; /tmp/arm >/tmp/out 2>/dev/null; cat /tmp/out; echo in a box; nsbox /tmp/arm; echo $?; rm /tmp/arm /tmp/out',
  ({ output }, kernel) => {
    if (output.startsWith('in a box\n')) console.log(`skipped: the kernel ${kernel} runs no programs of arm`)
    else assert.is(output.trimEnd(), 'runs\nin a box\nruns\n7')
  },
)

inGuest(
  'doctor says that boxes can run',
  `nsbox doctor >/tmp/doctor; echo $?; grep -c 'boxes can run here' /tmp/doctor`,
  ['0', '1'],
)

await onKernels(guest, checks, arm64Kernels())

test.run()
