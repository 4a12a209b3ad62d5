import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { build, cc, hasCc, inTemp, listing, refusal, script } from './helpers.ts'

const merged = lstatSync('/bin').isSymbolicLink()

test(
  'bash and ls start in a root that is built for them',
  inTemp((dir) => {
    const root = join(dir, 'root')
    const lines = build(root, 'bash', 'ls')
    assert.match(lines[0] ?? '', /^\/.*\/bash and \d+ files that it needs$/)
    assert.match(lines[2] ?? '', /^\d+ files, \d+ links, \d+ bytes, sha256:[0-9a-f]{64}$/)
    assert.ok(lines.slice(3).every((line) => line.startsWith('note: ')))
    const top = readdirSync(root)
    assert.ok(
      top.every((name) => /^(bin|sbin|lib\w*|usr)$/.test(name)),
      top.join(' '),
    )
    if (process.getuid?.() !== 0) return
    const can = spawnSync('unshare', ['-m', 'chroot', '/', 'true'])
    if (can.status !== 0) return
    const run = spawnSync('unshare', ['-m', 'chroot', root, '/bin/bash', '-c', 'ls /'], {
      encoding: 'utf8',
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    })
    assert.is(run.stderr, '')
    assert.equal(run.stdout.trim().split('\n'), top.sort())
  }),
)

test(
  'links on the way are kept',
  inTemp((dir) => {
    const host = join(dir, 'host')
    mkdirSync(join(host, 'real'), { recursive: true })
    script(join(host, 'real/tool-1.2'), '#!/bin/sh\n')
    symlinkSync('tool-1.2', join(host, 'real/tool'))
    symlinkSync(join(host, 'real'), join(host, 'absolute'))
    symlinkSync('../host/absolute', join(host, 'relative'))
    const root = join(dir, 'root')
    build(root, join(host, 'relative/tool'))
    assert.is(readlinkSync(root + host + '/relative'), '../host/absolute')
    assert.is(readlinkSync(root + host + '/absolute'), join(host, 'real'))
    assert.is(readlinkSync(root + host + '/real/tool'), 'tool-1.2')
    assert.ok(lstatSync(root + host + '/real/tool-1.2').isFile())
    if (merged) assert.is(readlinkSync(join(root, 'bin')), readlinkSync('/bin'))
  }),
)

test(
  'a second run changes nothing',
  inTemp((dir) => {
    const root = join(dir, 'root')
    const first = build(root, 'bash', 'ls')
    const before = listing(root)
    assert.equal(build('--by', 'copy', root, 'bash', 'ls'), first)
    assert.equal(listing(root), before)
  }),
)

test(
  'modes are kept, setuid and setgid are not',
  inTemp((dir) => {
    const tool = script(join(dir, 'tool'), '#!/bin/sh\n')
    chmodSync(tool, 0o6751)
    for (const by of ['copy', 'hardlink']) {
      const root = join(dir, by)
      try {
        build(root, tool, '--by', by)
      } catch (error) {
        // Files on other file systems, and those of other users, can't be linked.
        assert.match((error as Error).message, /EXDEV|EPERM/)
      }
      if (existsSync(root + tool)) assert.is(statSync(root + tool).mode & 0o7777, 0o751)
    }
    assert.is(statSync(tool).mode & 0o7777, 0o6751)
  }),
)

only(hasCc)(
  'a hard link is the host file itself, and a copy takes its place',
  inTemp((dir) => {
    const tool = cc('int main(void) { return 0; }', join(dir, 'tool'), '-static')
    const root = join(dir, 'root')
    for (const again of [1, 2]) {
      build(root, tool, '--by=hardlink')
      assert.is(statSync(root + tool).ino, statSync(tool).ino, `run ${again}`)
    }
    assert.is(statSync(tool).nlink, 2)
    build(root, tool)
    assert.is.not(statSync(root + tool).ino, statSync(tool).ino)
    assert.is(statSync(tool).nlink, 1)
    try {
      build(root, tool, '--by', 'reflink')
    } catch (error) {
      assert.match((error as Error).message, /cannot make a reflink of .*ENOTSUP|EOPNOTSUPP|EXDEV|EINVAL|ENOTTY/)
    }
    assert.equal(readFileSync(root + tool), readFileSync(tool))
    assert.equal(readdirSync(join(root, dir)), ['tool'])
  }),
)

test(
  'links in DIR that are not ours are refused, and nothing is written through them',
  inTemp((dir) => {
    const outside = join(dir, 'outside')
    mkdirSync(outside)
    const tool = script(join(dir, 'tool'), '#!/bin/sh\n')
    const hostile = (name: string, prepare: (root: string) => void): void => {
      const root = join(dir, name)
      mkdirSync(root)
      prepare(root)
      assert.match(
        refusal(() => build(root, tool)),
        /^SandboxError: rootfs: something else is in the way[^\n]*$/,
        name,
      )
      assert.equal(readdirSync(outside), [], name)
    }
    hostile('forged', (root) => symlinkSync('a\nnsbox: all is well', join(root, dir.split('/')[1] ?? '')))
    hostile('usr', (root) => symlinkSync(outside, join(root, 'usr')))
    hostile('first', (root) => symlinkSync(outside, join(root, dir.split('/')[1] ?? '')))
    hostile('file', (root) => {
      mkdirSync(join(root, dir), { recursive: true })
      symlinkSync(join(outside, 'written'), root + tool)
    })
    hostile('directory', (root) => mkdirSync(root + tool, { recursive: true }))
    if (merged) hostile('bin', (root) => symlinkSync(outside, join(root, 'bin')))
    if (merged) hostile('plain', (root) => mkdirSync(join(root, 'bin')))
  }),
)

test(
  'nothing is written when something is missing',
  inTemp((dir) => {
    const root = join(dir, 'root')
    assert.match(
      refusal(() => build(root, 'ls', 'no-such-program')),
      'not found in PATH',
    )
    assert.not(existsSync(root))
    assert.match(
      refusal(() => build('/', 'ls')),
      "over the host's own",
    )
  }),
)

test(
  'a failure half-way leaves nothing that was not there before',
  inTemp((dir) => {
    const tool = script(join(dir, 'tool'), '#!/bin/sh\n')
    const elsewhere = mkdtempSync('/dev/shm/nsbox-rootfs-')
    try {
      // A hard link can't lead to another file system.
      const far = script(join(elsewhere, 'far'), '#!/bin/sh\n')
      assert.match(
        refusal(() => build(join(dir, 'new/root'), tool, far, '--by', 'hardlink')),
        /cannot make a hardlink of/,
      )
      assert.not(existsSync(join(dir, 'new')))
    } finally {
      rmSync(elsewhere, { recursive: true })
    }
    const root = join(dir, 'root')
    build(root, 'ls')
    // A file in the way of the second one.
    mkdirSync(root + tool, { recursive: true })
    const before = listing(root)
    assert.match(
      refusal(() => build(root, 'cat', tool)),
      'something else is in the way',
    )
    assert.equal(listing(root), before)
  }),
)

test(
  'extras',
  inTemp((dir) => {
    const root = join(dir, 'root')
    build(root, 'ls', '--with', 'nss,locale,terminfo')
    for (const path of ['/etc/passwd', '/etc/group', '/usr/lib/locale/C.utf8/LC_CTYPE', '/lib/terminfo/x/xterm']) {
      if (existsSync(path)) assert.ok(existsSync(root + path), path)
    }
    if (!existsSync('/etc/ssl/certs/ca-certificates.crt')) return
    build(root, 'ls', '--with=ca-certificates')
    assert.equal(
      readFileSync(root + '/etc/ssl/certs/ca-certificates.crt'),
      readFileSync('/etc/ssl/certs/ca-certificates.crt'),
    )
    assert.not(existsSync(root + '/etc/ssl/private'))
  }),
)

test(
  'the command line',
  inTemp((dir) => {
    assert.equal(build('--quiet', join(dir, 'a'), 'ls'), [])
    const usage = (...args: string[]): string => refusal(() => build(...args))
    assert.match(usage(), /^UsageError: .*DIR is missing/)
    assert.match(usage(join(dir, 'b')), /^UsageError: .*PROGRAM is missing/)
    assert.match(usage(dir, 'ls', '--by', 'magic'), "UsageError: --by: 'magic' must be one of")
    assert.match(usage(dir, 'ls', '--with', 'nss,all'), "UsageError: --with: 'all' must be one of")
    assert.match(usage(dir, 'ls', '--by'), 'UsageError: --by: the value is missing')
    assert.match(usage(dir, 'ls', '--fast'), 'UsageError: unknown option --fast')
    assert.match(
      refusal(() => build(dir, '--', '--fast')),
      'SandboxError: rootfs: program not found',
    )
    writeFileSync(join(dir, 'file'), '')
    assert.match(usage(join(dir, 'file'), 'ls'), /^SandboxError: rootfs: /)
  }),
)

function only(condition: boolean): typeof test | typeof test.skip {
  return condition ? test : test.skip
}

test.run()
