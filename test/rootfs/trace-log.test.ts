/** What a log of strace says that a command used. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readTraceLog } from '../../src/rootfs/trace-log.ts'
import { build, inTemp, inVarTmp, refusal } from './helpers.ts'

/** Each use in a word or two, for a log with these lines that began in /start. */
function uses(dir: string, ...lines: string[]): string[] {
  const log = join(dir, 'log')
  writeFileSync(log, Buffer.from(`${lines.join('\n')}\n`, 'latin1'))
  return readTraceLog(log, '/start').map(
    ({ kind, path, follow, found }) => `${kind} ${path}${follow ? '' : ' itself'}${found ? '' : ' missing'}`,
  )
}

const LINES: [title: string, lines: string[], expected: string[]][] = [
  [
    'calls with and without a number, a time of day, a duration and the paths of descriptors',
    [
      'execve("/bin/a", ["a"], 0x7ffd /* 3 vars */) = 0',
      '12 access("/b", R_OK) = -1 ENOENT (No such file or directory)',
      '[pid    12] openat(AT_FDCWD, "/c", O_RDONLY|O_CLOEXEC) = 3',
      '12 07:31:55.344 openat(AT_FDCWD</start>, "d", O_RDONLY) = 3</start/d> <0.000012>',
      '12 1764487915.344 stat("e", {st_mode=S_IFREG|0644, st_size=1, ...}) = 0',
      '12      0.000123 readlink("/f", 0x7ffd, 4095) = -1 EINVAL (Invalid argument)',
      '     0.000123 lstat("/g", {st_mode=S_IFLNK|0777, ...}) = 0',
    ],
    ['run /bin/a', 'look /b missing', 'open /c', 'open /start/d', 'look /start/e', 'look /g itself'],
  ],
  [
    'calls that other lines interrupt',
    [
      '1 openat(AT_FDCWD, "/a", O_RDONLY <unfinished ...>',
      '2 openat(AT_FDCWD, "/b", O_RDONLY <unfinished ...>',
      '1 <... openat resumed>) = 3',
      '2 <... openat resumed>)                   = -1 EACCES (Permission denied)',
      '1 execve("/c", ["c", "<unfinished ...>"], 0x1 <unfinished ...>',
      '1 <... execve resumed>) = 0',
      '2 stat("/d",  <unfinished ...>',
      '2 +++ killed by SIGKILL +++',
    ],
    ['open /a', 'run /c'],
  ],
  [
    'escapes, quotes, commas and brackets in names; a name that was cut is left out',
    [
      String.raw`1 open("/a\"b,)=0", O_RDONLY) = 3`,
      String.raw`1 open("/\303\244\n", O_RDONLY) = 3`,
      String.raw`1 open("/\x41\x20\x62", O_RDONLY) = 3`,
      String.raw`1 open("/\00112", O_RDONLY) = 3`,
      '1 openat(4</x, (y)\\76>, "z", O_RDONLY) = 3</x, (y)\\76/z>',
      '1 open("/long"..., O_RDONLY) = 3',
    ],
    ['open /a"b,)=0', 'open /ä\n', 'open /A b', 'open /\x0112', 'open /x, (y)>/z'],
  ],
  [
    "working directories by process: chdir, fchdir, a child's own, a thread's shared one",
    [
      '1 open("a", O_RDONLY) = 3',
      '1 chdir("one") = 0',
      '1 clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|SIGCHLD) = 2',
      '2 chdir("two") = 0',
      '2 open("b", O_RDONLY) = 3',
      '1 open("c", O_RDONLY) = 3',
      '1 clone3({flags=CLONE_VM|CLONE_FS|CLONE_FILES|CLONE_THREAD, exit_signal=0}, 88) = 4',
      '4 openat(AT_FDCWD, "/dir", O_RDONLY|O_DIRECTORY) = 5',
      '4 fchdir(5) = 0',
      '1 open("d", O_RDONLY) = 3',
      '1 chdir("/none") = -1 ENOENT (No such file or directory)',
      '1 open("e", O_RDONLY) = 3',
    ],
    [
      'open /start/a',
      'look /start/one',
      'look /start/one/two',
      'open /start/one/two/b',
      'open /start/one/c',
      'open /dir',
      'open /dir/d',
      'look /none missing',
      'open /dir/e',
    ],
  ],
  [
    'the first line of a child may stand before the end of the call that makes it',
    [
      '1 chdir("/one") = 0',
      '1 vfork( <unfinished ...>',
      '2 openat(AT_FDCWD, "a", O_RDONLY) = 3',
      '2 chdir("two") = 0',
      '1 <... vfork resumed>) = 2',
      '2 openat(AT_FDCWD, "b", O_RDONLY) = 3',
    ],
    ['look /one', 'open /one/a', 'look /one/two', 'open /one/two/b'],
  ],
  [
    'open directories by their numbers, also of copies',
    [
      '1 openat(AT_FDCWD, "/etc", O_RDONLY|O_DIRECTORY) = 3',
      '1 openat(3, "a", O_RDONLY) = 4',
      '1 dup2(3, 9) = 9',
      '1 fcntl(9, F_DUPFD_CLOEXEC, 10) = 10',
      '1 newfstatat(10, "b", {st_mode=S_IFREG|0644, ...}, AT_SYMLINK_NOFOLLOW) = 0',
      '1 openat(77, "unknown", O_RDONLY) = 5',
      '1 newfstatat(3, "", {st_mode=S_IFDIR|0755, ...}, AT_EMPTY_PATH) = 0',
    ],
    ['open /etc', 'open /etc/a', 'look /etc/b itself'],
  ],
  [
    'what is read, written, cut, made, or opened as a path alone',
    [
      '1 openat(AT_FDCWD, "/r", O_RDWR|O_CREAT, 0644) = 3',
      '1 openat(AT_FDCWD, "/w", O_WRONLY|O_CREAT|O_TRUNC, 0644) = 3',
      '1 openat(AT_FDCWD, "/o", O_WRONLY|O_APPEND) = 3',
      '1 openat(AT_FDCWD, "/p", O_RDONLY|O_NOFOLLOW|O_PATH) = 3',
      '1 openat2(AT_FDCWD, "/q", {flags=O_RDONLY|O_CLOEXEC, resolve=0}, 24) = 3',
      '1 mkdir("/m", 0777) = 0',
      '1 rename("/m", "/n") = 0',
    ],
    [
      'make /r',
      'open /r',
      'make /w',
      'replace /w',
      'look /o',
      'look /p itself',
      'open /q',
      'make /m itself',
      'replace /m itself',
      'make /n itself',
      'replace /n itself',
    ],
  ],
]

for (const [title, lines, expected] of LINES)
  test(
    title,
    inTemp((dir) => assert.equal(uses(dir, ...lines), expected)),
  )

test(
  'what is no log of strace is refused',
  inTemp((dir) => {
    writeFileSync(join(dir, 'text'), 'no call\n\0\xff("\n--- SIGCHLD {si_signo=SIGCHLD} ---\n')
    for (const file of [join(dir, 'text'), '/dev/null'])
      assert.match(
        refusal(() => readTraceLog(file, '/')),
        /^SandboxError: rootfs: has no line of strace that names a file: /,
      )
    assert.match(
      refusal(() => readTraceLog(join(dir, 'none'), '/')),
      /^SandboxError: rootfs: cannot read the log: .*ENOENT/,
    )
  }),
)

const hasStrace = spawnSync('strace', ['true']).status === 0

const REAL = 'a root by the log of a real run has what the run used'
if (!hasStrace) test.skip(`${REAL} (no strace, or it may not trace here)`, () => undefined)
else
  test(
    REAL,
    inVarTmp((dir) => {
      mkdirSync(join(dir, 'data'))
      writeFileSync(join(dir, 'data/odd "name"'), 'odd')
      const before = process.cwd()
      for (const flags of [['-f'], ['-f', '-y', '-s', '4'], ['-f', '-tt', '-T']]) {
        const log = join(dir, `log${flags.length}${flags.at(-1)}`)
        const script = `cd data; sh -c 'cat odd* missing' >new; exit 0`
        const { status } = spawnSync('strace', [...flags, '-o', log, 'sh', '-c', script], { cwd: dir })
        assert.is(status, 0)
        const root = `${log}-root`
        try {
          process.chdir(dir)
          build(root, '--trace-log', log)
        } finally {
          process.chdir(before)
        }
        assert.is(readFileSync(join(root, dir, 'data/odd "name"'), 'utf8'), 'odd', flags.join(' '))
        assert.ok(existsSync(join(root, '/bin/cat')) && existsSync(join(root, '/bin/sh')))
        assert.is(existsSync(join(root, dir, 'data/missing')), false)
      }
    }),
  )

test.run()
