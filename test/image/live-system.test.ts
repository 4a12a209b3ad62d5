// runs once
/** Which files of an ISO make its live system. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { liveSystem } from '../../src/image/live-system.ts'

function chosen(paths: readonly string[], list?: string): string[] {
  const files = paths.map((path, n) => ({ path, offset: n * 2048, size: 1 + n }))
  return liveSystem(files, 'x.iso', () => list).map(({ path }) => path)
}

test('the live system of each kind of ISO is found', () => {
  const rows: [string[], string[]][] = [
    [['casper/filesystem.squashfs', 'casper/vmlinuz'], ['casper/filesystem.squashfs']],
    [['live/filesystem.squashfs', 'live/initrd.img'], ['live/filesystem.squashfs']],
    [['live/other.squashfs'], ['live/other.squashfs']],
    [['LiveOS/squashfs.img'], ['LiveOS/squashfs.img']],
    [['arch/x86_64/airootfs.sfs', 'arch/boot/x'], ['arch/x86_64/airootfs.sfs']],
    [
      [
        'casper/minimal.squashfs',
        'casper/minimal.standard.squashfs',
        'casper/minimal.standard.live.squashfs',
        'casper/minimal.de.squashfs',
      ],
      ['casper/minimal.squashfs', 'casper/minimal.standard.squashfs'],
    ],
  ]
  for (const [paths, expected] of rows) assert.equal(chosen(paths), expected)
})

test("the installer's list says which of the layered systems is meant", () => {
  const paths = ['casper/minimal.squashfs', 'casper/minimal.standard.squashfs', 'casper/install-sources.yaml']
  const list = (path: string, quote = '') =>
    `- default: false\n  id: a\n  path: minimal.standard.squashfs\n- default: true\n  id: b\n  name:\n    en: path\n  path: ${quote}${path}${quote}\n  variations:\n    v:\n      path: minimal.standard.squashfs\n`
  assert.equal(chosen(paths, list('minimal.squashfs')), ['casper/minimal.squashfs'])
  assert.equal(chosen(paths, list('minimal.squashfs', '"')), ['casper/minimal.squashfs'])
  assert.equal(chosen(paths, list('minimal.standard.squashfs')), [
    'casper/minimal.squashfs',
    'casper/minimal.standard.squashfs',
  ])
  // A list that names nothing of the ISO is as none.
  assert.equal(chosen(paths, list('../../etc/passwd')).length, 2)
  assert.equal(chosen(paths, '\0').length, 2)
})

test('an ISO without a live system is refused', () => {
  for (const paths of [
    [],
    ['boot/grub/grub.cfg'],
    ['live/vmlinuz'],
    ['casper/vmlinuz'],
    ['live/a.squashfs', 'live/b.squashfs'],
  ])
    assert.throws(() => chosen(paths), /no live system in it: looked for casper\/, live\/, LiveOS\/, arch\/: x.iso/)
})

test.run()
