/**
 * Archives that try to reach out of their layer, as root and as a user. Whatever they hold, nothing outside of the
 * layer's tree changes, and each gets the message or the tree that stands beside it.
 */
import { existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, inTemp, treeOf } from '../helpers/nsbox.ts'
import { directory, file, hardLink, symlink, tarEntry, tarOf, type TarEntry } from '../helpers/tar.ts'
import { eventOf, namesIn, unpack, type Unpacked } from '../helpers/unpack.ts'

type Tree = {
  /** As namesIn() has them. */
  lines: string[]
  stat: (name: string) => ReturnType<typeof lstatSync>
  result: Unpacked
}
type Case = {
  title: string
  lower?: readonly TarEntry[]
  archive: readonly TarEntry[] | Buffer
  args?: readonly string[]
  /** Text that the message has to hold... */
  fails?: RegExp
  /** ...or what the tree has to be. */
  makes?: (tree: Tree) => void
}

const has =
  (...expected: string[]) =>
  ({ lines }: Tree) =>
    assert.equal(lines, expected)

const device = (name: string, numbers: [number, number], type: '3' | '4' = '3'): TarEntry => ({
  name,
  type,
  device: numbers,
})

const skips =
  (count: number, ...expected: string[]) =>
  (tree: Tree) => {
    assert.is(eventOf(tree.result, 'done')?.skipped, count)
    assert.equal(tree.lines, expected)
  }

const CASES: readonly Case[] = [
  // Names.
  { title: 'a name with ..', archive: [file('../victim/x')], fails: /name leads out of the root/ },
  { title: 'a name with .. in its middle', archive: [file('a/../../victim/x')], fails: /name leads out of the root/ },
  { title: 'a name that ends in ..', archive: [directory('a/..')], fails: /name leads out of the root/ },
  { title: 'an absolute name', archive: [file('/victim/x')], makes: has('victim', 'victim/x') },
  { title: 'an absolute name with many slashes', archive: [file('///victim//./x')], makes: has('victim', 'victim/x') },
  { title: 'an absolute name with ..', archive: [file('/../victim/x')], fails: /name leads out of the root/ },
  {
    title: 'a name that is too long',
    archive: [file('x', '', { pax: { path: Array(30).fill('n'.repeat(200)).join('/') } })],
    fails: /name of 6029 bytes is longer than 4095/,
  },
  {
    title: 'a name whose part is too long',
    archive: [file('x', '', { pax: { path: 'n'.repeat(300) } })],
    fails: /part of 300 bytes, more than 255/,
  },
  {
    title: 'a name that is too deep',
    archive: [file('x', '', { pax: { path: Array(300).fill('n').join('/') } })],
    fails: /deeper than 256 directories/,
  },
  {
    title: 'a name with a NUL ends there',
    archive: [file('x', '', { pax: { path: 'safe\0/../../victim/x' } })],
    makes: has('safe'),
  },
  { title: 'an empty name that is a file', archive: [file('', 'x', { pax: { path: '.' } })], fails: /not a directory/ },
  { title: '. as a symbolic link', archive: [symlink('.', '/victim'), file('x')], fails: /root .* not a directory/ },
  { title: './ as a hard link', archive: [file('x'), hardLink('./', 'x')], fails: /not a directory/ },
  // Symbolic links on the way.
  {
    title: 'an absolute link, then a file through it',
    archive: [symlink('l', '/victim'), file('l/through')],
    makes: has('l -> /victim', 'victim', 'victim/through'),
  },
  {
    title: 'a link up, then a file through it',
    archive: [symlink('l', '../../victim'), file('l/through')],
    makes: has('l -> ../../victim', 'victim', 'victim/through'),
  },
  {
    title: 'a link far up, then a file through it',
    archive: [symlink('l', '../../../../../../..'), file('l/victim/keep', 'mine')],
    makes: has('l -> ../../../../../../..', 'victim', 'victim/keep'),
  },
  {
    title: 'a link to /proc/self/root, then a file through it',
    archive: [symlink('l', '/proc/self/root'), file('l/victim/keep', 'mine')],
    makes: has(
      'l -> /proc/self/root',
      'proc',
      'proc/self',
      'proc/self/root',
      'proc/self/root/victim',
      'proc/self/root/victim/keep',
    ),
  },
  {
    title: 'links through links',
    archive: [symlink('a', '../victim'), symlink('b', 'a/..'), file('b/victim/keep', 'mine')],
    makes: has('a -> ../victim', 'b -> a/..', 'victim', 'victim/keep'),
  },
  {
    title: 'a link, then a file of its name',
    archive: [symlink('l', '/victim/keep'), file('l', 'mine')],
    makes: has('l'),
  },
  {
    title: 'a link, then a directory of its name with another mode',
    archive: [symlink('l', '/victim'), directory('l', { mode: 0o777 }), file('l/x')],
    makes: has('l', 'l/x'),
  },
  {
    title: 'a directory that becomes a link in between',
    archive: [directory('d'), file('d/x'), symlink('d', '/victim'), file('d/keep', 'mine')],
    makes: has('d -> /victim', 'victim', 'victim/keep'),
  },
  { title: 'links in a circle', archive: [symlink('a', 'b'), symlink('b', 'a'), file('a/x')], fails: /ELOOP/ },
  {
    title: 'more links than a path may have',
    archive: [...Array.from({ length: 60 }, (_, i) => symlink(`l${i}`, `l${i + 1}`)), directory('l60'), file('l0/x')],
    fails: /ELOOP/,
  },
  { title: 'a link that leads nowhere', archive: [symlink('l', '')], fails: /leads nowhere/ },
  { title: 'a file below a file', archive: [file('f'), file('f/x')], fails: /ENOTDIR/ },
  {
    title: 'a fifo, then a file of its name and one below it',
    archive: [{ name: 'p', type: '6' }, file('p', 'mine')],
    makes: has('p'),
  },
  {
    title: 'a full directory, then a file of its name',
    archive: [directory('d'), file('d/a'), file('d/b/c'), file('d')],
    makes: has('d'),
  },
  // Hard links.
  { title: 'a hard link up', archive: [hardLink('h', '../victim/keep')], fails: /name leads out of the root/ },
  {
    title: 'a hard link out',
    archive: [hardLink('h', '/victim/keep')],
    fails: /leads to \/victim\/keep, which is not there/,
  },
  {
    title: 'a hard link through a link',
    archive: [symlink('l', '/victim'), hardLink('h', 'l/keep')],
    fails: /leads to l\/keep, which is not there/,
  },
  {
    title: 'a hard link to a link, then a file of its name',
    archive: [symlink('l', '/victim/keep'), hardLink('h', 'l'), file('h', 'mine')],
    makes: has('h', 'l -> /victim/keep'),
  },
  {
    title: 'a hard link to a link, with content',
    archive: [symlink('l', '/victim/keep'), { ...hardLink('h', 'l'), pax: { size: '4' }, content: 'mine' }],
    makes: has('h -> /victim/keep', 'l -> /victim/keep'),
  },
  {
    title: 'a hard link to a directory',
    archive: [directory('d'), hardLink('h', 'd')],
    fails: /leads to the directory d/,
  },
  { title: 'a hard link to itself', archive: [file('f'), hardLink('f', 'f')], makes: has('f') },
  {
    title: 'a hard link of the pax header up',
    archive: [{ ...hardLink('h', 'x'), pax: { linkpath: '../victim/keep' } }],
    fails: /leads out of the root/,
  },
  // Devices, modes and attributes.
  { title: 'devices', archive: [device('null', [1, 3]), device('sda', [8, 0], '4')], makes: skips(2) },
  { title: 'a device 0:0, which is a whiteout', lower: [file('f')], archive: [device('f', [0, 0])], makes: skips(1) },
  { title: 'a hard link to a device', archive: [device('null', [1, 3]), hardLink('h', 'null')], makes: skips(2) },
  {
    title: 'a set-user-id program stays one',
    archive: [file('su', '', { mode: 0o6755 })],
    makes: ({ stat }) => assert.is(Number(stat('su')?.mode) & 0o7777, 0o6755),
  },
  {
    title: "attributes for the kernel's overlay, and of security modules",
    archive: [
      directory('d', {
        pax: {
          'SCHILY.xattr.trusted.overlay.redirect': '/victim',
          'SCHILY.xattr.user.overlay.redirect': '/victim',
          'SCHILY.xattr.user.overlay.opaque': 'y',
          'SCHILY.xattr.security.selinux': 'x',
        },
      }),
    ],
    makes: skips(4, 'd'),
  },
  {
    title: 'an owner that is no id',
    archive: [file('f', '', { pax: { uid: '4294967295' } })],
    fails: /owner 4294967295 is not an id/,
  },
  {
    title: 'an owner that would be cut to root',
    archive: [file('f', '', { pax: { uid: '4294967296' } })],
    fails: /owner 4294967296 is not an id/,
  },
  // Whiteouts.
  { title: 'a whiteout of ..', archive: [file('.wh...')], fails: /whiteout has no name/ },
  { title: 'a whiteout of .', archive: [file('.wh..')], fails: /whiteout has no name/ },
  { title: 'a whiteout of nothing', archive: [file('d/.wh.')], fails: /whiteout has no name/ },
  { title: 'a file below a whiteout', archive: [file('.wh.d/x')], fails: /leads through a whiteout/ },
  { title: 'names that are reserved', archive: [file('.wh..wh.plnk/1'), file('.wh..wh.aufs')], makes: skips(2) },
  {
    title: 'a whiteout through a link of a lower layer',
    lower: [directory('share'), file('share/f'), symlink('l', 'share')],
    archive: [file('l/.wh.f')],
    makes: has(),
  },
  {
    title: 'a whiteout through a link of its own layer',
    lower: [directory('share'), file('share/f'), directory('opt'), file('opt/f')],
    archive: [symlink('opt', 'share'), file('opt/.wh.f')],
    makes: has('opt -> share'),
  },
  {
    title: 'an opaque directory through a link of a lower layer',
    lower: [directory('share'), file('share/f'), symlink('l', '/share')],
    archive: [file('l/.wh..wh..opq')],
    makes: has(),
  },
  {
    title: 'a whiteout with .. on its way',
    lower: [file('f')],
    archive: [file('d/../.wh.f')],
    fails: /leads out of the root/,
  },
  // Two layers.
  {
    title: 'a link of a lower layer, then a file through it',
    lower: [symlink('l', '/victim')],
    archive: [file('l/through')],
    makes: has('victim', 'victim/through'),
  },
  {
    title: 'a link up of a lower layer, then a file through it',
    lower: [symlink('l', '../../../victim')],
    archive: [file('l/keep', 'mine')],
    makes: has('victim', 'victim/keep'),
  },
  {
    title: 'a hard link through a link of a lower layer',
    lower: [symlink('l', '../../victim')],
    archive: [hardLink('h', 'l/keep')],
    fails: /leads to l\/keep, which is not there/,
  },
  {
    title: 'a hard link to a link of a lower layer, then its file',
    lower: [symlink('l', '/victim/keep')],
    archive: [hardLink('h', 'l'), file('h', 'mine')],
    makes: has('h', 'l -> /victim/keep'),
  },
  // Bombs and damage.
  {
    title: 'a file that says it has 8 TiB',
    archive: [
      file('f', 'x', {
        pax: { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '8796093022208' },
      }),
    ],
    fails: /holds more than 68719476736 bytes|damaged/,
  },
  { title: 'a negative size', archive: [file('f', 'x', { pax: { size: '-1' } })], fails: /size of|damaged/ },
  {
    title: 'a bomb of zeros',
    archive: gzipSync(Buffer.alloc(3 << 20)),
    args: ['--max-bytes', '1048576'],
    fails: /archive is larger than 1048576 bytes when it is uncompressed|damaged/,
  },
  {
    title: 'a file larger than the limit',
    archive: [file('f', Buffer.alloc(2 << 20))],
    args: ['--max-bytes', '1048576'],
    fails: /more than 1048576 bytes/,
  },
  {
    title: 'more entries than the limit',
    archive: Array.from({ length: 20 }, (_, i) => file(`f${i}`)),
    args: ['--max-entries', '10'],
    fails: /more than 10 entries/,
  },
  {
    title: 'an archive that ends in a header',
    archive: tarEntry(file('f')).subarray(0, 300),
    fails: /damaged|Truncated/,
  },
  {
    title: 'an archive that ends in a file',
    archive: tarEntry(file('f', Buffer.alloc(9000))).subarray(0, 3000),
    fails: /damaged/,
  },
  {
    title: 'a header whose sum is wrong',
    archive: Buffer.from(tarEntry(file('f')).fill(0x41, 0, 3)),
    fails: /damaged/,
  },
  { title: 'a name of 2 GiB', archive: [{ name: 'x', type: 'L', size: 2 ** 31, content: 'x' }], fails: /damaged/ },
  {
    title: 'something that is no archive',
    archive: Buffer.from('#!/bin/sh\necho hello\n'.repeat(100)),
    fails: /damaged/,
  },
]

/** Kernels before 5.6 have no openat2. */
const KERNELS = [
  { kernel: '', wrapper: [] },
  { kernel: ' (without openat2)', wrapper: [join(BIN, 'deny'), 'openat2', '--'] },
]

for (const { title, lower, archive, args = [], fails, makes, kernel, wrapper } of CASES.flatMap((one) =>
  KERNELS.map((way) => ({ ...one, ...way })),
))
  test(
    `hostile: ${title}${kernel}`,
    inTemp((dir) => {
      const lowers: string[] = []
      if (lower !== undefined) {
        const below = unpack(dir, ['layer'], tarOf(lower), { target: join(dir, 'lower') })
        assert.is(below.status, 0, String(below.stdout))
        lowers.push(below.fs)
      }
      // All that the box can see besides the layer.
      const victims = [join(dir, 'unpack-root/victim'), join(dir, 'target/victim')]
      for (const victim of victims) {
        mkdirSync(victim, { recursive: true })
        writeFileSync(join(victim, 'keep'), 'unharmed')
      }
      const outside = () => [...victims.map(treeOf), ...lowers.map((lower) => namesIn(lower))]
      const before = outside()
      const bytes = Buffer.isBuffer(archive) ? archive : tarOf(archive)
      const result = unpack(dir, ['layer', ...args], bytes, { lowers, wrapper })
      assert.equal(outside(), before)
      if (fails !== undefined) {
        assert.is(result.status, 1, `${result.stdout}${result.stderr}`)
        const error = eventOf(result, 'error')
        assert.match(`${String(error?.what)} ${String(error?.code)}`, fails)
        return
      }
      assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
      const at = (name: string) => join(result.fs, name)
      makes?.({ lines: namesIn(result.fs), stat: (name) => lstatSync(at(name)), result })
    }),
  )

test(
  'compressed data that is cut off or followed by something else is an error, whatever was unpacked before',
  inTemp((dir) => {
    const whole = gzipSync(tarOf([file('f', Buffer.alloc(100_000, 'text'))]))
    const cut = unpack(dir, ['layer'], whole.subarray(0, whole.length / 2), { target: join(dir, 'cut') })
    assert.is(eventOf(cut, 'error')?.what, 'gzip data ends too early')
    const more = unpack(dir, ['layer'], Buffer.concat([whole, Buffer.from('more')]), { target: join(dir, 'more') })
    assert.is(eventOf(more, 'error')?.what, 'there is something behind the compressed data')
    const broken = Buffer.from(whole)
    broken.fill(0xff, whole.length / 2, whole.length / 2 + 30)
    const damaged = unpack(dir, ['layer'], broken, { target: join(dir, 'broken') })
    assert.is(eventOf(damaged, 'error')?.what, 'gzip data is damaged')
    const twice = unpack(dir, ['layer'], gzipSync(whole), { target: join(dir, 'twice') })
    assert.match(String(eventOf(twice, 'error')?.what), /archive is damaged/)
    assert.ok(!existsSync(join(twice.fs, 'f')))
  }),
)

test.run()
