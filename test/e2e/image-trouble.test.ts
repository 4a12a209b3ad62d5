/** Images where something outside of them is amiss: a slip in a name, a disk that can't be read, ids that are gone. */
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cacheEnv, layersIn } from '../helpers/image-cache.ts'
import { imageFile, KINDS, whyNoMount } from '../helpers/image-files.ts'
import { asRoot, execute, failure, inTemp, NSBOX, nsbox } from '../helpers/nsbox.ts'
import { dockerArchiveOf, layoutOf } from '../helpers/oci.ts'
import { directory, file, tarOf } from '../helpers/tar.ts'

test(
  'a file that is not there is named, with the place where it was looked for',
  inTemp((dir) => {
    const run = (...args: string[]) => nsbox(['--image', ...args, 'true'], { cwd: dir, env: cacheEnv(dir) })
    for (const name of ['nothere.iso', 'Fedora-Live.iso', 'images/x.tar', 'images.d/x.tar.zst', 'initrd.gz', 'a.img']) {
      const { status, stderr } = run(name)
      assert.is(status, 2)
      assert.ok(stderr.startsWith(`nsbox: image: '${name}': there is no such file\nhint: looked for ${dir}/${name}; `))
      assert.match(stderr, name.startsWith('images.d') ? /docker:\/\/images\.d\/x/ : /docker:\/\/HOST\//)
    }
    for (const name of ['./x.tar', `${dir}/x.tar`, 'oci-archive:x.tar'])
      failure(
        run(name),
        /^nsbox: image: open: \/\S+\/x\.tar: No such file or directory \(ENOENT\)\nhint: there is no such file: check the path/,
      )
    assert.match(run('nothere').stderr, /short name: the registry is missing, and there is no such file/)
  }),
)

const SQUASHFS = KINDS[0]
const reason = SQUASHFS === undefined ? 'no squashfs' : whyNoMount(SQUASHFS.type, SQUASHFS.tool)
if (reason !== undefined || SQUASHFS === undefined)
  test.skip(`an archive on a disk that can't be read is an error with the cause (${reason})`, () => {})
else
  test(
    "an archive on a disk that can't be read is an error with the cause",
    inTemp((dir) => {
      // The kernel reads a damaged block of a squashfs as a broken disk.
      const text = Array.from({ length: 200000 }, (_, n) => `line ${n * 7919}\n`).join('')
      const root = tarOf([directory('etc/'), file('etc/long', text)])
      mkdirSync(join(dir, 'files'))
      writeFileSync(join(dir, 'files/a.tar'), root)
      writeFileSync(join(dir, 'files/b.tar'), dockerArchiveOf({ layers: [{ tar: root, compress: 'none' }] }, ['app:1']))
      layoutOf(join(dir, 'files/c'), [{ layers: [{ tar: root, compress: 'none' }] }])
      const disk = imageFile(SQUASHFS, join(dir, 'files'), join(dir, 'disk'))
      const bytes = readFileSync(disk)
      for (const at of [0.3, 0.8].map((part) => Math.floor(bytes.length * part))) bytes.fill(0x5a, at, at + 512)
      writeFileSync(disk, bytes)
      const mounted = join(dir, 'mounted')
      mkdirSync(mounted)
      const script =
        'mount -t squashfs -o loop,ro "$1" "$2" && for name in a.tar b.tar c; do "$3" --quiet --image "$2/$name" true; echo $?; done'
      const { stdout, stderr } = execute('unshare', ['-m', 'sh', '-c', script, 'sh', disk, mounted, NSBOX], {
        env: cacheEnv(dir),
      })
      assert.is(stdout, '125\n125\n125\n', stderr)
      assert.not.match(stderr, /internal error/)
      const messages = stderr.split('\n').filter((line) => line.startsWith('nsbox: '))
      assert.is(messages.length, 3, stderr)
      for (const line of messages) assert.match(line, /^nsbox: image: .*: (Input\/output|I\/O) error \(EIO\)$/, stderr)
      assert.match(stderr, /hint: a disk can't be read, or written, there/)
      assert.equal(layersIn(dir), [])
    }),
  )

if (!asRoot || Bun.which('newuidmap') === null)
  test.skip('layers of a range of ids that is gone (takes root, and newuidmap)', () => {})
else
  test(
    'layers of a range of ids that is gone are removed, as far as their user may, or a sentence says how',
    inTemp((dir) => {
      const NOBODY = 65534
      chmodSync(dir, 0o711)
      mkdirSync(join(dir, 'cache'), { mode: 0o700 })
      chownSync(join(dir, 'cache'), NOBODY, NOBODY)
      writeFileSync(join(dir, 'subuid'), 'nobody:300000:65536\n')
      const foreign = { uid: 33, gid: 33 }
      writeFileSync(join(dir, 'plain.tar'), tarOf([directory('etc/'), file('etc/own', 'x', foreign)]))
      writeFileSync(join(dir, 'deep.tar'), tarOf([directory('www/', foreign), file('www/own', 'x', foreign)]))
      const script = `
dir=$1 nsbox=$2
mount --bind "$dir/subuid" /etc/subuid && mount --bind "$dir/subuid" /etc/subgid || exit
as() { setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups env NSBOX_CACHE="$dir/cache" "$nsbox" image "$@"; }
for name in plain deep; do as pull --quiet --map-auto "$dir/$name.tar" || exit; done
: >"$dir/subuid"
for name in plain deep; do as rm "$dir/$name.tar"; echo $?; done
echo "nobody:300000:65536" >"$dir/subuid"
as prune --keep 0; echo $?`
      const { stdout, stderr } = execute('unshare', ['-m', 'sh', '-c', script, 'sh', dir, NSBOX])
      const lines = stdout
        .trim()
        .split('\n')
        .filter((line) => /^\d+$/.test(line))
      assert.equal(lines, ['0', '125', '0'], stdout + stderr)
      assert.match(
        stderr,
        /^nsbox: image: files there belong to ids that are no longer yours: \/\S+\/layers\/auto-[0-9a-f]+\nhint: only root can remove them; or for a moment USER:300000:65536 in \/etc\/subuid and USER:300000:65536 in \/etc\/subgid again\n$/,
      )
      assert.equal(layersIn(dir), [])
      assert.ok(existsSync(join(dir, 'cache')))
    }),
  )

test.run()
