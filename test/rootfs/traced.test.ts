/** What of a command's files gets into a root, and what doesn't. */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { buildRoot } from '../../src/rootfs/build.ts'
import { noticeLine } from '../../src/rootfs/report.ts'
import type { Use } from '../../src/rootfs/use.ts'
import { asRoot } from '../helpers/nsbox.ts'
import { inVarTmp, script } from './helpers.ts'

const used = (path: string, more: Partial<Use> = {}): Use => ({
  ...{ kind: 'open' as const, path, follow: true, found: true, changed: false },
  ...more,
})

/** Builds a root of these uses alone; returns the lines of its report. */
function built(root: string, uses: Use[]): string[] {
  const traced = { command: ['a'], uses, status: 0, timedOut: false, foreign: [], readOnly: [], tooLong: false }
  const { found } = buildRoot({ dir: root, named: [] }, {}, '/', traced)
  return found.notices.map(noticeLine)
}

test(
  'files, links on the way, looked-at directories and the interpreters of executed scripts are in the root',
  inVarTmp((dir) => {
    mkdirSync(join(dir, 'real/empty'), { recursive: true })
    writeFileSync(join(dir, 'real/data'), 'data')
    symlinkSync('real', join(dir, 'link'))
    symlinkSync('data', join(dir, 'real/to-data'))
    script(join(dir, 'real/run'), '#!/bin/sh\n')
    const root = join(dir, 'root')
    built(root, [
      used(join(dir, 'link/../link/to-data'), { real: join(dir, 'real/data') }),
      used(join(dir, 'real/empty'), { kind: 'look' }),
      used(join(dir, 'link/run'), { kind: 'run' }),
      used(join(dir, 'real/new/made'), { kind: 'make' }),
      used(join(dir, 'real/none'), { found: false }),
    ])
    const inside = join(root, dir)
    assert.is(readlinkSync(join(inside, 'link')), 'real')
    assert.is(readlinkSync(join(inside, 'real/to-data')), 'data')
    assert.is(readFileSync(join(inside, 'real/data'), 'utf8'), 'data')
    assert.ok(existsSync(join(inside, 'real/empty')))
    assert.ok(existsSync(join(inside, 'real/run')))
    assert.ok(existsSync(join(root, 'bin/sh')))
    assert.not.ok(existsSync(join(inside, 'real/new')))
  }),
)

test(
  'a link that was only looked at is a link in the root, without what it leads to',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'data'), 'data')
    symlinkSync('data', join(dir, 'link'))
    symlinkSync('nothing', join(dir, 'dangling'))
    const root = join(dir, 'root')
    built(root, [
      used(join(dir, 'link'), { kind: 'look', follow: false }),
      used(join(dir, 'dangling'), { kind: 'look', follow: false }),
    ])
    assert.is(readlinkSync(join(root, dir, 'link')), 'data')
    assert.is(readlinkSync(join(root, dir, 'dangling')), 'nothing')
    assert.not.ok(existsSync(join(root, dir, 'data')))
  }),
)

test(
  'nothing of /proc, /sys, /dev, /run and /tmp is copied, and a line names what was used',
  inVarTmp((dir) => {
    // Root and a user run this at once.
    const file = `/tmp/nsbox-traced-${process.pid}`
    writeFileSync(file, 'x')
    try {
      symlinkSync(file, join(dir, 'link'))
      const root = join(dir, 'root')
      const lines = built(root, [
        used('/proc/123/status'),
        used('/dev/null'),
        used('/dev/../dev/urandom'),
        used(file),
        used('/tmp/nsbox-made-by-the-command'),
        used(join(dir, 'link')),
      ])
      assert.equal(spawnSync('ls', ['-A', join(root, 'proc'), join(root, 'dev'), join(root, 'tmp')]).status, 0)
      for (const name of ['proc', 'dev', 'tmp'])
        assert.is(spawnSync('ls', ['-A', join(root, name)], { encoding: 'utf8' }).stdout, '')
      const line = (name: string) => lines.find((text) => text.includes(`empty /${name}`)) ?? 'none'
      assert.match(line('proc'), '/proc/PID/status')
      assert.match(line('dev'), '/dev/null, /dev/urandom')
      assert.match(line('tmp'), `empty /tmp: ${file}, /tmp (--tmpfs /tmp)`)
    } finally {
      spawnSync('rm', [file])
    }
  }),
)

test(
  'a path that leads elsewhere than when it was opened brings the file that was opened, and not the other one',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'secret'), 'secret')
    writeFileSync(join(dir, 'own'), 'own')
    symlinkSync('secret', join(dir, 'swapped'))
    const root = join(dir, 'root')
    const lines = built(root, [used(join(dir, 'swapped'), { real: join(dir, 'own') })])
    assert.match(
      lines.join('\n'),
      `note: leads elsewhere than when it was opened, and is not in the root: ${dir}/swapped`,
    )
    assert.equal(readdirSync(join(root, dir)), ['own'])
  }),
)

test(
  'a file that was opened and is another one by now brings nothing',
  inVarTmp((dir) => {
    writeFileSync(join(dir, 'secret'), 'secret')
    symlinkSync('secret', join(dir, 'opened'))
    const root = join(dir, 'root')
    built(root, [used(join(dir, 'gone'), { real: join(dir, 'opened') })])
    assert.not.ok(existsSync(join(root, dir)))
  }),
)

test(
  'a process with another user brings what it opened, and what all may read, and not what it only found',
  inVarTmp((dir) => {
    for (const [name, mode] of [
      ['opened', 0o600],
      ['public', 0o644],
      ['found', 0o640],
      ['executed', 0o711],
    ] as const) {
      writeFileSync(join(dir, name), name)
      chmodSync(join(dir, name), mode)
    }
    const root = join(dir, 'root')
    const lines = built(root, [
      used(join(dir, 'opened'), { changed: true, real: join(dir, 'opened') }),
      used(join(dir, 'opened'), { changed: true, kind: 'look' }),
      used(join(dir, 'public'), { changed: true, kind: 'look' }),
      used(join(dir, 'found'), { changed: true, kind: 'look' }),
      used(join(dir, 'executed'), { changed: true, kind: 'run' }),
    ])
    const names = spawnSync('ls', [join(root, dir)], { encoding: 'utf8' })
      .stdout.trim()
      .split('\n')
    assert.equal(names, ['opened', 'public'])
    assert.match(lines.join('\n'), 'may not have been able to read it, and is not in the root: ')
  }),
)

test(
  'what cannot be copied is named: sockets and FIFOs, names that are not UTF-8, what we may not read',
  inVarTmp((dir) => {
    spawnSync('mkfifo', [join(dir, 'fifo')])
    writeFileSync(join(dir, 'closed'), 'closed')
    chmodSync(join(dir, 'closed'), 0)
    writeFileSync(join(dir, 'open'), 'open')
    const lines = built(join(dir, 'root'), [
      used(join(dir, 'fifo')),
      used(`${dir}/\udcff`),
      used(join(dir, 'closed')),
      used(join(dir, 'open')),
    ]).join('\n')
    assert.match(lines, 'is a socket, FIFO or device, and is not in the root: ')
    assert.match(lines, 'has a name that is not UTF-8, and is not in the root: ')
    if (!asRoot) assert.match(lines, 'cannot be read, and is not in the root (EACCES): ')
    assert.ok(existsSync(join(dir, 'root', dir, 'open')))
  }),
)

test(
  'what a command finds in the root that is being built is not put into it again',
  inVarTmp((dir) => {
    const root = join(dir, 'root')
    mkdirSync(root)
    writeFileSync(join(root, 'file'), 'x')
    built(root, [used(join(root, 'file')), used('/bin/sh')])
    assert.not.ok(existsSync(join(root, dir)))
  }),
)

test.run()
