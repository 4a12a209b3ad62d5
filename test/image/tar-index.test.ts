// runs once
/** Indexes of the tars around images. */
import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { openFile, readRange, type Range } from '../../src/image/ranges.ts'
import { indexTar, type Member } from '../../src/image/tar-index.ts'
import { inTemp } from '../helpers/nsbox.ts'
import { tarEntry, tarOf } from '../helpers/tar.ts'

function indexed(dir: string, bytes: Buffer, body: (members: Map<string, Member>) => void): void {
  writeFileSync(join(dir, 'a.tar'), bytes)
  const range = openFile(join(dir, 'a.tar'), { link: false })
  try {
    body(indexTar(range, 'a.tar'))
  } finally {
    closeSync(range.fd)
  }
}

const LONG = `${'d'.repeat(90)}/${'e'.repeat(120)}/file`

for (const format of ['gnu', 'pax', 'ustar'])
  test(
    `names, places and sizes in a tar of GNU tar's (${format})`,
    inTemp((dir) => {
      const long = format === 'ustar' ? 'd'.repeat(90) : LONG
      for (const [name, text] of [
        ['short', 'one'],
        [long, 'two'],
        ['empty', ''],
      ] as const) {
        mkdirSync(join(dir, 'in', name, '..'), { recursive: true })
        writeFileSync(join(dir, 'in', name), text)
      }
      symlinkSync('short', join(dir, 'in/link'))
      assert.is(
        spawnSync('tar', [`--format=${format}`, '-C', join(dir, 'in'), '-cf', join(dir, 'made'), '.']).status,
        0,
      )
      indexed(dir, readFileSync(join(dir, 'made')), (members) => {
        const text = (name: string) => String(readRange(members.get(name) as Range, 100, name))
        assert.equal([text('short'), text(long), text('empty')], ['one', 'two', ''])
        assert.equal(members.get('link'), { link: 'short' })
        assert.is(members.size, 4)
      })
    }),
  )

test(
  'a size in base 256 or in a pax header counts',
  inTemp((dir) => {
    const header = tarEntry({ name: 'large', content: 'xyz' })
    header.fill(0, 124, 136)
    header[124] = 0x80
    header[135] = 3
    header.write(' '.repeat(8), 148)
    const sum = header.subarray(0, 512).reduce((all, byte) => all + byte, 0)
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
    indexed(dir, Buffer.concat([header, Buffer.alloc(1024)]), (members) =>
      assert.is(String(readRange(members.get('large') as Range, 9, 'x')), 'xyz'),
    )
    const pax = tarOf([{ name: 'a', content: 'xyz', size: 0, pax: { size: '3', path: 'b/./c' } }])
    indexed(dir, pax, (members) => assert.is(String(readRange(members.get('b/c') as Range, 9, 'x')), 'xyz'))
  }),
)

test(
  'what no honest program writes is refused',
  inTemp((dir) => {
    const good = tarOf([{ name: 'a', content: 'x' }])
    const broken = Buffer.from(good)
    broken[0] = 0x62
    const rows: [Buffer, RegExp][] = [
      [broken, /wrong sum/],
      [good.subarray(0, 700), /ends too early/],
      [good.subarray(0, 300), /ends too early/],
      [tarOf([{ name: 'a', content: 'x', size: 2 ** 32 }]), /ends too early/],
      [tarOf([{ name: '../a', content: 'x' }]), /\.\./],
      [tarOf([{ name: 'a/../b', content: 'x' }]), /\.\./],
      [tarOf([{ name: 'a', content: 'x', pax: { path: '../../b' } }]), /\.\./],
      [tarOf([{ name: 'a' }, { name: './a' }]), /two members of one name/],
      [tarOf([{ name: 'a', pax: { size: '-1' } }]), /broken extended header/],
      [tarOf([{ name: 'a', pax: { size: '1e3' } }]), /broken extended header/],
      [tarOf([{ name: 'a', pax: { 'GNU.sparse.major': '1' } }]), /sparse/],
      [tarOf([{ name: 'a', type: 'S' }]), /sparse/],
      [tarOf([{ name: 'x', type: 'x', content: '9999999 path=a\n' }]), /broken extended header/],
      [tarOf([{ name: 'x', type: 'x', content: '0 path=a\n' }]), /broken extended header/],
      [tarOf([{ name: 'x', type: 'L', content: Buffer.alloc(2 << 20, 0x61) }]), /larger than/],
      [tarOf(Array.from({ length: 20002 }, (_, n) => ({ name: `f${n}` }))), /more than 20000 members/],
    ]
    for (const [n, [bytes, message]] of rows.entries())
      assert.throws(() => indexed(dir, bytes, () => {}), message, `row ${n}`)
  }),
)

test(
  'links and special files are no archives',
  inTemp((dir) => {
    writeFileSync(join(dir, 'file'), 'x')
    symlinkSync('file', join(dir, 'link'))
    assert.throws(() => openFile(join(dir, 'link'), { link: false }), /Symbolic link loop/)
    closeSync(openFile(join(dir, 'link'), { link: true }).fd)
    assert.is(spawnSync('mkfifo', [join(dir, 'fifo')]).status, 0)
    assert.throws(() => openFile(join(dir, 'fifo'), { link: true }), /is not a regular file/)
    const fd = openSync(join(dir, 'file'), 'r')
    assert.throws(() => readRange({ fd, offset: 0, size: 5 }, 9, 'x'), /ends too early/)
    closeSync(fd)
  }),
)

test.run()
