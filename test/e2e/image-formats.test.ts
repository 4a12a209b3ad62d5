// seconds: 300
/** Images that other tools have made, told apart by their content, against what those tools unpack themselves. */
import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { archive, directory, file, link } from '../helpers/cpio.ts'
import { image, inspect, result, treesOf } from '../helpers/image-cache.ts'
import { asRoot, failure, inTemp } from '../helpers/nsbox.ts'
import { dockerArchiveOf, layoutOf, type ImageOf } from '../helpers/oci.ts'
import { tarOf } from '../helpers/tar.ts'

const has = (tool: string): boolean => spawnSync('sh', ['-c', `command -v ${tool}`]).status === 0

/** A test that needs a tool; without it, it is skipped, and its title says why. */
function withTool(tool: string, title: string, body: (dir: string) => void): void {
  if (has(tool)) test(title, inTemp(body))
  else test.skip(`${title} (there is no ${tool})`, () => {})
}

function run(program: string, ...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 28 })
  assert.is(status, 0, `${program}: ${stderr}${error ?? ''}`)
  return stdout
}

/** Kind, mode, owner, size, time, link target and name of all below a directory; and which names are one file. */
function listing(dir: string): string[] {
  // Directories are left out where a time counts: not every archive has one for each.
  const lines = run('find', dir, '-mindepth', '1', '-printf', '%P %y %m %U:%G %l\n').trim().split('\n')
  const files = run('find', dir, '-type', 'f', '-printf', '%P %s %Ts %n\n').trim().split('\n')
  return [...lines, ...files].sort()
}

/** An empty ext4. */
function ext4(dir: string): Buffer {
  const path = join(dir, 'ext4')
  run('mke2fs', '-q', '-t', 'ext4', path, '1M')
  return readFileSync(path)
}

const SIMPLE: ImageOf = {
  layers: [
    {
      tar: tarOf([
        { name: 'etc/', type: '5' },
        { name: 'etc/a', content: 'a' },
      ]),
    },
  ],
}

test(
  'a saved archive is known without its name and a prefix, also compressed',
  inTemp((dir) => {
    const saved = dockerArchiveOf(SIMPLE, ['app:1'])
    writeFileSync(join(dir, 'a.iso'), saved)
    writeFileSync(join(dir, 'b.txt'), gzipSync(saved))
    const files = ['a.iso', 'b.txt']
    for (const [tool, name] of [
      ['xz', 'c.tar'],
      ['zstd', 'd'],
      ['bzip2', 'e'],
    ] as const) {
      if (!has(tool)) continue
      const { stdout } = spawnSync(tool, ['-c'], { input: saved, maxBuffer: 1 << 28 })
      writeFileSync(join(dir, name), stdout)
      files.push(name)
    }
    const ids = files.map((name) => {
      result(image(dir, 'pull', join(dir, name)))
      return inspect(dir, join(dir, name)).id
    })
    assert.is(new Set(ids).size, 1)
  }),
)

test(
  'an initial RAM disk of several parts is one root',
  inTemp((dir) => {
    const early = archive([directory('kernel'), file('kernel/x', 'microcode', 0o644)])
    const main = archive([directory('bin'), file('bin/init', 'init'), link('bin/sh', 'init')])
    writeFileSync(join(dir, 'initrd.img'), Buffer.concat([early, Buffer.alloc(512), gzipSync(main)]))
    result(image(dir, 'pull', join(dir, 'initrd.img')))
    const [tree = ''] = treesOf(dir, join(dir, 'initrd.img'))
    assert.is(readFileSync(join(tree, 'bin/init'), 'utf8'), 'init')
    assert.ok(lstatSync(join(tree, 'bin/sh')).isSymbolicLink())
    writeFileSync(join(dir, 'small.img'), gzipSync(main))
    result(image(dir, 'pull', join(dir, 'small.img')))
    assert.is(readFileSync(join(treesOf(dir, join(dir, 'small.img'))[0] ?? '', 'bin/init'), 'utf8'), 'init')
  }),
)

withTool('mksquashfs', 'a squashfs of each compression gives one tree', (dir) => {
  mkdirSync(join(dir, 'root/etc'), { recursive: true })
  writeFileSync(join(dir, 'root/etc/a'), 'a'.repeat(5000))
  symlinkSync('a', join(dir, 'root/etc/b'))
  const listings = ['gzip', 'xz', 'zstd', 'lz4'].map((compression) => {
    const path = join(dir, `${compression}.tar`)
    run('mksquashfs', join(dir, 'root'), path, '-comp', compression, '-quiet', '-no-progress', '-all-root')
    result(image(dir, 'pull', path))
    assert.is(treesOf(dir, path).length, 1)
    return listing(treesOf(dir, path)[0] ?? '').join('\n')
  })
  assert.is(new Set(listings).size, 1)
  assert.match(listings[0] ?? '', /^etc d 755/)
})

/** An ISO with these files, of which a squashfs holds what a directory of its own holds. */
function isoOf(dir: string, files: Record<string, Record<string, string> | string>): string {
  const top = join(dir, 'iso')
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(top, path, '..'), { recursive: true })
    if (typeof content === 'string') {
      writeFileSync(join(top, path), content)
      continue
    }
    const root = join(dir, path.replaceAll('/', '_'))
    mkdirSync(root, { recursive: true })
    for (const [name, text] of Object.entries(content)) writeFileSync(join(root, name), text)
    run('mksquashfs', root, join(top, path), '-quiet', '-no-progress')
  }
  run('xorriso', '-as', 'mkisofs', '-quiet', '-R', '-J', '-o', join(dir, 'made.iso'), top)
  return join(dir, 'made.iso')
}

withTool('xorriso', 'the live system of an ISO is its root', (dir) => {
  const iso = isoOf(dir, { 'live/filesystem.squashfs': { a: 'live' }, 'live/vmlinuz': 'x', 'boot/x': 'x' })
  result(image(dir, 'pull', iso))
  assert.is(readFileSync(join(treesOf(dir, iso)[0] ?? '', 'a'), 'utf8'), 'live')
  assert.match(result(image(dir, 'unpack', iso, join(dir, 'out'))), /out\n$/)
  assert.is(readFileSync(join(dir, 'out/a'), 'utf8'), 'live')
})

withTool('xorriso', 'a live system of several layers is a stack', (dir) => {
  const iso = isoOf(dir, {
    'casper/minimal.squashfs': { a: 'minimal', b: 'minimal' },
    'casper/minimal.standard.squashfs': { b: 'standard' },
    'casper/minimal.standard.live.squashfs': { c: 'live' },
    'casper/install-sources.yaml': '- default: true\n  path: minimal.standard.squashfs\n',
  })
  result(image(dir, 'pull', iso))
  assert.is(treesOf(dir, iso).length, 2)
  result(image(dir, 'unpack', iso, join(dir, 'out')))
  assert.equal(
    ['a', 'b'].map((name) => readFileSync(join(dir, 'out', name), 'utf8')),
    ['minimal', 'standard'],
  )
  assert.not(existsSync(join(dir, 'out/c')))
})

withTool('xorriso', 'an ISO without a live system is refused, and one whose system is a file in a file', (dir) => {
  const none = isoOf(dir, { 'boot/grub/grub.cfg': 'x' })
  failure(image(dir, 'pull', none), /no live system in it: looked for casper\/, live\/, LiveOS\/, arch\//)
  renameSync(join(dir, 'iso'), join(dir, 'iso.none'))
  const path = 'LiveOS/squashfs.img'
  mkdirSync(join(dir, 'LiveOS_squashfs.img/LiveOS'), { recursive: true })
  writeFileSync(join(dir, 'LiveOS_squashfs.img/LiveOS/rootfs.img'), ext4(dir))
  const nested = isoOf(dir, { [path]: {} })
  failure(
    image(dir, 'pull', nested),
    /the live system is a file system \(ext4\) in the file LiveOS\/rootfs.img, which has to be mounted: .*\nhint: as root, .*--trust-image/,
  )
  assert.is(result(image(dir, 'ls', '--json')), '[]\n')
})

withTool('mkfs.ext4', 'what only the kernel reads is refused, with the way out', (dir) => {
  writeFileSync(join(dir, 'disk'), Buffer.alloc(4 << 20))
  run('mkfs.ext4', '-q', join(dir, 'disk'))
  failure(image(dir, 'pull', join(dir, 'disk')), /is a file system of the type ext4, which has to be mounted/)
})

/** A layout of umoci's: whiteouts, a directory that becomes a link, hard links across layers, file capabilities. */
function umociLayout(dir: string): string {
  const layout = join(dir, 'umoci')
  const bundle = join(dir, 'bundle')
  const rootless = asRoot ? [] : ['--rootless']
  const change = (script: string): void => {
    run('umoci', 'unpack', ...rootless, '--image', `${layout}:v1`, bundle)
    run('sh', '-euc', script, 'sh', join(bundle, 'rootfs'))
    run('umoci', 'repack', '--image', `${layout}:v1`, bundle)
    run('rm', '-rf', bundle)
  }
  run('umoci', 'init', '--layout', layout)
  run('umoci', 'new', '--image', `${layout}:v1`)
  change(`cd "$1"; mkdir -p etc usr/share/doc opt/d; echo a >etc/a; echo b >etc/b; ln etc/a usr/hard
    echo doc >usr/share/doc/x; echo d >opt/d/f; chmod 4755 etc/b; chmod 1777 opt; mkfifo etc/pipe; ln -s /etc/a etc/absolute`)
  change(`cd "$1"; rm -r usr/share/doc; rm etc/b; ln etc/a etc/again; rm -r opt; ln -s usr/share opt; echo new >usr/share/new
    ${asRoot ? 'cp /bin/busybox etc/ping; setcap cap_net_raw=ep etc/ping; setfattr -n user.note -v x etc/a 2>/dev/null || true' : ''}`)
  return layout
}

withTool('umoci', "an image of umoci's unpacks as umoci unpacks it", (dir) => {
  const layout = umociLayout(dir)
  run('umoci', 'unpack', ...(asRoot ? [] : ['--rootless']), '--image', `${layout}:v1`, join(dir, 'oracle'))
  result(image(dir, 'unpack', `oci:${layout}:v1`, join(dir, 'out')))
  assert.equal(listing(join(dir, 'out')), listing(join(dir, 'oracle/rootfs')))
  if (!asRoot) return
  assert.match(run('getcap', join(dir, 'out/etc/ping')), /cap_net_raw=ep/)
  failure(image(dir, 'unpack', `oci:${layout}:v1`, join(dir, 'out')), /is not empty/)
})

withTool('skopeo', "an image that skopeo has copied into a saved archive is the layout's", (dir) => {
  layoutOf(join(dir, 'layout'), [{ ...SIMPLE, name: 'v1' }])
  run(
    'skopeo',
    '--insecure-policy',
    '--tmpdir',
    dir,
    'copy',
    '-q',
    `oci:${dir}/layout:v1`,
    `docker-archive:${dir}/saved:app:1`,
  )
  run(
    'skopeo',
    '--insecure-policy',
    '--tmpdir',
    dir,
    'copy',
    '-q',
    `oci:${dir}/layout:v1`,
    `oci-archive:${dir}/packed:v1`,
  )
  const trees = [`oci:${dir}/layout:v1`, `${dir}/saved`, `${dir}/packed`].map((reference) => {
    result(image(dir, 'pull', reference))
    return treesOf(dir, reference)[0]
  })
  assert.is(new Set(trees).size, 1)
})

const DEBIAN = resolve(import.meta.dir, '../../dist/debian-root')
;(asRoot && existsSync(DEBIAN) ? test : test.skip)(
  'a whole Debian unpacks as it was packed (root can read all of dist/debian-root, if that was made)',
  inTemp((dir) => {
    run('tar', '--one-file-system', '--exclude=./dev/*', '-C', DEBIAN, '-cf', join(dir, 'debian.tar'), '.')
    result(image(dir, 'pull', join(dir, 'debian.tar')))
    const [tree = ''] = treesOf(dir, join(dir, 'debian.tar'))
    mkdirSync(join(dir, 'oracle'))
    run('tar', '-C', join(dir, 'oracle'), '--xattrs', '-xpf', join(dir, 'debian.tar'))
    assert.equal(listing(tree), listing(join(dir, 'oracle')))
    assert.match(result(image(dir, 'verify')), /^1 layer, 0 differences/)
  }),
)

test.run()
