/** Files are known by their content. */
import { spawnSync } from 'node:child_process'
import { gzipSync } from 'node:zlib'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SandboxError } from '../../src/errors.ts'
import { thisHost } from '../../src/host/bun.ts'
import type { Progress } from '../../src/image/image.ts'
import { mapKind } from '../../src/image/map.ts'
import { sniff } from '../../src/image/sniff.ts'
import { lateImages } from '../../src/lazy.ts'
import { inTemp } from '../helpers/nsbox.ts'

const at = (offset: number, bytes: string | number[], size = offset + 64): Buffer => {
  const file = Buffer.alloc(size)
  Buffer.from(bytes as number[]).copy(file, offset)
  return file
}

test(
  'each format is known by its bytes, whatever the name',
  inTemp((dir) => {
    const rows: [string, Buffer, string][] = [
      ['a.iso', at(0, 'hsqs'), 'squashfs'],
      ['a.tar', at(32769, 'CD001'), 'iso'],
      ['a.txt', at(257, 'ustar\0'), 'tar'],
      ['a.sqfs', at(257, 'ustar  \0'), 'tar'],
      ['b', gzipSync('x'), 'compressed'],
      ['c', at(0, [0x28, 0xb5, 0x2f, 0xfd]), 'compressed'],
      ['d', at(0, [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), 'compressed'],
      ['e', at(0, 'BZh9'), 'compressed'],
      ['f', at(0, '070701'), 'cpio'],
      ['g', at(1080, [0x53, 0xef]), 'ext4'],
      ['h', at(1024, [0xe2, 0xe1, 0xf5, 0xe0]), 'erofs'],
    ]
    for (const [name, bytes, expected] of rows) {
      writeFileSync(join(dir, name), bytes)
      assert.is(sniff(join(dir, name)), expected, name)
    }
    // A hybrid ISO has a partition table, too.
    const hybrid = at(32769, 'CD001')
    hybrid.writeUInt16LE(0xaa55, 510)
    writeFileSync(join(dir, 'hybrid'), hybrid)
    assert.is(sniff(join(dir, 'hybrid')), 'iso')
  }),
)

test(
  'a tar of the oldest format is known by its sum',
  inTemp((dir) => {
    writeFileSync(join(dir, 'file'), 'x')
    const path = join(dir, 'old')
    assert.is(spawnSync('tar', ['--format=v7', '-C', dir, '-cf', path, 'file']).status, 0)
    assert.is(sniff(path), 'tar')
  }),
)

test(
  'what is no image is refused with what it is',
  inTemp((dir) => {
    const rows: [string, string | Buffer, RegExp][] = [
      ['empty', '', /is empty/],
      ['text', 'hello', /is not an image of a known format/],
      ['elf', '\x7fELF', /is a program/],
      ['zip', 'PK\x03\x04', /zip/],
      ['qcow2', Buffer.from('QFI\xfb', 'latin1'), /qcow2/],
      ['disk', at(510, [0x55, 0xaa]), /a disk with partitions/],
      ['zeros', Buffer.alloc(70000), /is not an image of a known format/],
    ]
    for (const [name, bytes, message] of rows) {
      writeFileSync(join(dir, name), bytes)
      assert.throws(
        () => sniff(join(dir, name)),
        (error: Error) => error instanceof SandboxError && message.test(error.message),
        name,
      )
    }
    assert.throws(() => sniff(join(dir, 'missing')), /image: open: .*No such file or directory \(ENOENT\)/)
    assert.is(spawnSync('mkfifo', [join(dir, 'fifo')]).status, 0)
    assert.throws(() => sniff(join(dir, 'fifo')), /is neither a file nor a directory/)
  }),
)

test(
  'a directory is a root as it stands, and one with the files of a layout is a layout',
  inTemp((dir) => {
    const host = thisHost()
    const { findImage } = lateImages()
    const onProgress = (progress: Progress): void => assert.unreachable(progress.event)
    const want = { map: mapKind({}, host), pull: 'missing', onProgress } as const
    assert.equal(findImage(dir, want, host), {
      id: dir,
      reference: `dir:${dir}`,
      config: { env: [], labels: {} },
      lowers: [dir],
      layersAreOurs: false,
    })
    mkdirSync(join(dir, 'layout'))
    writeFileSync(join(dir, 'layout/oci-layout'), '{}')
    assert.is(sniff(join(dir, 'layout')), 'directory')
    writeFileSync(join(dir, 'layout/index.json'), '{}')
    assert.is(sniff(join(dir, 'layout')), 'oci')
    writeFileSync(join(dir, 'file'), '')
    assert.throws(() => findImage(`dir:${dir}/file`, want, host), /is not a directory|is empty/)
  }),
)

test.run()
