/** Layers above each other: whiteouts, opaque directories, hard links to lower layers, and the stack as one tree. */
import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, inTemp } from '../helpers/nsbox.ts'
import { directory, file, hardLink, symlink, tarOf, type TarEntry } from '../helpers/tar.ts'
import { namesIn, unpack } from '../helpers/unpack.ts'

type Stack = { fs: (layer: number) => string; whiteouts: (layer: number) => string[]; flat: () => string }

/** Unpacks the layers, lowest first, each above the others. */
function stack(dir: string, layers: readonly (readonly TarEntry[])[]): Stack {
  const trees: string[] = []
  for (const [i, entries] of layers.entries()) {
    const target = join(dir, `layer-${i}`)
    const result = unpack(dir, ['layer'], tarOf(entries), { target, lowers: trees.toReversed() })
    assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
    trees.push(result.fs)
  }
  const fs = (layer: number): string => trees[layer] ?? ''
  let times = 0
  return {
    fs,
    whiteouts: (layer) =>
      namesIn(fs(layer)).filter(
        (name) => !name.includes(' -> ') && lstatSync(join(fs(layer), name)).isCharacterDevice(),
      ),
    flat: () => {
      const target = join(dir, `flat-${times++}`)
      const owners = asRoot ? [] : ['--owners', 'one']
      const result = unpack(dir, ['flatten', ...owners], '/dev/null', { target, lowers: trees.toReversed() })
      assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
      return result.fs
    },
  }
}

const BASE: readonly TarEntry[] = [
  directory('d', { mode: 0o750, mtime: 1_100_000_000 }),
  file('d/a'),
  file('d/b'),
  directory('d/sub'),
  file('d/sub/x'),
  file('top'),
  symlink('link', 'd'),
]

test(
  'a whiteout hides a file, a tree and a link of the layers below, and says nothing of its own layer',
  inTemp((dir) => {
    const before = [
      file('d/.wh.a'),
      file('d/.wh.sub'),
      file('.wh.link'),
      file('d/.wh.missing'),
      file('.wh.top'),
      file('top', 'new'),
    ]
    for (const [name, entries] of [
      ['before', before],
      ['after', before.toReversed()],
    ] as const) {
      const made = stack(mkdir(dir, name), [BASE, entries])
      assert.equal(made.whiteouts(1), ['d/a', 'd/sub', 'link'])
      assert.ok(lstatSync(join(made.fs(1), 'top')).isFile())
      assert.equal(namesIn(made.flat()), ['d', 'd/b', 'top'])
    }
  }),
)

function mkdir(dir: string, name: string): string {
  const path = join(dir, name)
  mkdirSync(path, { recursive: true })
  return path
}

test(
  'a directory that a whiteout or a file hid is new when it comes again',
  inTemp((dir) => {
    for (const [i, entries] of [
      [file('.wh.d'), directory('d'), file('d/new')],
      [directory('d'), file('d/new'), file('.wh.d')],
      [file('.wh.d'), file('d/new')],
      [file('d'), directory('d'), file('d/new')],
      [directory('d'), file('d/new'), file('d/.wh..wh..opq')],
      [file('d/.wh..wh..opq'), file('d/new'), file('d/.wh.a')],
      [file('d/sub/.wh.x'), file('d/.wh.a'), file('d/.wh..wh..opq'), file('d/new')],
    ].entries()) {
      const made = stack(mkdir(dir, String(i)), [BASE, entries])
      assert.equal(namesIn(made.flat()), ['d', 'd/new', 'link -> d', 'top'], String(i))
    }
  }),
)

test(
  'an opaque root hides all that is below, and no attribute is needed for it',
  inTemp((dir) => {
    const made = stack(dir, [BASE, [directory('d/'), file('d/sub/y'), file('.wh..wh..opq')]])
    assert.equal(namesIn(made.flat()), ['d', 'd/sub', 'd/sub/y'])
    assert.equal(made.whiteouts(1), ['d/a', 'd/b', 'd/sub/x', 'link', 'top'])
  }),
)

test(
  'whiteouts of a middle layer hide, and what comes above them is there',
  inTemp((dir) => {
    const made = stack(dir, [BASE, [file('.wh.d')], [file('d/again')]])
    assert.equal(namesIn(made.flat()), ['d', 'd/again', 'link -> d', 'top'])
  }),
)

test(
  'a directory that only lower layers speak of keeps its mode, owner and time',
  inTemp((dir) => {
    const made = stack(dir, [BASE, [file('d/new')]])
    const stat = lstatSync(join(made.fs(1), 'd'))
    assert.is(stat.mode & 0o7777, 0o750)
    assert.is(stat.mtimeMs, 1_100_000_000_000)
    assert.is(lstatSync(join(made.flat(), 'd')).mode & 0o7777, 0o750)
    const root = stack(mkdir(dir, 'root'), [[directory('./', { mode: 0o711 })], [file('f')]])
    assert.is(lstatSync(root.fs(1)).mode & 0o7777, 0o711)
  }),
)

test(
  'a hard link to a lower layer is a link to a copy there, with the same content',
  inTemp((dir) => {
    const made = stack(dir, [BASE, [hardLink('copy', 'd/a'), hardLink('through', 'link/b')]])
    const stat = (name: string) => lstatSync(join(made.fs(1), name))
    assert.is(stat('copy').ino, stat('d/a').ino)
    assert.is(stat('through').ino, stat('d/b').ino)
    assert.is(stat('d').mode & 0o7777, 0o750)
    assert.equal(namesIn(made.flat()), ['copy', 'd', 'd/a', 'd/b', 'd/sub', 'd/sub/x', 'link -> d', 'through', 'top'])
    assert.is(lstatSync(join(made.flat(), 'copy')).nlink, 2)
  }),
)

test(
  'a link of a lower layer that became a directory is one: its opaque mark leaves what it led to alone',
  inTemp((dir) => {
    const made = stack(dir, [
      BASE,
      [directory('link'), file('link/.wh..wh..opq'), file('link/.wh.a'), file('link/own')],
    ])
    assert.equal(namesIn(made.flat()), ['d', 'd/a', 'd/b', 'd/sub', 'd/sub/x', 'link', 'link/own', 'top'])
  }),
)

test.run()
