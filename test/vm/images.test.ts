// runs once
// seconds: 900
/**
 * Images on a kernel whose tmpfs has no user attributes, and whose file systems are modules: changes that vanish go to
 * a disk for ordinary users, and root mounts image files.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { KINDS, imageFile, smallRoot } from '../helpers/image-files.ts'
import { execute } from '../helpers/nsbox.ts'
import { directory, file, symlink, tarOf } from '../helpers/tar.ts'
import { asUser, byVersion, casesOf, Guest, kernels, onKernels } from '../helpers/vm.ts'

const OLD = '6.1'
const MISSING = ['mksquashfs', 'mkfs.erofs', 'mke2fs', 'newuidmap'].filter((tool) => Bun.which(tool) === null)

/** The files of the guest: a disk for the user, a root as an archive, and as file systems. */
function filesOfGuest(): Record<string, Buffer> {
  const dir = mkdtempSync(join(tmpdir(), 'nsbox-images-'))
  try {
    const disk = join(dir, 'disk')
    const made = execute('mke2fs', ['-q', '-t', 'ext4', disk, '16M'])
    if (made.status !== 0) throw new Error(made.stderr)
    const root = smallRoot(join(dir, 'root'))
    const images = KINDS.map((kind, n): [string, Buffer] => [
      `${kind.type}-${n}`,
      readFileSync(imageFile(kind, root, join(dir, `image${n}`))),
    ])
    const applets = ['sh', 'cat', 'rm', 'mkdir', 'ls', 'ln', 'mv', 'sleep', 'chmod', 'chown', 'stat', 'touch', 'dd']
    const archive = tarOf([
      directory('bin/'),
      file('bin/busybox', readFileSync('/bin/busybox'), { mode: 0o755 }),
      ...applets.map((name) => symlink(`bin/${name}`, 'busybox')),
      directory('srv/'),
      directory('srv/sub/'),
      file('srv/sub/file', 'below\n'),
      directory('usr/'),
      file('usr/program', 'old\n', { mode: 0o755 }),
    ])
    return { disk: readFileSync(disk), 'root.tar': archive, ...Object.fromEntries(images) }
  } finally {
    rmSync(dir, { recursive: true })
  }
}

const usable = MISSING.length === 0
const guest = new Guest({
  frontEnd: true,
  ...(usable && { programs: ['newuidmap', 'newgidmap'].map((name) => Bun.which(name) ?? ''), files: filesOfGuest() }),
})
const { checks, inGuest } = casesOf(guest)

/** A case of the ordinary user's, whose cache is on the disk. Kernels before 5.11 give users no overlay. */
function byUser(name: string, script: string, lines: readonly string[]): void {
  const prepared = `export NSBOX_CACHE=/home/cache
left() { ls -d /home/cache/images/v1/layers/*/changes-* 2>/dev/null | wc -l; }
${script}`
  inGuest(name, asUser(prepared), ({ output }, kernel) => {
    if (byVersion(kernel, '5.11') < 0) assert.match(output, /this kernel stacks layers for root alone/)
    else assert.equal(output.trimEnd().split('\n'), lines)
  })
}

/**
 * The same for what is so before Linux 6.6 alone: later the changes are in memory, nothing of them is on the disk, and
 * a full disk is no error.
 */
function onDisk(name: string, script: string, lines: readonly string[]): void {
  const prepared = `export NSBOX_CACHE=/home/cache
left() { ls -d /home/cache/images/v1/layers/*/changes-* 2>/dev/null | wc -l; }
release=$(uname -r); minor=\${release#*.}; minor=\${minor%%[!0-9]*}
if [ \${release%%.*} -gt 6 ] || { [ \${release%%.*} = 6 ] && [ $minor -ge 6 ]; }; then
nsbox --image /files/root.tar sh -c 'rm -r /srv; sleep 2; ls -d /srv' 2>&1 & sleep 1; left; wait $!; exit
fi
${script}`
  inGuest(name, asUser(prepared), ({ output }, kernel) => {
    if (byVersion(kernel, '5.11') < 0) assert.match(output, /this kernel stacks layers for root alone/)
    else if (byVersion(kernel, '6.6') < 0) assert.equal(output.trimEnd().split('\n'), lines)
    else assert.equal(output.trimEnd().split('\n'), ['0', 'ls: /srv: No such file or directory'])
  })
}

/** What a package manager does: directories made anew, files replaced by renames, with a link to the old one. */
const CHANGES =
  'rm -r /srv/sub && mkdir /srv/sub && ls -A /srv/sub && echo new >/usr/program.dpkg-new && ln /usr/program /usr/program.dpkg-tmp && mv /usr/program.dpkg-new /usr/program && rm /usr/program.dpkg-tmp && cat /usr/program && rm -r /srv && mkdir /srv && touch /srv/mine && mv /srv /usr/srv && ls -A /usr/srv; ls -A /srv/sub'
const CHANGED = ['new', 'mine', 'ls: /srv/sub: No such file or directory']

inGuest('the disk is there', 'mount -o loop /files/disk /home && chown ann:ann /home && echo mounted', ['mounted'])

for (const [options, ids] of [
  ['', 'one id'],
  ['--map-auto ', 'a range of ids'],
] as const)
  byUser(
    `with ${ids}, directories of an image can be removed and made again, and nothing stays`,
    `nsbox ${options}--image /files/root.tar sh -c '${CHANGES}' 2>&1; nsbox ${options}--image /files/root.tar cat /srv/sub/file 2>&1; left`,
    [...CHANGED, 'below', '0'],
  )

// The same for the overlay of a directory, and of the whole host.
for (const [name, prepare, root] of [
  ['a directory', 'nsbox image unpack --quiet /files/root.tar /home/root >/dev/null;', '--root /home/root'],
  ["the host's root", 'mkdir -p /home/host/sub;', ''],
] as const)
  inGuest(
    `directories below ${name} can be removed and made again in an overlay of a user, and nothing stays`,
    asUser(`export NSBOX_CACHE=/home/cache; cd /; ${prepare}
if [ -d /home/root ]; then D=/srv; else D=/home/host; fi
nsbox ${root} --overlay --cwd / sh -c "rm -r $D/sub && mkdir $D/sub && ls -A $D/sub && rm -r $D && mkdir $D && ls -A $D; echo $?" 2>&1
ls -d /home/cache/images/v1/layers/*/changes-* 2>/dev/null | wc -l; rm -r /home/root /home/host 2>/dev/null`),
    ({ output }, kernel) => {
      if (byVersion(kernel, '5.11') < 0) assert.match(output, /mount overlay: .*\nhint: /)
      else assert.equal(output.trimEnd().split('\n'), ['0', '0'])
    },
  )

byUser(
  'a deep tree that nobody may enter, with files of other owners, is removed too',
  `nsbox --map-auto --image /files/root.tar sh -c 'i=0; while [ $i -lt 300 ]; do mkdir -p /srv/deep/d && cd /srv/deep && mv d /srv/next && mv /srv/deep /srv/next/d && mv /srv/next /srv/deep; i=$((i+1)); done; mkdir /srv/shut; touch /srv/shut/file; chown -R 33:33 /srv; chmod 0 /srv/shut /srv/deep; stat -c %u:%a /srv/shut' 2>&1; left`,
  ['33:0', '0'],
)

onDisk(
  'the disk is used while the box runs, by each box for itself, and a killed one is cleaned up after',
  `
nsbox --image /files/root.tar sh -c 'echo mine >/srv/mine; sleep 100' & first=$!
nsbox --image /files/root.tar sh -c 'sleep 100' & second=$!
for t in $(seq 600); do [ "$(cat /home/cache/images/v1/layers/one/changes-*/upper/srv/mine 2>/dev/null)" = mine ] && [ "$(left)" = 2 ] && break; usleep 50000; done
left; stat -c %a:%U /home/cache/images/v1/layers/one/changes-0
nsbox --image /files/root.tar ls -A /srv; left
kill -KILL $first; wait $first 2>/dev/null; left
nsbox --image /files/root.tar sh -c 'sleep 0'; left
kill -TERM $second; wait $second; left
nsbox --image /files/root.tar sleep 100 & third=$!
for t in $(seq 600); do [ "$(left)" = 1 ] && break; usleep 50000; done
nsbox image prune --quiet; left
kill -KILL $third; wait $third 2>/dev/null
for t in $(seq 100); do nsbox image prune --quiet 2>&1; [ "$(left)" = 0 ] && break; usleep 50000; done; left`,
  ['2', '700:ann', 'sub', '2', '2', '1', '0', '1', '0'],
)

onDisk(
  'a full disk is an error that says so, and other boxes need none',
  `
dd if=/dev/zero of=/home/fill bs=4k 2>/dev/null; dd if=/dev/zero of=/home/fill2 bs=512 count=8 2>/dev/null
nsbox --image /files/root.tar cat /srv/sub/file 2>&1; echo $?
nsbox --ro --image /files/root.tar cat /srv/sub/file 2>&1; echo $?
rm /home/fill /home/fill2`,
  [
    'nsbox: root: make a directory for changes: /home/cache/images/v1/layers/one: No space left on device (ENOSPC)',
    'hint: nsbox image prune frees room; NSBOX_CACHE or --overlay=DIR names another disk',
    '125',
    'below',
    '0',
  ],
)

onDisk(
  'where no file system keeps such notes, a warning says so, and the box runs',
  'mkdir -m 700 /tmp/cache; NSBOX_CACHE=/tmp/cache nsbox --image /files/root.tar cat /srv/sub/file 2>&1; rm -r /tmp/cache 2>/dev/null',
  [
    "nsbox: root: warning: directories of the root can't be removed (EIO): the cache lacks user.* attributes; --overlay=DIR names another disk",
    'below',
  ],
)

/** Root mounts the files, by either mount interface. */
for (const [n, { name, type }] of KINDS.entries())
  inGuest(
    `--trust-image mounts a ${name}, and no loop device stays`,
    `
export NSBOX_CACHE=/run/cache; mkdir -p -m 700 /run/cache
nsbox plan --image /files/${type}-${n} --trust-image sh -c 'cat /etc/motd; stat -c %u:%g:%a /srv/own; echo mine >/etc/motd && cat /etc/motd; rm -r /tmp; mkdir /tmp && ls -A /tmp' >/tmp/plan
for flags in '' --old-mount-api; do nsbox-sidecar --plan /tmp/plan $flags 2>&1; echo $?; done
for t in $(seq 100); do losetup -a | grep -q /files/${type} || break; usleep 50000; done; losetup -a | grep -c /files/${type}; rm /tmp/plan`,
    ['', ''].flatMap(() => ['of the image', '33:33:600', 'mine', '0']).concat('0'),
  )

inGuest('the disk is free again', 'umount /home && echo free', ['free'])

if (!usable) test.skip(`images in a virtual machine (${MISSING.join(', ')} not installed)`, () => {})
else await onKernels(guest, checks, kernels(OLD))

test.run()
