/** Writes the first inputs of the fuzzers of sidecar/unpack: DIRECTORY/NAME/... for dist/fuzz/unpack-NAME. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { archive as cpioOf, directory as cpioDirectory, file as cpioFile, link as cpioLink } from '../helpers/cpio.ts'
import { directory, file, hardLink, symlink, tarOf } from '../helpers/tar.ts'

const top = process.argv[2] ?? ''

function seed(fuzzer: string, name: string, bytes: Buffer): void {
  mkdirSync(join(top, fuzzer), { recursive: true })
  writeFileSync(join(top, fuzzer, name), bytes)
}

const tar = tarOf([
  directory('./'),
  file('a', 'text', { pax: { path: 'long/name', 'SCHILY.xattr.user.note': 'x', mtime: '1.5' } }),
  hardLink('h', 'a'),
  symlink('l', '/a'),
  { name: 'p', type: '6' },
  { name: '././@LongLink', type: 'L', content: `${'n'.repeat(150)}\0` },
  file('short'),
  file('.wh.x', ''),
])
const cpio = cpioOf([cpioDirectory('bin'), cpioFile('bin/sh', 'a shell'), cpioLink('init', 'bin/sh')])

seed('archive', 'tar', tar)
seed('archive', 'cpio', cpio)
seed('cpio', 'plain', cpio)
seed('cpio', 'members', Buffer.concat([cpio, Buffer.alloc(8), gzipSync(cpio)]))
for (const [name, ...args] of [['xz'], ['zstd', '-q'], ['bzip2'], ['lz4', '-q']] as const) {
  const { stdout, error } = spawnSync(name, [...args, '-c'], { input: cpio })
  if (error === undefined) seed('cpio', name, stdout)
}

const work = mkdtempSync(join(tmpdir(), 'nsbox-'))
const tree = join(work, 'tree')
mkdirSync(join(tree, 'casper'), { recursive: true })
for (const name of ['casper/filesystem.squashfs', 'casper/list', 'other']) writeFileSync(join(tree, name), name.repeat(200))
// Without these tools the fuzzers start from nothing.
mkdirSync(join(top, 'iso'), { recursive: true })
mkdirSync(join(top, 'squashfs'), { recursive: true })
for (const compressor of ['gzip', 'xz', 'zstd', 'lz4'])
  spawnSync('mksquashfs', [tree, join(top, `squashfs/${compressor}`), '-comp', compressor, '-quiet', '-no-progress'])
const live = join(work, 'live')
mkdirSync(join(live, 'LiveOS'), { recursive: true })
for (const name of ['LiveOS/other', 'aside']) writeFileSync(join(live, name), name.repeat(200))
// Sparse, with a magic number where that of an ext4 stands: the head is in the first block.
const head = Buffer.alloc(300_000)
head.writeUInt16LE(0xef53, 1080)
mkdirSync(join(top, 'nested'), { recursive: true })
for (const [name, content] of [
  ['ext3fs.img', head.subarray(0, 3000)],
  ['rootfs.img', head],
] as const)
  for (const compressor of ['gzip', 'zstd']) {
    writeFileSync(join(live, 'LiveOS', name), content)
    const image = join(top, `nested/${name}-${compressor}`)
    spawnSync('mksquashfs', [live, image, '-noappend', '-comp', compressor, '-quiet', '-no-progress'])
  }
for (const [name, flag] of [
  ['rock-ridge', '-R'],
  ['joliet', '-J'],
] as const)
  spawnSync('xorriso', ['-as', 'mkisofs', '-quiet', '-no-pad', flag, '-o', join(top, 'iso', name), tree])
rmSync(work, { recursive: true })
