/** Image files that the kernel mounts: what a box sees of them, what stays of a change, and what is left behind. */
import { spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { DAEMON, imageFile, KINDS, loopsBelow, loopsGone, smallRoot, whyNoMount } from '../helpers/image-files.ts'
import { asRoot, execute, failure, inTemp, NSBOX, nsbox, type Ran, SIDECAR, sidecar } from '../helpers/nsbox.ts'

const APIS: readonly string[][] = [[], ['--old-mount-api']]
const [SQUASHFS, , , EROFS, , EXT4] = KINDS as [Kind, Kind, Kind, Kind, Kind, Kind]
type Kind = (typeof KINDS)[number]

function ok({ status, stdout, stderr }: Ran): string {
  assert.equal([status, stderr], [0, ''])
  return stdout
}

/** Runs nsbox with a cache of the test's own. */
const inCache = (dir: string, args: readonly string[]): Ran =>
  execute(NSBOX, args, { env: { ...process.env, NSBOX_CACHE: join(dir, 'cache'), TERM: 'vt100', SECRET: 's' } })

const trusted = (dir: string, file: string, args: readonly string[]): Ran =>
  inCache(dir, ['--image', file, '--trust-image', ...args])

/** A test that takes a mount of such a file, or a skipped one that says why. */
function mounts(name: string, { type, tool }: Kind, body: (dir: string) => void | Promise<void>): void {
  const reason = whyNoMount(type, tool)
  if (reason !== undefined) return test.skip(`${name} (${reason})`, () => {})
  test(
    name,
    inTemp(async (dir) => {
      mkdirSync(join(dir, 'cache'), { mode: 0o700 })
      await body(dir)
      await loopsGone(dir)
    }),
  )
}

for (const kind of KINDS)
  mounts(`${kind.name} shows with its owners, changes vanish, and the file stays as it is`, kind, (dir) => {
    const file = imageFile(kind, smallRoot(join(dir, 'root')), join(dir, 'image, of: a root'))
    const before = readFileSync(file)
    const script =
      'cat /etc/motd; stat -c %u:%g:%a /srv/own; echo mine >/etc/motd && cat /etc/motd; rm -r /tmp; mkdir /srv/new; ls /srv'
    const shown = `of the image\n${DAEMON}:${DAEMON}:600\nmine\nnew\nown\n`
    assert.is(ok(trusted(dir, file, ['sh', '-c', script])), shown)
    assert.is(ok(inCache(dir, ['--image', `${kind.type}:${file}`, '--trust-image', 'sh', '-c', script])), shown)
    const plan = ok(inCache(dir, ['plan', '--image', file, '--trust-image', 'sh', '-c', script]))
    for (const flags of APIS) assert.is(ok(sidecar(plan, flags)), shown)
    assert.ok(readFileSync(file).equals(before))
  })

mounts('programs of the image gain nothing, and its device nodes open nothing', SQUASHFS, (dir) => {
  const file = imageFile(SQUASHFS, smallRoot(join(dir, 'root')), join(dir, 'image'))
  const plan = ok(inCache(dir, ['plan', '--image', file, '--trust-image', 'cat', '/null']))
  for (const flags of APIS) {
    const { status, stderr } = sidecar(plan, flags)
    assert.equal([status, /Permission denied/.test(stderr)], [1, true], stderr)
  }
})

mounts('changes stay in a directory, or none can be made', SQUASHFS, (dir) => {
  const file = imageFile(SQUASHFS, smallRoot(join(dir, 'root')), join(dir, 'image'))
  const state = join(dir, 'state')
  mkdirSync(state)
  ok(trusted(dir, file, [`--overlay=${state}`, 'sh', '-c', 'echo kept >/etc/motd; rm -r /tmp']))
  assert.is(
    ok(trusted(dir, file, [`--overlay=${state}`, 'sh', '-c', 'cat /etc/motd; [ -e /tmp ] || echo gone'])),
    'kept\ngone\n',
  )
  const { status, stderr } = trusted(dir, file, ['--ro', 'touch', '/x'])
  assert.equal([status, /Read-only file system/.test(stderr)], [1, true], stderr)
})

mounts('the box is that of an image without settings of its own', SQUASHFS, (dir) => {
  const file = imageFile(SQUASHFS, smallRoot(join(dir, 'root')), join(dir, 'image'))
  const told = ok(
    trusted(dir, file, ['--hostname', 'mine', 'sh', '-c', 'cat /etc/hostname; grep -c mine /etc/hosts; env; pwd']),
  )
  assert.match(told, /^mine\n1\n/)
  assert.match(told, /^PATH=\/usr\/local\/sbin:/m)
  assert.not.match(told, /SECRET/)
  assert.match(told, /\n\/\n$/)
  const own = trusted(dir, file, ['--no-host-files', 'cat', '/etc/hosts'])
  assert.match(own.stderr, /No such file/)
})

for (const kind of [SQUASHFS, EROFS, EXT4])
  mounts(`${kind.name}: a user namespace of root's has the image's owners, as its map says`, kind, (dir) => {
    const file = imageFile(kind, smallRoot(join(dir, 'root')), join(dir, 'image'))
    const script = 'cat /srv/own; stat -c %u:%g /srv/own; echo x >/srv/own; chown 7 /srv/own && stat -c %u /srv/own'
    const shown = `own\n${DAEMON}:${DAEMON}\n7\n`
    assert.is(ok(trusted(dir, file, ['--userns', 'sh', '-c', script])), shown)
    const plan = JSON.parse(
      ok(inCache(dir, ['plan', '--image', file, '--trust-image', '--userns', 'sh', '-c', script])),
    )
    const ids = [
      { inside: 0, outside: 0, count: 1 },
      { inside: 1, outside: 100000, count: 65535 },
    ]
    const mapped = { ...plan, idmap: { ...plan.idmap, uid: ids, gid: ids } }
    assert.is(ok(sidecar(mapped)), shown)
    failure(
      sidecar(mapped, ['--old-mount-api']),
      /^nsbox: root: mount \S+: \S+: Operation not permitted \(EPERM\)\nhint: only root may mount an image file, /,
    )
  })

mounts('a squashfs in the middle of a file, and several as layers of one root', SQUASHFS, (dir) => {
  const root = smallRoot(join(dir, 'root'))
  const top = join(dir, 'top')
  mkdirSync(join(top, 'etc'), { recursive: true })
  writeFileSync(join(top, 'etc/motd'), 'of the top\n')
  const parts = [top, root].map((from, n) => readFileSync(imageFile(SQUASHFS, from, join(dir, `part${n}`))))
  const file = join(dir, 'whole')
  const gap = Buffer.alloc(4096 * 3 + 512)
  writeFileSync(file, Buffer.concat(parts.flatMap((part) => [gap, part])))
  let at = 0
  const filesystems = parts.map((part) => {
    at += gap.length
    const filesystem = { path: file, type: 'squashfs', offset: at, size: part.length }
    at += part.length
    return filesystem
  })
  const plan = JSON.parse(
    ok(inCache(dir, ['plan', '--image', join(dir, 'part1'), '--trust-image', 'cat', '/etc/motd'])),
  )
  for (const flags of APIS) {
    const shown = (list: object[]) => ok(sidecar({ ...plan, root: { ...plan.root, filesystems: list } }, flags))
    assert.is(shown(filesystems), 'of the top\n')
    assert.is(shown(filesystems.slice(1)), 'of the image\n')
  }
})

if (Bun.which('xorriso') === null) test.skip('a live ISO (xorriso is not installed)', () => {})
else
  mounts('the live system of an ISO is mounted where it lies in the file, also in layers', SQUASHFS, (dir) => {
    const root = smallRoot(join(dir, 'root'))
    const top = join(dir, 'top')
    mkdirSync(join(top, 'etc'), { recursive: true })
    writeFileSync(join(top, 'etc/motd'), 'of the top\n')
    execute('mknod', [join(top, 'srv'), 'c', '0', '0'])
    const iso = (name: string, layers: Record<string, string>): string => {
      const tree = join(dir, name)
      for (const [file, from] of Object.entries(layers)) {
        mkdirSync(join(tree, file, '..'), { recursive: true })
        imageFile(SQUASHFS, from, join(tree, file))
      }
      const { status, stderr } = execute('xorriso', ['-as', 'mkisofs', '-r', '-o', `${tree}.iso`, tree])
      assert.is(status, 0, stderr)
      return `${tree}.iso`
    }
    const script = ['sh', '-c', 'cat /etc/motd; ls /srv 2>/dev/null; echo x >/etc/motd']
    const live = iso('live', { 'live/filesystem.squashfs': root })
    assert.is(ok(trusted(dir, live, script)), 'of the image\nown\n')
    assert.is(ok(trusted(dir, live, ['--userns', ...script])), 'of the image\nown\n')
    const layered = iso('layered', { 'casper/minimal.squashfs': root, 'casper/minimal.standard.squashfs': top })
    assert.is(trusted(dir, layered, script).stdout, 'of the top\n')
    assert.match(
      trusted(dir, layered, ['--userns', ...script]).stderr,
      /^nsbox: --trust-image: the live system has several layers/,
    )
    const none = iso('none', { 'boot/x.squashfs': root })
    failure(trusted(dir, none, ['true']), /^nsbox: image: no live system in it: /)
  })

if (Bun.which('xorriso') === null) test.skip('a live ISO with a file in a file (xorriso is not installed)', () => {})
else
  mounts('a live system that is a file in a squashfs of an ISO is mounted, and is looked for once', EXT4, (dir) => {
    const layer = join(dir, 'layer')
    mkdirSync(join(layer, 'LiveOS'), { recursive: true })
    imageFile(EXT4, smallRoot(join(dir, 'root')), join(layer, 'LiveOS/rootfs.img'))
    mkdirSync(join(dir, 'tree/LiveOS'), { recursive: true })
    imageFile(SQUASHFS, layer, join(dir, 'tree/LiveOS/squashfs.img'))
    const file = join(dir, 'live.iso')
    const made = execute('xorriso', ['-as', 'mkisofs', '-r', '-o', file, join(dir, 'tree')])
    assert.is(made.status, 0, made.stderr)
    const script = ['sh', '-c', 'cat /etc/motd; stat -c %u /srv/own; rm -r /tmp && mkdir /tmp && echo made']
    const shown = `of the image\n${DAEMON}\nmade\n`
    const known = () => readdirSync(join(dir, 'cache/images/v1/trusted')).length
    for (const options of [[], ['--userns']]) assert.is(ok(trusted(dir, file, [...options, ...script])), shown)
    assert.is(known(), 1)
    const plan = ok(inCache(dir, ['plan', '--image', file, '--trust-image', 'true']))
    failure(sidecar(plan, ['--old-mount-api']), /^nsbox: root: mount\(2\) can't mount a file of a file system: /)
    const told = ok(inCache(dir, ['explain', '--image', file, '--trust-image', 'true'])).replace(/\s+/g, ' ')
    assert.match(told, /Mount the ext4 in the file LiveOS\/rootfs\.img of the squashfs in \S+ from byte \d+ on/)
    failure(
      inCache(dir, ['--image', file, 'true']),
      /^nsbox: image: the live system is a file system \(ext4\) in the file LiveOS\/rootfs\.img, which has to be mounted: .*\nhint: .*--trust-image COMMAND\n$/,
    )
    // The start of a box with what is written down needs no helper; a file that has changed is looked into again.
    writeFileSync(file, 'no ISO')
    failure(trusted(dir, file, ['true']), /is not an image of a known format/)
    ok(inCache(dir, ['image', 'prune']))
    assert.is(known(), 0)
  })

mounts(
  'no loop device stays when a box is killed, and boxes that start at once get one each',
  SQUASHFS,
  async (dir) => {
    const file = imageFile(SQUASHFS, smallRoot(join(dir, 'root')), join(dir, 'image'))
    const env = { ...process.env, NSBOX_CACHE: join(dir, 'cache') }
    const boxes = Array.from({ length: 6 }, () => {
      const child = spawn(NSBOX, ['--image', file, '--trust-image', 'sh', '-c', 'echo in; read line'], { env })
      const over = new Promise((done) => child.on('close', done))
      return { child, over, started: new Promise((done) => child.stdout.once('data', done)) }
    })
    for (const { started } of boxes) await started
    assert.is(loopsBelow(dir).length, boxes.length)
    for (const [n, { child }] of boxes.entries()) n % 2 === 0 ? child.kill('SIGKILL') : child.stdin.end('\n')
    for (const { over } of boxes) await over
  },
)

/** Which of the calls in a trace is the first that matches, from 1, as strace's `when=` counts. */
const callNumber = (trace: string, wanted: RegExp): number =>
  trace.split('\n').findIndex((line) => wanted.test(line)) + 1

if (Bun.which('strace') === null)
  test.skip('races for loop devices, and older kernels (strace is not installed)', () => {})
else
  mounts(
    'a loop device that another process takes first is tried again, and two calls do for an older kernel',
    SQUASHFS,
    (dir) => {
      const file = imageFile(SQUASHFS, smallRoot(join(dir, 'root')), join(dir, 'image'))
      const input = ok(inCache(dir, ['plan', '--image', file, '--trust-image', 'cat', '/etc/motd']))
      const trace = (calls: string, more: readonly string[]) => {
        const args = ['-o', join(dir, 'trace'), '-e', `trace=${calls}`, ...more, SIDECAR, '--plan-fd', '0']
        const ran = execute('strace', args, { input })
        return { ran, calls: readFileSync(join(dir, 'trace'), 'utf8') }
      }
      const at = callNumber(trace('ioctl', []).calls, /LOOP_CONFIGURE|0x4c0a/i)
      assert.ok(at > 0)
      const taken = trace('ioctl', ['-e', `inject=ioctl:error=EBUSY:when=${at}`])
      assert.is(ok(taken.ran), 'of the image\n')
      assert.is(taken.calls.match(/LOOP_CTL_GET_FREE/g)?.length, 2)
      const older = trace('ioctl', ['-e', `inject=ioctl:error=EINVAL:when=${at}`])
      assert.is(ok(older.ran), 'of the image\n')
      assert.match(older.calls, /LOOP_SET_FD[\s\S]*LOOP_SET_STATUS64/)
      failure(
        trace('fsopen', ['-e', 'inject=fsopen:error=ENODEV:when=1']).ran,
        /^nsbox: root: mount squashfs: \S+: No such device \(ENODEV\)\nhint: this kernel has no such file system: modprobe squashfs, as root\n$/,
      )
    },
  )

mounts('where there is no loop device, as in a container, the message says so', SQUASHFS, (dir) => {
  const file = imageFile(SQUASHFS, smallRoot(join(dir, 'root')), join(dir, 'image'))
  const plan = ok(inCache(dir, ['plan', '--image', file, '--trust-image', 'true']))
  const bare = `mount -t tmpfs none "$1" && cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty "$1" && mount --move "$1" /dev && shift && exec "$@"`
  mkdirSync(join(dir, 'dev'))
  failure(
    execute('unshare', ['-m', 'sh', '-c', bare, 'sh', join(dir, 'dev'), SIDECAR, '--plan-fd', '0'], { input: plan }),
    /^nsbox: root: open: \/dev\/loop-control: No such file or directory \(ENOENT\)\nhint: there are no loop devices here, as in most containers /,
  )
})

for (const kind of [SQUASHFS, EROFS, EXT4])
  mounts(`${kind.name}: a damaged file is an error, and leaves nothing`, kind, async (dir) => {
    const file = imageFile(kind, smallRoot(join(dir, 'root')), join(dir, 'image'))
    const message = new RegExp(`^nsbox: root: mount ${kind.type}: \\S+/image: [^\\n]+ \\(E[A-Z]+\\)\\nhint: \\S.*\\n$`)
    const whole = readFileSync(file)
    // The kernel looks at an erofs's end only when it reads there.
    if (kind !== EROFS) {
      truncateSync(file, 65536)
      failure(trusted(dir, file, ['true']), message)
    }
    const start = kind === SQUASHFS ? 32 : 1024 + 4
    writeFileSync(file, Buffer.concat([whole.subarray(0, start), Buffer.alloc(64, 0xff), whole.subarray(start + 64)]))
    const other = inCache(dir, ['plan', '--image', `${kind.type}:${file}`, '--trust-image', 'true'])
    failure(sidecar(ok(other)), message)
    await loopsGone(dir)
  })

mounts('an ext4 with changes in its journal says how they get written', EXT4, (dir) => {
  const file = imageFile(EXT4, smallRoot(join(dir, 'root')), join(dir, 'image'))
  execute('debugfs', ['-w', '-R', 'feature needs_recovery', file])
  failure(
    trusted(dir, file, ['true']),
    /^nsbox: root: mount ext4: \S+: Read-only file system \(EROFS\)\nhint: its journal .* e2fsck -f FILE, once\n$/,
  )
})

mounts('explain says that the kernel reads the file, and why that is a risk', SQUASHFS, (dir) => {
  const file = imageFile(SQUASHFS, smallRoot(join(dir, 'root')), join(dir, 'image'))
  const told = ok(inCache(dir, ['explain', '--image', file, '--trust-image', 'true'])).replace(/\s+/g, ' ')
  for (const part of [`Mount the squashfs in ${file}`, 'LOOP_CONFIGURE', 'nothing contains a flaw there'])
    assert.ok(told.includes(part), part)
})

test(
  'who may not mount, and what is no file system, gets the way out',
  inTemp((dir) => {
    const tar = join(dir, 'root.tar')
    execute('tar', ['-cf', tar, '-C', '/etc', 'passwd'])
    const squashfs = join(dir, 'image')
    mkdirSync(join(dir, 'cache'), { mode: 0o700 })
    writeFileSync(squashfs, Buffer.concat([Buffer.from('hsqs'), Buffer.alloc(4096)]))
    const usage: [args: string[], message: RegExp][] = [
      [['--trust-image', 'true'], /^nsbox: --trust-image: there is no image\nhint: it goes with --image REF\n$/],
      [
        ['--image', squashfs, '--trust-image', '--platform', 'linux/arm64', 'true'],
        /^nsbox: --platform and --trust-image: /,
      ],
      [
        ['--image', 'registry.example/app', '--trust-image', 'true'],
        /^nsbox: --trust-image: an image in a registry is not a file\n/,
      ],
      ...(asRoot
        ? [
            [
              ['--image', squashfs, '--trust-image', '--map-root', 'true'],
              /^nsbox: --trust-image: the files of a mounted image keep /,
            ] as [string[], RegExp],
          ]
        : [
            [
              ['--image', squashfs, '--trust-image', 'true'],
              /^nsbox: --trust-image: only root may mount an image file\nhint: without /,
            ] as [string[], RegExp],
          ]),
    ]
    for (const [args, message] of usage) {
      const { status, stderr } = nsbox(args)
      assert.equal([status, message.test(stderr)], [2, true], `${args.join(' ')}: ${stderr}`)
    }
    if (!asRoot) return
    failure(
      inCache(dir, ['plan', '--image', squashfs, '--trust-image', '--user', 'daemon', 'id']),
      /^nsbox: user: an image that is mounted has its users in files that .*\nhint: a number needs no name: --user UID:GID\n$/,
    )
    const shell = inCache(dir, ['plan', '--image', squashfs, '--trust-image', '--user', '7:8'])
    assert.equal([JSON.parse(ok(shell)).process.argv, JSON.parse(shell.stdout).process.uid], [['/bin/sh'], 7])
    failure(
      nsbox(['--image', tar, '--trust-image', 'true']),
      /^nsbox: image: is not a file system, but tar: \S+\nhint: without --trust-image it is unpacked\n$/,
    )
    failure(
      nsbox(['--image', dir, '--trust-image', 'true']),
      /^nsbox: image: is a directory, which needs no mount: \S+\nhint: leave --trust-image out\n$/,
    )
  }),
)

test.run()
