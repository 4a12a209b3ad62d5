/** Each option of the mounts group, by both mount interfaces. */
import { chmodSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { failure, inTemp, NSBOX, nsbox, parseMounts, treeOf } from '../helpers/nsbox.ts'
import { each } from '../helpers/each-interface.ts'

each('a tmpfs is empty, writable and gone afterwards', (box, root) => {
  writeFileSync(join(root, 'tmp/hidden'), '')
  assert.is(
    box('--root', root, '--tmpfs', '/tmp', 'sh', '-c', 'ls -a /tmp; echo x > /tmp/new; cat /tmp/new; stat -c %a /tmp'),
    '.\n..\nx\n1777\n',
  )
  assert.equal(
    treeOf(join(root, 'tmp')).map((line) => line.split(' ')[0]),
    ['hidden'],
  )
})

each('a tmpfs has the size and mode that are asked for', (box, root) => {
  const out = box(
    '--root',
    root,
    '--tmpfs',
    '/tmp:size=64k,mode=0700',
    'sh',
    '-c',
    'stat -c %a /tmp; dd if=/dev/zero of=/tmp/x bs=1k count=100 2>&1 | grep -c "No space"',
  )
  assert.is(out, '700\n1\n')
})

each('df(1) shows nothing of what hides files', (box) => {
  const sources = box('--mask', '/usr/share', '--file', '/etc/passwd:/etc/issue', '--cwd', '/', 'df', '--output=source')
  assert.match(sources, /^Filesystem\n/)
  assert.not.match(sources, /^nsbox$/m)
})

each("a bind shows the host's files and passes changes on", (box, root, dir) => {
  mkdirSync(join(dir, 'shared'))
  writeFileSync(join(dir, 'shared/a'), 'outside')
  assert.is(
    box('--root', root, '--bind', `${join(dir, 'shared')}:/mnt`, 'sh', '-c', 'cat /mnt/a; echo inside > /mnt/b'),
    'outside',
  )
  assert.is(readFileSync(join(dir, 'shared/b'), 'utf8'), 'inside\n')
})

each('a read-only bind can be read and not written', (_box, root, dir, raw) => {
  mkdirSync(join(dir, 'shared'))
  writeFileSync(join(dir, 'shared/a'), 'outside')
  const { stdout, stderr } = raw([
    '--root',
    root,
    '--ro-bind',
    `${join(dir, 'shared')}:/mnt`,
    'sh',
    '-c',
    'cat /mnt/a; echo x > /mnt/a; touch /mnt/b',
  ])
  assert.is(stdout, 'outside')
  assert.is(stderr.match(/Read-only file system/g)?.length, 2, stderr)
})

each('what is mounted below a read-only bind is read-only too', (_box, root, dir) => {
  // Another box around this one has the nested mounts, so that the test works for every user.
  mkdirSync(join(dir, 'shared/deep'), { recursive: true })
  const outer = ['--map-root', '--cap-add', 'all', '--tmpfs', join(dir, 'shared/deep'), '--']
  const inner = [
    '--root',
    root,
    '--ro-bind',
    `${join(dir, 'shared')}:/mnt`,
    'sh',
    '-c',
    'touch /mnt/deep/x 2>/dev/null && echo written; grep -c /mnt/deep /proc/mounts',
  ]
  const { stdout, stderr } = nsbox([...outer, NSBOX, ...inner])
  assert.is(stdout, '1\n', stderr)
})

each('a single file can be bound on a file that is not there yet', (box, root, dir) => {
  writeFileSync(join(dir, 'one'), '1')
  assert.is(box('--root', root, '--ro-bind', `${join(dir, 'one')}:/etc/one`, 'cat', '/etc/one'), '1')
  assert.equal(
    treeOf(join(root, 'etc')).map((line) => line.split(' ')[0]),
    ['one'],
    'the mount point',
  )
  assert.is(lstatSync(join(root, 'etc/one')).size, 0)
})

each('a directory on a file, and a file on a directory, are refused', (box, root, dir, raw) => {
  writeFileSync(join(dir, 'one'), '1')
  void box
  failure(
    raw(['--root', root, '--bind', `${dir}:/bin/busybox`, 'true']),
    /^nsbox: mounts: is not a directory: .*: \/bin\/busybox\n$/,
  )
  failure(
    raw(['--root', root, '--bind', `${join(dir, 'one')}:/tmp`, 'true']),
    /^nsbox: mounts: is a directory: .*: \/tmp\n$/,
  )
})

each('mounts lie on each other in the order given', (box, root, dir) => {
  writeFileSync(join(dir, 'one'), '1')
  assert.is(
    box(
      '--root',
      root,
      '--tmpfs',
      '/tmp',
      '--dir',
      '/tmp/a',
      '--ro-bind',
      `${join(dir, 'one')}:/tmp/a/one`,
      'find',
      '/tmp',
    ),
    '/tmp\n/tmp/a\n/tmp/a/one\n',
  )
  assert.is(box('--root', root, '--dir', '/tmp/a', '--tmpfs', '/tmp', 'find', '/tmp'), '/tmp\n')
})

each('a relative directory is bound on its own path, on what hides it too', (_box, root, dir) => {
  mkdirSync(join(dir, 'w/src'), { recursive: true })
  mkdirSync(join(dir, 'w/a'))
  mkdirSync(join(dir, 'elsewhere/deep'), { recursive: true })
  symlinkSync('../elsewhere/deep', join(dir, 'w/link'))
  writeFileSync(join(dir, 'elsewhere/src'), 'the link counts for the source')
  writeFileSync(join(dir, 'w/src/file'), 'found')
  void root
  const cwd = join(dir, 'w')
  for (const [typed, shown] of [
    ['.', 'src/file'],
    ['./src', 'src/file'],
    ['a/../src', 'src/file'],
    ['../w', 'src/file'],
    ['src/', 'src/file'],
    ['link/../src', 'src'],
  ] as const) {
    for (const option of ['--bind', '--ro-bind', '--dev-bind']) {
      const { stdout, stderr } = nsbox(['--tmpfs', dir, option, typed, '--cwd', '/', 'cat', join(cwd, shown)], { cwd })
      assert.match(stdout, /^(found|the link counts for the source)$/, `${option} ${typed}: ${stderr}`)
    }
  }
})

test(
  'a mount that a later one covers is warned of, once, and --quiet is quiet',
  inTemp((dir) => {
    const words = ['--bind', '.', '--tmpfs', dir, '--cwd', '/', 'true']
    const warning = `nsbox: warning: --bind ${dir} has no effect: the later --tmpfs ${dir} covers it\nhint: leave one of the two out\n`
    assert.is(nsbox(words, { cwd: dir }).stderr, warning)
    assert.is(nsbox(['plan', ...words], { cwd: dir }).stderr, warning)
    assert.is(nsbox(['bake', '-o', join(dir, 'baked'), ...words], { cwd: dir }).stderr, warning)
    assert.is(nsbox(['--quiet', ...words], { cwd: dir }).stderr, '')
    assert.match(
      nsbox(['explain', ...words], { cwd: dir }).stdout.replace(/\s+/g, ' '),
      `--bind ${dir} has no effect: the later --tmpfs ${dir} covers it.`,
    )
    mkdirSync(join(dir, 'deep'))
    assert.match(
      nsbox(['--ro-bind', 'deep', '--bind', '.', 'true'], { cwd: dir }).stderr,
      `hint: name it after --bind ${dir}: mounts lie on each other in the order given\n`,
    )
    assert.is(nsbox(['--bind', '.', '--ro-bind', 'deep', 'true'], { cwd: dir }).stderr, '')
  }),
)

each('directories, links and copies of files are made as they are asked for', (box, root, dir) => {
  writeFileSync(join(dir, 'source'), 'content')
  chmodSync(join(dir, 'source'), 0o640)
  const made = [
    '--tmpfs',
    '/tmp',
    '--dir',
    '/tmp/d/e:0701',
    '--symlink',
    '../x y:/tmp/d/link',
    '--file',
    `${join(dir, 'source')}:/tmp/copy`,
  ]
  const out = box(
    '--root',
    root,
    ...made,
    'sh',
    '-c',
    'stat -c %a /tmp/d /tmp/d/e; readlink /tmp/d/link; cat /tmp/copy; stat -c " %a" /tmp/copy; echo changed > /tmp/copy; cat /tmp/copy',
  )
  assert.is(out, '755\n701\n../x y\ncontent 640\nchanged\n')
  assert.is(readFileSync(join(dir, 'source'), 'utf8'), 'content')
})

each('a link that is there already is left if it says the same, and refused if it does not', (box, root, dir, raw) => {
  void dir
  symlinkSync('to', join(root, 'link'))
  box('--root', root, '--symlink', 'to:/link', 'true')
  failure(
    raw(['--root', root, '--symlink', 'elsewhere:/link', 'true']),
    /make symbolic link: \/link: File exists \(EEXIST\)/,
  )
})

each('a target below a link that stays inside is where the link leads', (box, root) => {
  mkdirSync(join(root, 'run'))
  mkdirSync(join(root, 'var'))
  symlinkSync('/run', join(root, 'var/run'))
  symlinkSync('../../../../run', join(root, 'up'))
  assert.is(box('--root', root, '--tmpfs', '/var/run/a', '--dir', '/up/b', 'ls', '/run'), 'a\nb\n')
})

each('mounts are nosuid and nodev, and those of /proc noexec too', (box, root, dir) => {
  const options = Object.fromEntries(
    parseMounts(box('--root', root, '--tmpfs', '/tmp', '--ro-bind', `${dir}:/mnt`, 'cat', '/proc/self/mountinfo')).map(
      (mount) => [mount.path, mount.options],
    ),
  )
  for (const path of ['/tmp', '/mnt', '/proc', '/dev/shm'])
    for (const option of ['nosuid', 'nodev']) assert.ok(options[path]?.includes(option), `${path} ${option}`)
  assert.ok(options['/proc']?.includes('noexec'))
  assert.ok(options['/mnt']?.includes('ro'))
})

each('the root itself is no place to mount on', (box, root, dir, raw) => {
  void box
  void dir
  symlinkSync('/', join(root, 'slash'))
  failure(
    raw(['--root', root, '--tmpfs', '/slash', 'true']),
    /is the root itself: .*\nhint: to choose the root: --root DIR\n$/,
  )
  // Named as "/" it is the root of another box: empty, and in memory.
  for (const target of ['/', '/bin/..']) {
    const { status, stderr } = raw(['--root', root, '--tmpfs', target, 'true'])
    assert.is(status, 2, stderr)
    assert.match(stderr, /^nsbox: --root and --tmpfs \/: both say what the root is\n/)
  }
})

each('mount points that were made are taken back when a later mount fails', (box, root, dir, raw) => {
  void box
  const before = treeOf(dir)
  failure(
    raw([
      '--root',
      root,
      '--tmpfs',
      '/a/b/c',
      '--dir',
      '/d',
      '--symlink',
      'x:/e/f',
      '--bind',
      `${dir}:/bin/busybox`,
      'true',
    ]),
    /busybox/,
  )
  assert.equal(treeOf(dir), before)
})

test.run()
