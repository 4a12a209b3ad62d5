/** Mounts that the host makes and removes while a box runs. */
import { existsSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, execute, inTemp, NSBOX } from '../helpers/nsbox.ts'

/**
 * Runs SCRIPT as the host: in a mount namespace whose mounts are shared, as systemd makes them. $1 is a directory, $2
 * is nsbox.
 */
const onHost = (dir: string, script: string) =>
  execute('unshare', [
    ...(asRoot ? [] : ['--user', '--map-root-user']),
    '--mount',
    '--propagation',
    'shared',
    'sh',
    '-ec',
    script,
    'sh',
    dir,
    NSBOX,
  ])

test(
  'a mount that the host makes later neither shows in a box nor covers what is masked there',
  inTemp((dir) => {
    const script = `
cd "$1"; mkdir a new go; echo secret >a/secret; mkfifo go/1 go/2; echo other >new/secret
"$2" --quiet --mask "$1/a" --ro-bind "$1/new" sh -c 'echo >go/1; cat go/2; cat a/secret; ls a; cat new/secret; touch new/x || echo read-only' 2>&1 &
cat go/1; mount -t tmpfs x "$1/new"; mount --bind "$1/new" "$1/a"; echo host >a/secret; echo >go/2; wait`
    const { status, stdout, stderr } = onHost(dir, script)
    assert.is(status, 0, stderr)
    assert.match(stdout, /^\n\ncat: .*No such file.*\nother\ntouch: .*Read-only file system\nread-only\n$/)
  }),
)

const loops =
  asRoot &&
  existsSync('/dev/loop-control') &&
  execute('sh', ['-c', 'command -v mkfs.ext4 && command -v losetup']).status === 0
const needingLoop = loops ? test : test.skip
needingLoop(
  'a device that the host unmounts is busy while a box has it, and free afterwards (needs root, loop devices and mkfs.ext4)',
  inTemp((dir) => {
    const script = `
cd "$1"; mkdir m go; mkfifo go/1 go/2; truncate -s 8M image; mkfs.ext4 -q image
device=$(losetup -f --show image); trap 'losetup -d "$device"' EXIT
mount "$device" m
"$2" --quiet sh -c 'echo >go/1; cat go/2' & cat go/1; umount m
echo "in the box: $(grep -l " $device " /proc/[0-9]*/mountinfo 2>/dev/null | wc -l | sed 's/^[1-9].*/yes/')"
mkfs.ext4 -qF "$device" 2>&1 | grep -o 'in use by the system' || echo not busy
echo >go/2; wait; mkfs.ext4 -qF "$device" && echo free`
    const { status, stdout, stderr } = onHost(dir, script)
    assert.is(status, 0, stderr)
    assert.is(stdout.replace(/^\n+/gm, ''), 'in the box: yes\nin use by the system\nfree\n')
  }),
)

test.run()
