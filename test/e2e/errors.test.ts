/** Each failure is one line with a way out, and nothing is touched. */
import { chmodSync, closeSync, mkdirSync, openSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  busyboxRoot,
  execute,
  failure,
  inTemp,
  NSBOX,
  nsbox,
  PLAIN,
  SIDECAR,
  sidecar,
  treeOf,
  WARM,
} from '../helpers/nsbox.ts'

/** Arguments, the status, and the message with its hint. DIR stands for the test's directory. */
const CASES: [string[], number, RegExp][] = [
  [[], 2, /^nsbox: no command\nhint: /],
  [['--rot', 'x', 'true'], 2, /^nsbox: unknown option --rot\nhint: the nearest is --root\n$/],
  [['--root'], 2, /^nsbox: --root: the value is missing\nhint: -r, --root DIR\n$/],
  [['--root', '', 'true'], 2, /^nsbox: --root: empty value ''\n/],
  [
    ['--root', 'DIR/nowhere', 'true'],
    125,
    /^nsbox: root: open: DIR\/nowhere: No such file or directory \(ENOENT\)\nhint: /,
  ],
  [['--root', 'DIR/file', 'true'], 125, /^nsbox: root: is not a directory: DIR\/file\nhint: .*--image FILE\n$/],
  [['--root', 'DIR/dangling', 'true'], 125, /^nsbox: root: open: DIR\/dangling: .*ENOENT/],
  [
    ['--bind', 'DIR/nowhere:/mnt', 'true'],
    125,
    /^nsbox: mounts: bind: DIR\/nowhere: No such file or directory \(ENOENT\)\n$/,
  ],
  [
    ['--file', 'DIR/nowhere:/mnt', 'true'],
    125,
    /^nsbox: mounts: copy: DIR\/nowhere: No such file or directory \(ENOENT\)\n$/,
  ],
  [['--file', 'DIR/r:/mnt', '--root', 'DIR/r', 'true'], 125, /^nsbox: mounts: is not a regular file: DIR\/r\n$/],
  [
    ['--root', 'DIR/r', '--tmpfs', 'relative', 'true'],
    2,
    /^nsbox: --tmpfs: 'relative' must be an absolute path\nhint: /,
  ],
  [['--root', 'DIR/r', '--tmpfs', '/bin/sh', 'true'], 125, /^nsbox: mounts: is not a directory: .*: \/bin\/sh\n$/],
  [
    ['--root', 'DIR/r', '--tmpfs', '/bin/sh/x', 'true'],
    125,
    /^nsbox: mounts: [^\n]*: \/bin\/sh\/x: Not a directory \(ENOTDIR\)\n/,
  ],
  [['--root', 'DIR/r', '--overlay=DIR/nowhere', 'true'], 125, /^nsbox: state: open: DIR\/nowhere: .*\nhint: /],
  [['--root', 'DIR/r', '--env-file', 'DIR/nowhere', 'true'], 125, /^nsbox: environment: read: DIR\/nowhere: /],
  [
    ['--root', 'DIR/r', '--env-file', 'DIR/file', 'true'],
    125,
    /^nsbox: environment: line 1 is not NAME=VALUE: DIR\/file\nhint: /,
  ],
  [
    ['--root', 'DIR/r', '--status-fd', '77', 'true'],
    125,
    /^nsbox: descriptors: use as status descriptor: Bad file descriptor \(EBADF\)\nhint: nothing is open/,
  ],
  [['run', '--plan', 'DIR/nowhere'], 125, /^nsbox: read plan: open: DIR\/nowhere: /],
  [['run', '--plan', 'DIR/file'], 125, /^nsbox: read plan: /],
  [['explain'], 2, /^nsbox: explain: no command\n/],
  [['doctor', 'x'], 2, /^nsbox: doctor: takes no argument, but has 'x'\n/],
  [['--bind', 'DIR/new\nline\x1b[31m:/mnt', 'true'], 125, /^nsbox: mounts: bind: DIR\/new\\x0aline\\x1b\[31m: .*\n$/],
]

test(
  'each mistake has its own sentence, and nothing is touched',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    symlinkSync('nowhere', join(root, 'dangling'))
    symlinkSync('nothing', join(dir, 'dangling'))
    writeFileSync(join(dir, 'file'), 'no plan\n')
    const before = treeOf(dir)
    for (const [args, status, message] of CASES) {
      const ran = nsbox(args.map((word) => word.replace('DIR', dir)))
      const stderr = ran.stderr.replaceAll(dir, 'DIR')
      assert.is(ran.status, status, `${args.join(' ')}: ${stderr}`)
      assert.match(stderr, message, args.join(' '))
      assert.is(ran.stdout, '')
      assert.equal(treeOf(dir), before, args.join(' '))
    }
  }),
)

const inEachWay = (text: string, dir: string) => {
  writeFileSync(join(dir, 'plan'), text)
  return [
    nsbox(['run', '--plan', join(dir, 'plan')]),
    nsbox(['run', '--plan', '-'], { input: text }),
    sidecar(text),
    execute(SIDECAR, ['--plan', join(dir, 'plan')]),
  ]
}

test(
  'an invalid plan is refused with the same words, whichever way it comes',
  inTemp((dir) => {
    const good = nsbox(['plan', 'true']).stdout
    const plans: Record<string, [string, string]> = {
      truncated: [good.slice(0, -20), ''],
      deep: [`${'['.repeat(100000)}`, ''],
      'of a later contract': [good.replace('"contract": 2', '"contract": 3'), ': /contract'],
      'of an older nsbox': [
        good.replace('"contract": 2', '"contract": 1'),
        ': make it anew with nsbox plan: /contract',
      ],
      'with an unknown key': [good.replace('"process": {', '"process": {"extra": 1,'), ': /process/extra'],
      'with a key twice': [good.replace('"process": {', '"process": {"argv": ["a"],'), ': /process/argv'],
    }
    for (const [name, [text, pointer]] of Object.entries(plans)) {
      const ran = inEachWay(text, dir)
      for (const { status, stdout, stderr } of ran) {
        assert.is(status, 125, name)
        assert.is(stdout, '')
        assert.match(stderr, /^nsbox: read plan: [^\n]*\n$/)
        assert.match(stderr, pointer)
        assert.is(stderr, ran[0]?.stderr, name)
      }
    }
  }),
)

test('a plan without end is refused before it fills the memory', () => {
  const { status, stderr } = execute('bash', ['-c', 'head -c 400M /dev/zero | "$0" --plan-fd 0', SIDECAR])
  assert.is(status, 125)
  assert.is(stderr, 'nsbox: read plan: is too large: the plan\n')
})

test('the sidecar prints its usage', () => {
  for (const args of [
    [],
    ['--plan-fd'],
    ['--plan-fd', 'x'],
    ['--plan-fd', '-1'],
    ['--plan'],
    ['--nonsense'],
    ['--plan', 'a', '--plan-fd', '0'],
  ]) {
    const { status, stderr } = execute(SIDECAR, args)
    assert.is(status, 2, args.join(' '))
    assert.match(stderr, /^nsbox-sidecar: [^\n]*\nhint: nsbox-sidecar --help\n$/, args.join(' '))
  }
  assert.is(execute(SIDECAR, ['--help']).status, 0)
})

test(
  'an executable that is setuid or has an odd end is refused',
  inTemp((dir) => {
    const copy = join(dir, 'cut')
    execute('sh', ['-c', `cp ${SIDECAR} ${copy}; printf '\\377\\377\\377\\377\\377\\377\\0\\0NSBOXPLN' >> ${copy}`])
    const { status, stderr } = execute(copy, [])
    assert.is(status, 125)
    assert.match(stderr, 'the plan in this executable is cut off')
    if (!asRoot) return
    execute('sh', ['-c', `cp ${SIDECAR} ${dir}/setuid; chmod 4755 ${dir}/setuid; chmod 755 ${dir}`])
    const setuid = execute('setpriv', [
      '--reuid',
      '1234',
      '--regid',
      '1234',
      '--clear-groups',
      join(dir, 'setuid'),
      '--plan-fd',
      '0',
    ])
    if (setuid.status !== 126) assert.match(setuid.stderr, 'not made to be setuid')
  }),
)

test(
  'closed standard streams do no harm',
  inTemp((dir) => {
    const sh = (script: string) => execute('bash', ['-c', script, NSBOX])
    assert.is(sh('"$0" sh -c "exit 4" 2>&-').status, 4)
    assert.is(sh('"$0" sh -c "exit 4" >&- <&- 2>&-').status, 4)
    assert.is(sh('"$0" nowhere 2>&-').status, 127)
    const full = openSync('/dev/full', 'w')
    assert.is(nsbox(['plan', 'true'], { stdio: ['ignore', full, 'pipe'] }).status, 125)
    closeSync(full)
    void dir
  }),
)

test(
  'a directory that the caller may not write to has a hint',
  inTemp((dir) => {
    if (asRoot) return
    const root = busyboxRoot(join(dir, 'r'))
    mkdirSync(join(root, 'locked'))
    chmodSync(join(root, 'locked'), 0o555)
    // In its own box a user has all rights on its own files, so only another user's files are out of reach.
    const { status, stderr } = nsbox(['--tmpfs', '/usr/made-by-nsbox', 'true'])
    assert.is(status, 125)
    assert.match(stderr, /^nsbox: mounts: make mount point: \/usr\/made-by-nsbox: Permission denied \(EACCES\)\nhint: /)
  }),
)

test('--quiet leaves hints out, and --verbose tells each phase once', () => {
  assert.is(nsbox(['--quiet', 'nowhere']).stderr.split('\n').length, 2)
  const names = nsbox(['--verbose', 'true'])
    .stderr.trim()
    .split('\n')
    .map((line) => /^nsbox: (.*?) +\d+ us$/.exec(line)?.[1])
  assert.is(new Set(names).size, names.length, names.join())
  for (const name of [
    'namespaces',
    'propagation',
    'sources',
    'root',
    'mounts',
    'switch root',
    'limits',
    'privileges',
    'exec',
  ])
    assert.ok(names.includes(name), name)
})

test("a pipe or another open descriptor can't be a source, and the message says so", () => {
  for (const option of ['--file', '--bind', '--ro-bind']) {
    for (const source of ['<(echo x)', '/proc/self/fd/9']) {
      failure(
        execute('bash', ['-c', `exec 9</etc/passwd; "$0" ${option} ${source}:/tmp/x true`, NSBOX]),
        /^nsbox: mounts: an open descriptor can't be shown in a box: \/(dev|proc\/self)\/fd\/\d+\nhint: name a file/,
      )
    }
  }
  failure(
    execute('bash', ['-c', '"$0" --root /dev/fd/9 true 9</', NSBOX]),
    /^nsbox: root: an open descriptor can't be shown/,
  )
  // Files that nsbox itself reads may be pipes, which a start before this one would have emptied.
  if (!WARM) assert.is(execute('bash', ['-c', '"$0" --env-file <(echo A=1) sh -c \'echo $A\'', NSBOX]).stdout, '1\n')
})

test('too low a limit on open files is named', () => {
  for (const limit of [5, 8, 12]) {
    const { status, stderr } = execute('prlimit', [`--nofile=${limit}`, NSBOX, 'true'], { cwd: '/' })
    assert.is(status, 125, `${limit}`)
    assert.match(stderr, /\(EMFILE\)\nhint: the limit on open files \(ulimit -n\) is too low for nsbox itself: /)
  }
})

if (asRoot) {
  const other = (...command: string[]) =>
    execute('setpriv', ['--reuid', '54322', '--regid', '54322', '--clear-groups', ...command], { cwd: '/' })

  test(
    'a directory that the caller may not enter is still a directory',
    inTemp((dir) => {
      const locked = join(dir, 'locked')
      mkdirSync(locked, { mode: 0o700 })
      chmodSync(dir, 0o755)
      for (const args of [['--root', locked], [`--overlay=${locked}`]])
        failure(other(NSBOX, ...args, 'true'), /^nsbox: (root|state): open: .*: Permission denied \(EACCES\)\n$/)
    }),
  )

  const withFewProcesses = PLAIN ? test.skip : test
  withFewProcesses("a limit on the user's processes is named (needs native code: the runtime has threads)", () => {
    for (const most of [1, 2]) {
      const { status, stderr } = other('prlimit', `--nproc=${most}`, NSBOX, 'true')
      assert.is(status, 125)
      assert.match(stderr, /\(EAGAIN\)\nhint: as many processes run as may: ulimit -u/)
    }
  })

  test('an ordinary user in a chroot gets a message about the chroot', () => {
    const { stderr } = execute(
      'unshare',
      ['-m', 'sh', '-c', 'mount --rbind / /mnt && exec chroot --userspec=54322:54322 /mnt "$0" --cwd / true', NSBOX],
      { cwd: '/' },
    )
    assert.match(stderr, /\(EPERM\)\nhint: .*in a chroot, ordinary users can't make them\n$/)
  })

  test(
    "another user's FUSE mount is named as the cause",
    inTemp((dir) => {
      mkdirSync(join(dir, 'fuse'))
      const script = `import ctypes, os, subprocess, sys
fuse, point = os.open('/dev/fuse', os.O_RDWR), sys.argv[2]
if ctypes.CDLL(None).mount(b'x', point.encode(), b'fuse', 0, f'fd={fuse},rootmode=40000,user_id=54322,group_id=54322'.encode()) != 0: sys.exit('no fuse')
sys.exit(subprocess.run([sys.argv[1], '--bind', point + '/file:/mnt', 'true']).returncode)`
      const { stderr } = execute('unshare', ['-m', 'python3', '-c', script, NSBOX, join(dir, 'fuse')], { cwd: '/' })
      if (/no fuse|\/dev\/fuse/.test(stderr)) return
      assert.match(stderr, /\(EACCES\)\nhint: it lies on a FUSE mount/)
    }),
  )
}

test.run()
