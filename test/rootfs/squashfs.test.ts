/** A root as a squashfs file, by mksquashfs. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findMksquashfs } from '../../src/rootfs/squashfs.ts'
import { build, inTemp, listing, refusal, script } from './helpers.ts'

const tools = ['/usr/bin/mksquashfs', '/usr/bin/unsquashfs'].every(
  (path) => spawnSync(path, ['-version']).error === undefined,
)

function source(dir: string): string {
  const host = join(dir, 'host')
  mkdirSync(join(host, 'x'.repeat(120)), { recursive: true })
  writeFileSync(join(host, 'x'.repeat(120), 'größe'), 'a'.repeat(200000))
  writeFileSync(join(host, 'nothing'), '')
  symlinkSync('y'.repeat(150), join(host, 'far'))
  chmodSync(join(host, 'nothing'), 0o600)
  utimesSync(join(host, 'nothing'), 1e9, 1e9)
  return host
}

const SAME = 'a squashfs file has the same root as a directory, and is the same one again, also a second later'
if (!tools) test.skip(`${SAME} (no squashfs-tools)`, () => undefined)
else
  test(
    SAME,
    inTemp((dir) => {
      const host = source(dir)
      const digest = (lines: string[]): string => /sha256:\w+/.exec(lines.join())?.[0] ?? 'none'
      const [one, two, root, unpacked] = ['1.squashfs', '2.squashfs', 'root', 'unpacked'].map((name) => join(dir, name))
      const first = digest(build('-o', one as string, 'ls', host))
      process.env['SOURCE_DATE_EPOCH'] = '12345'
      try {
        spawnSync('sleep', ['1.1'])
        assert.is(digest(build('-o', two as string, host, 'ls')), first)
      } finally {
        delete process.env['SOURCE_DATE_EPOCH']
      }
      assert.ok(readFileSync(one as string).equals(readFileSync(two as string)))
      assert.is(digest(build(root as string, 'ls', host)), first)
      const { status, stderr } = spawnSync('unsquashfs', ['-d', unpacked as string, one as string], {
        encoding: 'utf8',
      })
      assert.is(status, 0, stderr)
      const whole = (lines: string[]): string[] =>
        lines.map((line) => line.replace(/ (\d+)\d{3}(\.\d+)? (?=\d+$)/, ' $1 '))
      assert.equal(whole(listing(unpacked as string)), whole(listing(root as string)))
      assert.equal(readdirSync(dir).sort(), ['1.squashfs', '2.squashfs', 'host', 'root', 'unpacked'])
    }),
  )

test('a missing mksquashfs is named, and what would do without', () => {
  // Not where the machine has it in a directory of administrators' programs.
  const message = refusal(() => {
    const found = findMksquashfs('/none')
    throw new Error(`found ${found}`)
  })
  if (!message.startsWith('Error: found /'))
    assert.match(message, /^SandboxError: rootfs: a squashfs file is made by mksquashfs, which was not found in PATH/)
})

test(
  'a mksquashfs that fails leaves nothing, and its words are in the message',
  inTemp((dir) => {
    script(join(dir, 'mksquashfs'), '#!/bin/sh\necho "mksquashfs: -tar invalid option" >&2\nexit 1\n')
    const path = process.env['PATH']
    process.env['PATH'] = `${dir}:${path}`
    try {
      assert.match(
        refusal(() => build('-o', join(dir, 'r.squashfs'), 'ls')),
        `SandboxError: rootfs: mksquashfs ended with status 1: mksquashfs: -tar invalid option: ${dir}/r.squashfs`,
      )
    } finally {
      process.env['PATH'] = path
    }
    assert.equal(readdirSync(dir), ['mksquashfs'])
  }),
)

test.run()
