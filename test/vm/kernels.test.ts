// runs once
// seconds: 580
/**
 * All of nsbox, with the front end, on kernels from Linux 5.10 on. It works around what an older kernel lacks, or
 * reports it.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { ODD_I386, oddI386, refusedI386 } from '../seccomp/i386.ts'
import { asUser, byVersion, casesOf, Guest, kernels, onKernels } from '../helpers/vm.ts'

const ODD = oddI386([])
const ODD_PLAN = {
  contract: 2,
  namespaces: ['mount', 'pid', 'ipc', 'uts'],
  root: { type: 'directory', path: '/' },
  process: {
    argv: ['/bin/calls', '480', String(ODD_I386), 'i386'],
    seccomp: { from: 'test', filter: Buffer.from(ODD).toString('base64') },
  },
}
const guest = new Guest({ frontEnd: true, files: { 'odd.json': Buffer.from(JSON.stringify(ODD_PLAN)) } })
const { checks, inGuest } = casesOf(guest)

const FLAGS = ['', '--old-mount-api']
/** Runs the same box by each mount interface. */
const both = (options: string, command: string) =>
  FLAGS.map(
    (flags) =>
      `nsbox plan ${options} sh -c '${command}' >/tmp/plan-$$; nsbox-sidecar --plan /tmp/plan-$$ ${flags}; echo $?; rm /tmp/plan-$$`,
  ).join('\n')

inGuest(
  "a box starts, and gives its command's status back",
  `nsbox --version | cut -d' ' -f1; nsbox --tmpfs /tmp sh -c 'echo $$; ls /tmp; exit 7'; echo $?; nsbox nowhere 2>/dev/null; echo $?; nsbox sh -c 'kill -TERM $$'; echo $?`,
  ['nsbox', '2', '7', '127', '143'],
)

inGuest(
  'a box starts for an ordinary user, with ids and a network of its own',
  asUser(
    `nsbox --tmpfs /tmp sh -c 'id -u; exit 7'; echo $?; nsbox --map-root --net none sh -c 'id -u; ls /sys/class/net 2>/dev/null; ip link | grep -c ^[0-9]'; echo $?`,
  ),
  ['1000', '7', '0', 'lo', '1', '0'],
)

inGuest(
  'a time limit and a baked program work',
  'nsbox --timeout 300ms sleep 100; echo $?; cd /tmp && nsbox bake -o baked --ro echo baked >/dev/null && ./baked again; echo $?; rm -f baked',
  ['124', 'baked again', '0'],
)

const REPLACED = `mkdir /tmp/w && cd /tmp/w
for how in 'echo NEW >n; mv n .env' 'rm .env' 'mv .env old; echo NEW >.env'; do
  echo OLD >.env; rm -f started
  nsbox --write . --hide .env sh -c 'touch started; sleep 100' 2>/tmp/w-errors & box=$!
  for t in $(seq 600); do [ -e started ] && break; usleep 20000; done
  eval "$how"; wait $box; echo $?
  grep -c 'what is hidden: /tmp/w/.env' /tmp/w-errors
done
cd /; rm -r /tmp/w /tmp/w-errors`

inGuest(
  'a box ends when a hidden file is replaced, removed or moved away outside',
  `${REPLACED}
${asUser(REPLACED)}`,
  Array.from({ length: 6 }, () => ['125', '1']).flat(),
)

inGuest(
  'a box that stays can be entered',
  `
printf '{"contract":2,"namespaces":["mount","pid","ipc","uts"],"root":{"type":"directory","path":"/"},"process":{"argv":["x"],"pause":true},"supervision":{"init":true,"statusFd":1}}' >/tmp/held
nsbox --status-fd 3 --tmpfs /tmp sh -c 'echo in >/tmp/file; sleep 100' 3>/tmp/events & box=$!
nsbox-sidecar --plan /tmp/held >/tmp/held-events & held=$!
for t in $(seq 600); do [ -s /tmp/events ] && [ -s /tmp/held-events ] && break; usleep 20000; done
grep -c start /tmp/held-events
for t in $(seq 100); do [ "$(nsbox enter $box cat /tmp/file 2>/dev/null)" = in ] && break; done
nsbox enter $box sh -c 'cat /tmp/file; exit 4'; echo $?
kill -KILL $box $held; wait; rm -f /tmp/events /tmp/held*`,
  ['1', 'in', '4'],
)

inGuest(
  "roots of one's own, read-only ones, masks and binds are as on any kernel",
  `
mkdir -p /roots/r/bin /roots/r/proc /roots/r/dev /roots/r/tmp /roots/r/secret /roots/r/data; cp /bin/busybox /roots/r/bin; for name in sh ls cat echo touch; do ln -sf busybox /roots/r/bin/$name; done; echo key >/roots/r/secret/key
mkdir -p /tmp/data/sub; mount -t tmpfs sub /tmp/data/sub; touch /tmp/data/sub/file
${both('--root /roots/r --ro --tmpfs /tmp --mask /secret --ro-bind /tmp/data:/data', 'ls /secret; ls /data/sub; touch /data/sub/no /data/no /no 2>/dev/null; touch /tmp/yes && ls /tmp')}
umount /tmp/data/sub; rm -r /tmp/data`,
  FLAGS.flatMap(() => ['file', 'yes', '0']),
)

// No path leads to the mount below any more, but it is still part of the tree.
inGuest(
  'a mount of the host that another one covers hinders no box',
  `
unshare -m sh -c '
mkdir -p /tmp/m/sub; mount -t tmpfs below /tmp/m/sub; mount -t tmpfs above /tmp/m
${both('--ro', 'exit 5').replaceAll("'", '"')}
nsbox --bind /tmp:/run sh -c "exit 6"; echo $?; nsbox --ro-bind /tmp:/run sh -c "exit 6"; echo $?'`,
  ['5', '5', '6', '6'],
)

inGuest(
  'a box in a box, both with limits, starts by either mount interface',
  FLAGS.map(
    (flags) => `
nsbox --memory 128m --privileged --quiet --share cgroup sh -c 'nsbox plan --memory 32m --share cgroup --quiet sh -c "exit 3" >/run/inner; nsbox-sidecar --plan /run/inner ${flags}'; echo $?
nsbox --privileged --quiet sh -c 'nsbox plan --ro --quiet sh -c "exit 4" >/run/inner; nsbox-sidecar --plan /run/inner ${flags}'; echo $?`,
  ).join('\n'),
  FLAGS.flatMap(() => ['3', '4']),
)

/** The package of one kernel leaves the module to another package. */
const WITHOUT_OVERLAY = 'no overlay'
const NEEDS_OVERLAY = `grep -q overlay /proc/filesystems || { echo ${WITHOUT_OVERLAY}; exit; }`
function lacksOverlay(output: string, kernel: string): boolean {
  if (!output.startsWith(WITHOUT_OVERLAY)) return false
  console.log(`not tried on Linux ${kernel}: it has no overlay file system here`)
  return true
}

/** The guest has no disk for the cache, which the user is warned of before Linux 6.6. */
const withoutWarnings = (output: string): string => output.replace(/^nsbox: root: warning: [^\n]*\n/gm, '')

inGuest(
  'changes to an overlay vanish, or a user is told why there can be none',
  `
${NEEDS_OVERLAY}
nsbox --overlay sh -c 'echo x >/marker; ls /marker'; ls /marker 2>/dev/null
${asUser('export NSBOX_CACHE=/tmp/cache; nsbox --overlay sh -c "echo x >/marker; ls /marker"; echo $?; ls /marker 2>/dev/null')}`,
  ({ output }, kernel) => {
    const [first, ...rest] = withoutWarnings(output).trimEnd().split('\n')
    if (lacksOverlay(output, kernel)) return
    assert.is(first, '/marker')
    if (byVersion(kernel, '5.11') >= 0) assert.equal(rest, ['/marker', '0'])
    else assert.match(rest.join('\n'), /^nsbox: [^\n]*\nhint: [^\n]*\n125$/)
  },
)

/**
 * The traced command reads and writes in a directory of root's that all may write, and fails. That directory is all
 * that the root has of it, and the file that was read works there.
 */
const traced = (as: (script: string) => string) => `
${NEEDS_OVERLAY}
mkdir -m 777 /data; echo in >/data/in
${as(`export NSBOX_CACHE=/tmp/cache; cd /data; nsbox rootfs build --quiet /tmp/made --trace -- /bin/busybox sh -c '/bin/busybox cat in; echo out >new && exit 3' 2>&1; echo $?
ls /data /tmp/made/data; nsbox --root /tmp/made /bin/busybox cat /data/in; rm -rf /tmp/made`)}
rm -r /data`
const TRACED = /^in\nnote: ended with status 3; [^\n]*\n3\n\/data:\nin\n\n\/tmp\/made\/data:\nin\nin$/

for (const [name, as] of [
  ['root', (script: string) => script],
  ['an ordinary user', asUser],
] as const)
  inGuest(
    `a traced command works for ${name}, with changes that vanish, or it says why not`,
    traced(as),
    ({ output }, kernel) => {
      if (lacksOverlay(output, kernel)) return
      if (name === 'root' || byVersion(kernel, '5.11') >= 0) assert.match(withoutWarnings(output).trimEnd(), TRACED)
      else assert.match(output, /^nsbox: [^\n]*\nhint: [^\n]*from Linux 5\.11 on/)
    },
  )

inGuest(
  'a traced command that makes processes without end is ended by its limits',
  `${NEEDS_OVERLAY}
nsbox rootfs build --quiet --dry-run /tmp/made --pids 30 --timeout 3s --trace -- sh -c 'b() { b | b & }; b; wait' >/dev/null 2>&1; echo $?`,
  ({ output }, kernel) => {
    // The shell ends by itself where it can't make a process.
    if (!lacksOverlay(output, kernel)) assert.match(output, /^(0|2|124)\n$/)
  },
)

/** Two layers below DIR, and a plan whose root they are: with a whiteout, and with directories that are made anew. */
const layered = (dir: string) => `
mkdir -p ${dir}/base/bin ${dir}/base/data ${dir}/base/srv ${dir}/top/data; cp /bin/busybox ${dir}/base/bin
for name in sh ls cat rm mkdir; do ln -sf busybox ${dir}/base/bin/$name; done
echo below >${dir}/base/data/file; touch ${dir}/base/data/gone ${dir}/base/srv/x; echo above >${dir}/top/data/above; mknod ${dir}/top/data/gone c 0 0
nsbox plan --map-root --root ${dir}/base --overlay sh -c 'cat /data/*; ls /data; rm -r /srv; mkdir /srv && ls -d /srv' | tr -d '\\n' |
  sed 's|"lowers": *\\[[^]]*\\]|"lowers":["${dir}/top","${dir}/base"],"image":"x@sha256:0"|' >/tmp/layers`
const SHOWN = ['above', 'below', 'above', 'file']

inGuest(
  'layers of an image stack for root, with all changes that programs make',
  NEEDS_OVERLAY +
    layered('/roots/i').replace('--map-root ', '') +
    FLAGS.map((flags) => `\nnsbox-sidecar --plan /tmp/layers ${flags}; echo $?`).join('') +
    '\nrm -r /roots/i /tmp/layers',
  ({ output }, kernel) => {
    if (lacksOverlay(output, kernel)) return
    assert.equal(
      output.trimEnd().split('\n'),
      FLAGS.flatMap(() => [...SHOWN, '/srv', '0']),
    )
  },
)

// tmpfs has user attributes from Linux 6.6 on, and the cache is in one here.
inGuest(
  'an ordinary user sees the layers from Linux 5.11 on, and gets the way out in words before',
  asUser(`
${NEEDS_OVERLAY}
export NSBOX_CACHE=/tmp/u/cache
${layered('/tmp/u')}
nsbox-sidecar --plan /tmp/layers 2>&1; echo $?
nsbox --image dir:/tmp/u/base cat /data/file 2>&1; echo $?; rm -rf /tmp/layers /tmp/u 2>/dev/null`),
  ({ output }, kernel) => {
    if (lacksOverlay(output, kernel)) return
    if (byVersion(kernel, '5.11') < 0) {
      assert.match(output, /^nsbox: root: mount overlay: [^\n]*\nhint: [^\n]*from Linux 5\.11 on/)
      assert.match(
        output.trimEnd(),
        /nsbox: image: this kernel stacks [^\n]*\nhint: nsbox image unpack dir:\/tmp\/u\/base DIR [^\n]*\n125$/,
      )
      return
    }
    const lines = withoutWarnings(output).trimEnd().split('\n')
    assert.equal(lines.slice(0, 4), SHOWN)
    assert.equal(lines.slice(-2), ['below', '0'])
    assert.is(/\/srv'?: (Input\/output|I\/O) error/.test(output), byVersion(kernel, '6.6') < 0)
  },
)

inGuest(
  'calls of i386 are judged by a filter of their own, and a 32-bit program runs',
  'calls 20 i386 | grep "^20 "; nsbox calls 20 i386 | grep -c " 0$"; nsbox word; echo $?; nsbox --seccomp none word | grep -c socketcall',
  ['20 0', '21', 'runs', 'socket', 'no socketcall', '7', '0'],
)

inGuest(
  'the kernel refuses each call of i386 that the filter refuses, and no other',
  'nsbox-sidecar --plan /files/odd.json',
  ({ output }) => assert.equal(output.trim().split('\n').map(Number), refusedI386(ODD)),
)

inGuest(
  'doctor says that boxes can run',
  'nsbox doctor >/tmp/doctor; echo $?; tail -n 30 /tmp/doctor; rm /tmp/doctor',
  ({ output }) => {
    assert.match(output, /boxes can run here/)
  },
)

await onKernels(guest, checks, kernels())

test.run()
