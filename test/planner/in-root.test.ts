/** Files of a box that the front end reads: from a root that may be hostile, and never from outside of it. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { SandboxError } from '../../src/errors.ts'
import { BoxFiles } from '../../src/planner/in-root.ts'
import { host } from './machine.ts'
import type { Mount, Root } from '../../src/plan/types.ts'
import { asRoot, BIN, execute, inTemp } from '../helpers/nsbox.ts'
import { whiteout } from '../helpers/image.ts'

const PASSWD = '/etc/passwd'

const directory = (path: string): Root => ({ type: 'directory', path })
const read = (root: Root, path = PASSWD, mounts: readonly Mount[] = []) =>
  BoxFiles.with(root, mounts, host(), (files) => files.read(path))
const failure = (body: () => unknown, message: RegExp) =>
  assert.throws(body, (error: unknown) => error instanceof SandboxError && message.test(error.message))
const descriptors = () => readdirSync('/proc/self/fd').length

/** A root with the directories, and a file outside of it. */
function rootIn(dir: string, ...names: string[]): { root: string; outside: string } {
  const [root, outside] = [join(dir, 'root'), join(dir, 'outside')]
  for (const name of ['etc', ...names]) mkdirSync(join(root, name), { recursive: true })
  mkdirSync(join(outside, 'etc'), { recursive: true })
  writeFileSync(join(outside, 'etc/passwd'), 'outside\n')
  return { root, outside }
}

test(
  'a file is read through links that stay in the root, absolute ones too',
  inTemp((dir) => {
    const { root } = rootIn(dir, 'usr/lib/names', 'data')
    writeFileSync(join(root, 'usr/lib/names/passwd'), 'inside\n')
    symlinkSync('usr/lib', join(root, 'lib'))
    symlinkSync('/lib/names/../names/./passwd', join(root, 'etc/passwd'))
    assert.is(read(directory(root)), 'inside\n')
    symlinkSync('../../../../../../etc/passwd', join(root, 'data/up'))
    assert.is(read(directory(root), '/data/up'), 'inside\n')
    assert.is(read(directory(root), '/data/none'), undefined)
    assert.is(read(directory(root), '/etc/passwd/x'), undefined)
    assert.is(read(directory(join(dir, 'root/etc')), '/passwd'), undefined)
  }),
)

test(
  'CVE-2024-9676: no link leads out of the root',
  inTemp((dir) => {
    const { root, outside } = rootIn(dir, 'a', 'proc')
    const links: [string, string][] = [
      [join(outside, 'etc/passwd'), 'absolute'],
      [`../..${outside}/etc/passwd`, 'upwards'],
      ['/proc/self/root/etc/passwd', 'magic'],
      ['/dev/fd/0', 'descriptor'],
      [`/proc/${process.pid}/root/etc/hostname`, 'process'],
    ]
    for (const [to, name] of links) {
      symlinkSync(to, join(root, 'etc', name))
      assert.is(read(directory(root), `/etc/${name}`), undefined, name)
    }
    renameSync(join(root, 'etc'), join(root, 'old'))
    symlinkSync(join(outside, 'etc'), join(root, 'etc'))
    assert.is(read(directory(root)), undefined)
    symlinkSync('b', join(root, 'a/c'))
    symlinkSync('c', join(root, 'a/b'))
    failure(() => read(directory(root), '/a/b'), /^user: read: .*\/root\/a\/b: Symbolic link loop \(ELOOP\)$/)
  }),
)

test(
  'only regular files are opened, and no more of them than the limit',
  inTemp((dir) => {
    const { root } = rootIn(dir)
    const path = join(root, 'etc/passwd')
    const refused = (make: string, ...args: string[]) => {
      assert.is(execute(make, args).status, 0)
      failure(() => read(directory(root)), /^user: is not a regular file: .*\/root\/etc\/passwd$/)
      execute('rm', ['-r', path])
    }
    // Opening a FIFO without a writer would block for ever, and so would this test.
    refused('mkfifo', path)
    refused('mkdir', path)
    refused('python3', '-c', 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])', path)
    // Reading from /dev/zero would never end.
    if (asRoot) refused('mknod', path, 'c', '1', '5')
    writeFileSync(path, 'x'.repeat(1048576))
    assert.is(read(directory(root))?.length, 1048576)
    writeFileSync(path, 'x'.repeat(1048577))
    failure(() => read(directory(root)), /^user: has 1048577 bytes, and nsbox reads at most 1048576: .*\/etc\/passwd$/)
    if (!asRoot) {
      chmodSync(path, 0)
      writeFileSync(join(root, 'etc/group'), '')
      chmodSync(join(root, 'etc/group'), 0)
      failure(() => read(directory(root), '/etc/group'), /^user: read: .*: Permission denied \(EACCES\)$/)
    }
  }),
)

test(
  'a name that leads elsewhere the next moment never leads out',
  inTemp(async (dir) => {
    const { root, outside } = rootIn(dir)
    writeFileSync(join(root, 'etc/passwd'), 'inside\n')
    symlinkSync(join(outside, 'etc'), join(root, 'link'))
    const flip = spawn(join(BIN, 'flip'), [join(root, 'etc'), join(root, 'link')])
    try {
      const seen = new Set<string | undefined>()
      const end = Date.now() + 20000
      while (Date.now() < end && seen.size < 2) seen.add(read(directory(root)))
      for (let n = 0; n < 3000; n++) seen.add(read(directory(root)))
      assert.equal([...seen].sort(), ['inside\n', undefined])
    } finally {
      flip.kill()
      await new Promise((done) => flip.on('close', done))
    }
  }),
)

test(
  'layers are seen as the kernel merges them: the topmost file, whiteouts, a file above a directory',
  inTemp((dir) => {
    const layers = ['top', 'middle', 'bottom'].map((name) => join(dir, name))
    const [top = '', middle = '', bottom = ''] = layers
    for (const layer of layers) mkdirSync(join(layer, 'etc'), { recursive: true })
    const root: Root = { type: 'layers', lowers: layers }
    writeFileSync(join(bottom, 'etc/passwd'), 'bottom\n')
    writeFileSync(join(bottom, 'etc/group'), 'bottom\n')
    assert.is(read(root), 'bottom\n')
    writeFileSync(join(middle, 'etc/passwd'), 'middle\n')
    assert.is(read(root), 'middle\n')
    whiteout(join(top, 'etc/passwd'))
    assert.is(read(root), undefined)
    assert.is(read(root, '/etc/group'), 'bottom\n')
    // A link of one layer leads to what all of them show.
    symlinkSync('/etc/group', join(middle, 'names'))
    assert.is(read(root, '/names'), 'bottom\n')
    // A directory that was removed in one layer, and made again above it, doesn't show what was in it.
    mkdirSync(join(bottom, 'data'))
    writeFileSync(join(bottom, 'data/old'), '')
    whiteout(join(middle, 'data'))
    mkdirSync(join(top, 'data'))
    assert.is(read(root, '/data/old'), undefined)
    assert.is(read({ type: 'layers', lowers: [bottom] }, '/data/old'), '')
    // A file in the place of a directory hides what lies below, and a directory above a file is a directory alone.
    writeFileSync(join(top, 'file'), 'top\n')
    mkdirSync(join(bottom, 'file'))
    assert.is(read(root, '/file'), 'top\n')
    mkdirSync(join(top, 'other'))
    writeFileSync(join(middle, 'other'), '')
    mkdirSync(join(bottom, 'other'))
    writeFileSync(join(bottom, 'other/x'), '')
    assert.is(read(root, '/other/x'), undefined)
  }),
)

test(
  'changes that an overlay keeps come first',
  inTemp((dir) => {
    const { root } = rootIn(dir)
    const state = join(dir, 'state')
    writeFileSync(join(root, 'etc/passwd'), 'lower\n')
    mkdirSync(state)
    assert.is(read({ type: 'layers', lowers: [root], state }), 'lower\n')
    mkdirSync(join(state, 'upper/etc'), { recursive: true })
    writeFileSync(join(state, 'upper/etc/passwd'), 'upper\n')
    assert.is(read({ type: 'layers', lowers: [root], state }), 'upper\n')
    assert.is(
      read(directory('/'), '/names/passwd', [{ type: 'overlay', target: '/names', lower: join(root, 'etc'), state }]),
      'lower\n',
    )
  }),
)

test(
  'mounts count, in their order, wherever links in the root put them',
  inTemp((dir) => {
    const { root, outside } = rootIn(dir)
    writeFileSync(join(root, 'etc/passwd'), 'root\n')
    symlinkSync('etc', join(root, 'alias'))
    const other = join(outside, 'etc/passwd')
    const seen = (...mounts: Mount[]) => read(directory(root), PASSWD, mounts)
    assert.is(seen({ type: 'bind', source: other, target: '/etc/passwd' }), 'outside\n')
    assert.is(seen({ type: 'bind', source: join(outside, 'etc'), target: '/etc' }), 'outside\n')
    assert.is(seen({ type: 'bind', source: other, target: '/alias/passwd' }), 'outside\n')
    assert.is(seen({ type: 'bind', source: other, target: '/etc/../alias/./passwd' }), 'outside\n')
    assert.is(seen({ type: 'file', source: other, text: 'more\n', target: PASSWD }), 'outside\nmore\n')
    assert.is(seen({ type: 'file', text: 'text\n', target: PASSWD }), 'text\n')
    assert.is(seen({ type: 'mask', target: PASSWD }), undefined)
    assert.is(seen({ type: 'tmpfs', target: '/etc' }), undefined)
    assert.is(seen({ type: 'dir', target: '/etc' }), 'root\n')
    assert.is(seen({ type: 'tmpfs', target: '/etc' }, { type: 'bind', source: other, target: PASSWD }), 'outside\n')
    assert.is(
      seen({ type: 'bind', source: other, target: PASSWD }, { type: 'file', text: 'last\n', target: PASSWD }),
      'last\n',
    )
    // In an empty root the directories on the way to a mount point are made.
    const inEmpty = (...mounts: Mount[]) => read({ type: 'empty' }, PASSWD, mounts)
    assert.is(inEmpty(), undefined)
    assert.is(inEmpty({ type: 'bind', source: other, target: PASSWD }), 'outside\n')
    assert.is(
      inEmpty(
        { type: 'bind', source: other, target: '/x/y' },
        { type: 'symlink', target: '/etc', to: 'z' },
        { type: 'symlink', target: '/z/passwd', to: '/x/y' },
      ),
      'outside\n',
    )
  }),
)

test(
  'no descriptor stays open, and many mounts take few',
  inTemp((dir) => {
    const { root, outside } = rootIn(dir, 'deep/er/and/deeper')
    mkdirSync(join(root, 'etc/passwd'))
    const before = descriptors()
    const mounts: Mount[] = Array.from({ length: 400 }, (_, n) => ({
      type: 'bind',
      source: join(outside, 'etc'),
      target: `/deep/er/and/deeper/${n}`,
    }))
    BoxFiles.with(directory(root), mounts, host(), (files) => {
      assert.is(files.read('/deep/er/and/deeper/7/passwd'), 'outside\n')
      assert.ok(descriptors() <= before + 2, String(descriptors() - before))
    })
    failure(() => read(directory(root)), /is not a regular file/)
    failure(() => read(directory(join(root, 'none'))), /No such file or directory \(ENOENT\)/)
    failure(() => read({ type: 'layers', lowers: [root, join(root, 'none')] }), /No such file or directory \(ENOENT\)/)
    assert.is(descriptors(), before)
  }),
)

test(
  'programs and owners are found without reading them',
  inTemp((dir) => {
    const { root } = rootIn(dir, 'usr/bin')
    symlinkSync('usr/bin', join(root, 'bin'))
    writeFileSync(join(root, 'usr/bin/sh'), '', { mode: 0o111 })
    writeFileSync(join(root, 'usr/bin/data'), '')
    assert.is(spawnSync('mkfifo', [join(root, 'usr/bin/fifo'), '-m', '777']).status, 0)
    BoxFiles.with(directory(root), [], host(), (files) => {
      assert.equal(
        ['sh', 'data', 'fifo', 'none', '.'].map((name) => files.isExecutable(`/bin/${name}`)),
        [true, false, false, false, false],
      )
      assert.is(files.ownerOfDirectory('/bin'), process.getuid?.())
      assert.is(files.ownerOfDirectory('/bin/sh'), undefined)
      assert.is(files.ownerOfDirectory('/none'), undefined)
    })
  }),
)

test.run()
