/** One archive becomes the tree that GNU tar makes of it, with the digest of its uncompressed bytes. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { inTemp } from '../helpers/nsbox.ts'
import { directory, file, hardLink, symlink, tarOf } from '../helpers/tar.ts'
import { eventOf, listing, namesIn, unpack } from '../helpers/unpack.ts'

const ARCHIVE = tarOf([
  directory('./', { mode: 0o755 }),
  directory('usr/', { mode: 0o2755 }),
  directory('usr/bin/', { mode: 0o555, mtime: 1_234_567_890 }),
  file('usr/bin/tool', 'a tool\n', { mode: 0o4755, mtime: 1_111_111_111 }),
  hardLink('usr/bin/other', 'usr/bin/tool'),
  symlink('bin', 'usr/bin'),
  file('bin/through-the-link', 'x'),
  symlink('absolute', '/usr/bin/tool'),
  file('implied/parent/file', ''),
  { name: 'pipe', type: '6', mode: 0o640 },
  { name: 'dev/null', type: '3', device: [1, 3] },
  hardLink('dev/also-null', 'dev/null'),
  file('name', 'long', { pax: { path: `long/${'n'.repeat(200)}/${'m'.repeat(200)}` } }),
])

const sha256 = (bytes: Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

test(
  'an archive becomes a tree with modes, times, links, and the digest of the archive',
  inTemp((dir) => {
    const result = unpack(dir, ['layer'], ARCHIVE)
    assert.is(result.status, 0, `${result.stdout}${result.stderr}`)
    const done = eventOf(result, 'done')
    assert.is(done?.digest, sha256(ARCHIVE))
    assert.is(done?.entries, 13)
    assert.is(done?.skipped, 2)
    const stat = (name: string) => lstatSync(join(result.fs, name))
    assert.is(stat('usr').mode & 0o7777, 0o2755)
    assert.is(stat('usr/bin').mode & 0o7777, 0o555)
    assert.is(stat('usr/bin').mtimeMs, 1_234_567_890_000)
    assert.is(stat('usr/bin/tool').mode & 0o7777, 0o4755)
    assert.is(stat('usr/bin/tool').mtimeMs, 1_111_111_111_000)
    assert.is(stat('usr/bin/tool').ino, stat('usr/bin/other').ino)
    assert.is(readFileSync(join(result.fs, 'usr/bin/through-the-link'), 'utf8'), 'x')
    assert.is(readlinkSync(join(result.fs, 'absolute')), '/usr/bin/tool')
    assert.is(stat('implied/parent').mode & 0o7777, 0o755)
    assert.is(stat('implied/parent').mtimeMs, 0, 'the same for everybody')
    assert.ok(stat('pipe').isFIFO())
    assert.is(stat('pipe').mode & 0o7777, 0o640)
    assert.ok(!existsSync(join(result.fs, 'dev/null')))
    assert.ok(stat(`long/${'n'.repeat(200)}/${'m'.repeat(200)}`).isFile())
  }),
)

const COMPRESSORS: readonly (readonly string[])[] = [['gzip'], ['xz', '-9'], ['zstd', '-q'], ['bzip2'], ['lz4', '-q']]

for (const [name = '', ...args] of COMPRESSORS)
  (spawnSync(name, ['--version']).error === undefined ? test : test.skip)(
    `${name}: the same tree, and the digest of what is inside`,
    inTemp((dir) => {
      const packed = spawnSync(name, [...args, '-c'], { input: ARCHIVE })
      const result = unpack(dir, ['layer'], packed.stdout)
      assert.is(eventOf(result, 'done')?.digest, sha256(ARCHIVE), String(result.stdout))
      const plain = unpack(dir, ['layer'], ARCHIVE, { target: join(dir, 'plain') })
      assert.equal(listing(result.fs), listing(plain.fs))
    }),
  )

test(
  'cat decodes, and remove takes a tree away, whatever its modes',
  inTemp((dir) => {
    const packed = spawnSync('gzip', ['-c'], { input: ARCHIVE }).stdout
    assert.equal(unpack(dir, ['cat'], packed).stdout, ARCHIVE)
    const layers = join(dir, 'layers')
    const { status } = unpack(dir, ['layer'], tarOf([directory('locked', { mode: 0 }), file('locked/file')]), {
      target: join(layers, 'one'),
    })
    assert.is(status, 0)
    const removed = unpack(dir, ['remove', 'one', 'missing'], '/dev/null', { target: layers })
    assert.equal(removed.events, [
      { event: 'removed', name: 'one' },
      { event: 'removed', name: 'missing' },
    ])
    assert.equal(namesIn(layers), [])
  }),
)

test(
  'a full disk is an error that names the file and the number',
  inTemp((dir) => {
    const result = unpack(dir, ['layer'], tarOf([file('small'), file('large', Buffer.alloc(4 << 20, 1))]), {
      flags: ['--tmpfs', '/target:size=1m'],
    })
    assert.is(result.status, 1)
    assert.equal(eventOf(result, 'error'), { event: 'error', what: 'write', entry: 'large', code: 'ENOSPC' })
  }),
)

test(
  'GNU tar makes the same tree',
  inTemp((dir) => {
    const result = unpack(dir, ['layer'], ARCHIVE)
    const oracle = join(dir, 'oracle')
    mkdirSync(oracle)
    const tar = spawnSync(
      'tar',
      ['-C', oracle, '--delay-directory-restore', '-xpf', join(dir, 'archive'), '--exclude=dev'],
      { encoding: 'utf8' },
    )
    assert.is(tar.status, 0, tar.stderr)
    const withoutTheTop = (lines: string[]) => lines.filter((line) => !/^\('(dev|implied|long)['/]/.test(line))
    assert.equal(withoutTheTop(listing(result.fs)), withoutTheTop(listing(oracle)))
  }),
)

test.run()
