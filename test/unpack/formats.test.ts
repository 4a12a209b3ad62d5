/** Further formats of images: squashfs, an ISO image, an initial RAM disk, an archive of an image. */
import { spawnSync } from 'node:child_process'
import { lstatSync, mkdirSync, readFileSync, symlinkSync, linkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { archive as cpioOf, directory as cpioDirectory, file as cpioFile, link as cpioLink } from '../helpers/cpio.ts'
import { asRoot, inTemp } from '../helpers/nsbox.ts'
import { directory, file, symlink, tarOf } from '../helpers/tar.ts'
import { eventOf, listing, namesIn, unpack } from '../helpers/unpack.ts'

/** `test` if the programs are there; else it says that they aren't, and the test counts as skipped. */
function testWith(...programs: readonly string[]): typeof test | typeof test.skip {
  const missing = programs.filter((program) => spawnSync(program, ['--version']).error !== undefined)
  if (missing.length > 0) console.log(`skipped: not installed: ${missing.join(' ')}`)
  return missing.length > 0 ? test.skip : test
}

function run(program: string, args: readonly string[], cwd?: string): void {
  const { status, stderr, stdout } = spawnSync(program, [...args], { cwd, encoding: 'utf8' })
  assert.is(status, 0, `${program}: ${stdout}${stderr}`)
}

/** A small tree with all that a squashfs holds; devices and owners only if the caller may make them. */
function sampleTree(dir: string): string {
  const top = join(dir, 'sample')
  const put = (name: string, content: string | Buffer, mode = 0o644) => {
    mkdirSync(dirname(join(top, name)), { recursive: true })
    writeFileSync(join(top, name), content, { mode })
  }
  for (let i = 0; i < 50; i++) put(`small/${i}`, `file ${i}\n`.repeat(i))
  put('large', Buffer.alloc(700_000, 'large '))
  put('holes', Buffer.concat([Buffer.alloc(400_000), Buffer.from('end')]))
  put('bin/tool', '#!/bin/sh\n', 0o755)
  put('empty', '')
  linkSync(join(top, 'bin/tool'), join(top, 'bin/same-tool'))
  symlinkSync('/bin/tool', join(top, 'link'))
  run('mkfifo', [join(top, 'pipe')])
  run('python3', ['-c', 'import os, sys; os.setxattr(sys.argv[1], "user.note", b"kept")', join(top, 'large')])
  if (asRoot) {
    run('chown', ['33:34', join(top, 'bin/tool')])
    run('setcap', ['cap_net_raw+ep', join(top, 'bin/tool')])
    run('mknod', [join(top, 'null'), 'c', '1', '3'])
  }
  return top
}

for (const compressor of ['gzip', 'xz', 'zstd', 'lz4'])
  testWith('mksquashfs', 'unsquashfs')(
    `squashfs (${compressor}): the tree that unsquashfs makes, also at an offset`,
    inTemp((dir) => {
      const [image, oracle] = [join(dir, 'image'), join(dir, 'oracle')]
      run('mksquashfs', [sampleTree(dir), image, '-comp', compressor, '-quiet', '-no-progress'])
      run('unsquashfs', ['-no-progress', '-quiet', '-d', oracle, image])
      const result = unpack(dir, ['layer'], image)
      assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
      const withoutDevices = (lines: string[]) => lines.filter((line) => !line.startsWith("('null'"))
      assert.equal(withoutDevices(listing(result.fs)), withoutDevices(listing(oracle)))
      assert.is(eventOf(result, 'done')?.skipped, asRoot ? 1 : 0)
      writeFileSync(join(dir, 'shifted'), Buffer.concat([Buffer.alloc(66 * 2048, 1), readFileSync(image)]))
      const at = ['--format', 'squashfs', '--offset', String(66 * 2048)]
      const shifted = unpack(dir, ['layer', ...at], join(dir, 'shifted'), { target: join(dir, 'again') })
      assert.equal(listing(shifted.fs), listing(result.fs))
      const verified = unpack(dir, ['verify'], '/dev/null')
      assert.equal(eventOf(verified, 'done')?.differ, 0)
    }),
  )

testWith('xz', 'zstd')(
  'the memory for a compressed archive is what its dictionary asks for, up to a bound that is said',
  inTemp((dir) => {
    const plain = tarOf([file('a', 'text\n'.repeat(100_000))])
    // From a pipe, whose size isn't known, so that the whole window is declared.
    const compressed = (command: string): Buffer => {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', `cat | ${command}`], {
        input: plain,
        maxBuffer: 1 << 26,
      })
      assert.is(status, 0, String(stderr))
      return stdout
    }
    // The helper's address space, MiB, in which it succeeds: all of its memory is in there, used or not.
    const rows: [string, number, RegExp | undefined][] = [
      ['xz -6', 48, undefined],
      ['xz -9', 96, undefined],
      ['xz --lzma2=dict=65MiB', 1000, /^xz dictionary is larger than 64 MiB$/],
      ['zstd -q -19', 48, undefined],
      ['zstd -q --long=27', 160, undefined],
      ['zstd -q --long=28', 1000, /^zstd window is larger than 128 MiB$/],
    ]
    for (const [n, [command, space, wrong]] of rows.entries()) {
      const target = join(dir, `target${n}`)
      const result = unpack(dir, ['layer', '--format', 'tar'], compressed(command), {
        target,
        flags: ['--ulimit', `as=${space}m`],
      })
      const what = eventOf(result, 'error')?.what
      if (wrong === undefined) assert.equal([result.status, what], [0, undefined], command)
      else assert.match(String(what), wrong, command)
    }
  }),
)

testWith('mksquashfs')(
  'squashfs that is cut off or damaged is an error',
  inTemp((dir) => {
    run('mksquashfs', [sampleTree(dir), join(dir, 'image'), '-quiet', '-no-progress'])
    const whole = readFileSync(join(dir, 'image'))
    for (const [name, bytes] of Object.entries({
      cut: whole.subarray(0, whole.length / 2),
      header: whole.subarray(0, 40),
      noise: Buffer.concat([whole.subarray(0, 96), Buffer.alloc(whole.length - 96, 0xa5)]),
    })) {
      const result = unpack(dir, ['layer', '--format', 'squashfs'], bytes, { target: join(dir, name) })
      assert.is(result.status, 1, name)
      assert.match(String(eventOf(result, 'error')?.what), /squashfs/, name)
    }
  }),
)

/** The entry of NAME in a list of an uncompressed squashfs: 16 bits each for inode, number, type and length of the name. */
function entryAt(image: Buffer, name: string): number {
  const at = image.indexOf(name)
  assert.ok(at > 0 && image.indexOf(name, at + 1) < 0, name)
  return at - 8
}

testWith('mksquashfs')(
  'squashfs whose lists of names lie is an error',
  inTemp((dir) => {
    mkdirSync(join(dir, 'sample/outer-directory/inner-directory'), { recursive: true })
    for (let i = 0; i < 500; i++) writeFileSync(join(dir, `sample/outer-directory/inner-directory/${i}`), '')
    run('mksquashfs', [join(dir, 'sample'), join(dir, 'image'), '-noI', '-quiet', '-no-progress'])
    const whole = readFileSync(join(dir, 'image'))
    const [outer, inner] = [entryAt(whole, 'outer-directory'), entryAt(whole, 'inner-directory')]
    const cases: Record<string, [change: (image: Buffer) => void, what: RegExp]> = {
      'name of 65536 bytes': [(image) => image.writeUInt16LE(0xffff, inner + 6), /^squashfs is damaged$/],
      'name of 257 bytes': [(image) => image.writeUInt16LE(256, inner + 6), /^squashfs is damaged$/],
      'name beyond its list': [(image) => image.writeUInt16LE(200, outer + 6), /^squashfs is damaged$/],
      'directory in itself': [(image) => void image.copy(image, inner, outer, outer + 2), /^directory lies in itself$/],
      'name with a slash': [(image) => void image.write('../inner', inner + 8), /^name is not one of a file$/],
      'name with a NUL': [(image) => void image.write('a\0', inner + 8), /^name is not one of a file$/],
      'inode of another directory': [(image) => image.writeUInt16LE(0x1fff, inner), /^squashfs is damaged$/],
    }
    for (const [name, [change, what]] of Object.entries(cases)) {
      const image = Buffer.from(whole)
      change(image)
      const result = unpack(dir, ['layer', '--format', 'squashfs'], image, { target: join(dir, name) })
      assert.is(result.status, 1, name)
      assert.match(String(eventOf(result, 'error')?.what), what, name)
    }
  }),
)

testWith('xorriso')(
  'iso: where the files of a live system lie',
  inTemp((dir) => {
    const top = join(dir, 'disk')
    const files = {
      'casper/filesystem.squashfs': Buffer.alloc(5000, 'one'),
      'casper/a-name-that-is-longer-than-eight-and-three.manifest': Buffer.from('list\n'),
      'live/filesystem.squashfs': Buffer.from('two'),
      'LiveOS/squashfs.img': Buffer.from('three'),
      'arch/x86_64/airootfs.sfs': Buffer.from('four'),
      'boot/vmlinuz': Buffer.from('kernel'),
    }
    for (const [name, content] of Object.entries(files)) {
      mkdirSync(dirname(join(top, name)), { recursive: true })
      writeFileSync(join(top, name), content)
    }
    for (const flags of [['-rational-rock'], ['-joliet', 'on', '-rockridge', 'off'], ['-rockridge', 'off']]) {
      const image = join(dir, `image-${flags.length}${flags[0]}.iso`)
      const make = ['-as', 'mkisofs', '-quiet', '-V', 'LIVE_DISK', '-o', image]
      const how = flags[0] === '-rational-rock' ? ['-R'] : flags[0] === '-joliet' ? ['-J'] : []
      run('xorriso', [...make, ...(how[0] === '-R' ? how : ['--norock', ...how]), top])
      const result = unpack(dir, ['iso'], image)
      assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
      assert.is(eventOf(result, 'volume')?.id, 'LIVE_DISK')
      const found = result.events.filter(({ event }) => event === 'file')
      assert.is(found.length, 5)
      const bytes = readFileSync(image)
      const contents = found.map(({ offset, size }) => bytes.subarray(Number(offset), Number(offset) + Number(size)))
      const wanted = Object.entries(files).filter(([name]) => name !== 'boot/vmlinuz')
      for (const [name, content] of wanted) {
        assert.ok(
          contents.some((one) => one.equals(content)),
          `${flags[0]}: ${name}`,
        )
        if (flags[0] === '-rational-rock')
          assert.ok(
            found.some(({ path }) => path === name),
            name,
          )
      }
    }
    const none = unpack(dir, ['iso'], Buffer.alloc(100_000))
    assert.is(eventOf(none, 'error')?.what, 'is not an ISO 9660 image')
  }),
)

test(
  'cpio: an initial RAM disk of several members, plain and compressed',
  inTemp((dir) => {
    const early = cpioOf([cpioDirectory('kernel'), cpioFile('kernel/microcode.bin', 'microcode')])
    const main = cpioOf([cpioDirectory('bin'), cpioFile('bin/sh', 'a shell', 0o755), cpioLink('init', 'bin/sh')])
    const last = cpioOf([cpioFile('late', 'x')])
    const members = [
      early,
      Buffer.alloc(512),
      gzipSync(main),
      Buffer.alloc(6),
      spawnSync('xz', ['-c'], { input: last }).stdout,
    ]
    const result = unpack(dir, ['layer', '--format', 'cpio', '--whiteouts', 'none'], Buffer.concat(members))
    assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
    assert.equal(namesIn(result.fs), ['bin', 'bin/sh', 'init -> bin/sh', 'kernel', 'kernel/microcode.bin', 'late'])
    assert.is(readFileSync(join(result.fs, 'bin/sh'), 'utf8'), 'a shell')
    assert.is(lstatSync(join(result.fs, 'bin/sh')).mode & 0o7777, 0o755)
    const one = unpack(dir, ['layer'], gzipSync(main), { target: join(dir, 'one') })
    assert.equal(namesIn(one.fs), ['bin', 'bin/sh', 'init -> bin/sh'])
    for (const [name, bytes, what] of [
      ['cut', early.subarray(0, 200), /ends too early/],
      ['other', Buffer.from('something else'), /is not a cpio archive/],
    ] as const) {
      const wrong = unpack(dir, ['layer', '--format', 'cpio'], bytes, { target: join(dir, name) })
      assert.match(String(eventOf(wrong, 'error')?.what), what)
    }
  }),
)

test(
  'classify: what kind of archive it is, by its names',
  inTemp((dir) => {
    const digest = 'a1'.repeat(32)
    const kinds = {
      'docker-archive': tarOf([
        file(`${digest}.json`, '{}'),
        directory(digest),
        file(`${digest}/layer.tar`),
        file('manifest.json', '[]'),
      ]),
      'oci-archive': tarOf([
        directory('./'),
        directory('./blobs'),
        file(`./blobs/sha256/${digest}`),
        file('./index.json'),
        file('./oci-layout'),
      ]),
      tar: tarOf([directory('./'), directory('./bin'), symlink('./lib', 'usr/lib'), file('./manifest.json')]),
      cpio: cpioOf([cpioDirectory('bin')]),
      unknown: Buffer.from('neither of them'),
    }
    for (const [kind, bytes] of Object.entries(kinds))
      for (const packed of [bytes, gzipSync(bytes)])
        assert.is(eventOf(unpack(dir, ['classify'], packed), 'kind')?.kind, kind)
  }),
)

test(
  'verify: a file that was changed or removed is named',
  inTemp((dir) => {
    const { fs } = unpack(dir, ['layer'], tarOf([file('a'), file('b'), directory('d'), file('d/line\nbreak\\')]))
    assert.equal(unpack(dir, ['verify'], '/dev/null').events, [{ event: 'done', entries: 3, differ: 0 }])
    writeFileSync(join(fs, 'a'), 'x')
    writeFileSync(join(fs, 'd/line\nbreak\\'), 'x')
    assert.equal(unpack(dir, ['verify'], '/dev/null').events, [
      { event: 'differs', path: 'a' },
      { event: 'differs', path: 'd/line\nbreak\\' },
      { event: 'done', entries: 3, differ: 2 },
    ])
  }),
)

test.run()
