/**
 * nsbox does without the calls that older kernels lack, and a user sees no difference. A filter refuses all calls that
 * a kernel of that version lacks.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  BIN,
  busyboxRoot,
  execute,
  inTemp,
  NSBOX,
  planOf,
  SIDECAR,
  treeOf,
  type Ran,
} from '../helpers/nsbox.ts'

/** Calls by the first kernel that has them, newest first. */
const SINCE: readonly [string, readonly string[]][] = [
  ['5.12', ['mount_setattr']],
  ['5.9', ['close_range']],
  ['5.8', ['faccessat2']],
  ['5.6', ['openat2']],
  ['5.3', ['clone3', 'pidfd_open']],
  ['5.2', ['open_tree', 'move_mount', 'fsopen', 'fsconfig', 'fsmount']],
]

/** Errors of container engines' filters for unknown calls: newer filters return ENOSYS, older ones EPERM and EINVAL. */
const REFUSALS = [1, 22]
const ALONE = [
  'clone3',
  'open_tree',
  'fsopen',
  'fsconfig',
  'fsmount',
  'move_mount',
  'mount_setattr',
  'openat2',
  'close_range',
  'pidfd_open',
]

type Kernel = { name: string; lacks: readonly string[] }
const KERNELS: Kernel[] = SINCE.map(([version], last) => ({
  name: `before Linux ${version}`,
  lacks: SINCE.slice(0, last + 1).flatMap(([, calls]) => calls),
}))
const ALL = SINCE.flatMap(([, calls]) => calls)
for (const number of REFUSALS)
  KERNELS.push({
    name: `where a filter answers ${number} for all of them`,
    lacks: ALL.map((call) => `${call}=${number}`),
  })

const on = ({ lacks }: Kernel, args: readonly string[]): Ran =>
  execute(join(BIN, 'deny'), [...lacks, '--', NSBOX, ...args])
const here = (args: readonly string[]): Ran => execute(NSBOX, args)

/** A root with a link that leads out of it, and a read-only bind of a directory with a mount below. */
function prepare(dir: string): string {
  const root = busyboxRoot(join(dir, 'r'))
  mkdirSync(join(dir, 'outside'))
  symlinkSync(join(dir, 'outside'), join(root, 'away'))
  symlinkSync('../../../../../../../..', join(root, 'up'))
  writeFileSync(join(dir, 'file'), 'content\n')
  return root
}

const LOOK =
  'echo $$; cat /proc/self/status | grep -E "^(Cap|NoNewPrivs|Seccomp:)"; ls /tmp /m /proc/self/fd; cat /tmp/copy; echo x >/m/x; hostname; ls -d /dev/null /dev/pts'
/**
 * On the host's own root it would also list covered mounts, which no path leads to, and which mount(2) can't reach
 * either.
 */
const LOOK_AT_MOUNTS = `${LOOK}; cat /proc/self/mountinfo | sed 's/^[0-9]* [0-9]* [^ ]* //; s/ - .*//' | sort`

for (const kernel of KERNELS) {
  test(
    `a box is the same ${kernel.name}`,
    inTemp((dir) => {
      const root = prepare(dir)
      const shapes = [
        [
          '--root',
          root,
          '--tmpfs',
          '/tmp:size=1m',
          '--file',
          `${join(dir, 'file')}:/tmp/copy`,
          '--ro-bind',
          `${dir}:/m`,
          '--hostname',
          'box',
          '--net',
          'none',
          '--die-with-parent',
        ],
        ['--root', root, '--ro', '--no-init', '--tmpfs', '/tmp', '--ro-bind', `/sys:/m`, '--mask', '/proc/version'],
        ['--tmpfs', '/tmp', '--dir', '/tmp/m', '--mask', '/etc/passwd'],
      ]
      for (const shape of shapes) {
        const command = ['sh', '-c', shape.includes('--root') ? LOOK_AT_MOUNTS : LOOK]
        const [older, newer] = [on(kernel, [...shape, ...command]), here([...shape, ...command])]
        assert.equal(older, newer)
        assert.match(older.stdout, /^[12]\nCapInh/, older.stderr)
      }
    }),
  )

  test(
    `links that lead out of the root lead nowhere ${kernel.name}`,
    inTemp((dir) => {
      const root = prepare(dir)
      for (const option of [
        ['--tmpfs', '/away/in'],
        ['--dir', '/up/in'],
        ['--ro-bind', '/etc:/away/in'],
        ['--file', '/etc/hosts:/away/in'],
        ['--symlink', 'x:/away/in'],
        ['--mask', '/away/in'],
        ['--proc=/away/in'],
        ['--dev=/away/in'],
      ]) {
        const [older, newer] = [
          on(kernel, ['--root', root, ...option, 'true']),
          here(['--root', root, ...option, 'true']),
        ]
        assert.is(older.status, newer.status, `${option.join(' ')}: ${older.stderr}`)
        assert.equal(treeOf(join(dir, 'outside')), [])
        execute('rm', ['-rf', '--one-file-system', join(root, 'in'), join(root, `${dir}/outside`)])
      }
    }),
  )

  test(
    `mounts of the host that others cover hinder no box ${kernel.name}`,
    inTemp((dir) => {
      // Covering mounts on the mount itself, on a directory above, on the mount around it; and such a pile beside a
      // visible mount.
      const script = `cd "$1"; shift; mkdir -p m/sub m/beside/x seen; t() { mount -t tmpfs t "$1"; }
      t m/sub; mkdir m/sub/deep; t m/sub/deep; t m/beside/x; t m/beside; t m; mkdir m/v; t m/v; t m/v; t seen; t seen; touch seen/there
      for options in --ro "--ro-bind .:/mnt" "--tmpfs /mnt"; do "$@" $options sh -c 'ls seen; touch m/v/x 2>/dev/null && echo writable; if [ -e /mnt/seen ]; then touch /mnt/seen/x 2>/dev/null && echo written; fi; exit 5'; echo $?; rm -f m/v/x; done`
      const apart = ['--mount', ...(asRoot ? ['--propagation', 'private'] : ['--user', '--map-root-user'])]
      const { stdout, stderr } = execute('unshare', [
        ...apart,
        'sh',
        '-c',
        script,
        'sh',
        dir,
        join(BIN, 'deny'),
        ...kernel.lacks,
        '--',
        NSBOX,
      ])
      assert.is(stdout, 'there\n5\nthere\nwritable\n5\nthere\nwritable\n5\n', stderr)
    }),
  )

  test(`a box starts in a box ${kernel.name}`, () => {
    const inner = ['--quiet', '--ro', 'sh', '-c', 'touch /x 2>/dev/null && echo written; exit 3']
    const outer = asRoot ? ['--privileged', '--quiet'] : ['--map-root', '--cap-add', 'all', '--privileged', '--quiet']
    assert.equal(execute(NSBOX, [...outer, join(BIN, 'deny'), ...kernel.lacks, '--', NSBOX, ...inner]), {
      status: 3,
      signal: null,
      stdout: '',
      stderr: '',
    })
  })

  test(`commands end as they should ${kernel.name}`, () => {
    assert.is(on(kernel, ['sh', '-c', 'exit 3']).status, 3)
    assert.is(on(kernel, ['sh', '-c', 'kill -TERM $$']).status, 143)
    assert.is(on(kernel, ['nowhere']).status, 127)
    assert.is(on(kernel, ['--timeout', '100ms', 'sleep', '1000']).status, 124)
    assert.equal(on(kernel, ['--cwd', '/nowhere', 'true']), here(['--cwd', '/nowhere', 'true']))
    if (asRoot) assert.equal(on(kernel, ['--user', '7:8', '--userns', 'id']), here(['--user', '7:8', '--userns', 'id']))
  })
}

// Linux 5.10.223 fails for a descriptor with an empty path; filters of containers refuse the call.
for (const [name, error] of [
  ['ENOENT', 2],
  ['EPERM', 1],
  ['ENOSYS', 38],
] as const) {
  const refused = [`execveat=${error}`, '--']

  test(`a box starts on a system that executes no file by descriptor (${name})`, () => {
    const { status, stdout, stderr } = execute(join(BIN, 'deny'), [
      ...refused,
      NSBOX,
      '--tmpfs',
      '/tmp',
      'sh',
      '-c',
      'echo ran; ls /proc/self/fd; exit 7',
    ])
    assert.equal({ status, stdout, stderr }, { status: 7, stdout: 'ran\n0\n1\n2\n3\n', stderr: '' })
  })

  test(
    `a box stays on a system that executes no file by descriptor (${name})`,
    inTemp(async (dir) => {
      const plan = planOf(['--tmpfs', '/tmp', 'x'])
      const file = join(dir, 'plan')
      writeFileSync(
        file,
        JSON.stringify({
          ...plan,
          process: { ...plan.process, pause: true },
          supervision: { init: true, statusFd: 1 },
        }),
      )
      const box = spawn(join(BIN, 'deny'), [...refused, SIDECAR, '--plan', file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      try {
        const [data] = await once(box.stdout, 'data')
        assert.match(String(data), /^\{"event":"start"/)
      } finally {
        box.kill('SIGKILL')
        await once(box, 'close')
      }
    }),
  )
}

for (const call of ALONE) {
  test(
    `a box is the same if a filter refuses ${call} alone, with whatever error`,
    inTemp((dir) => {
      const shape = [
        '--root',
        prepare(dir),
        '--tmpfs',
        '/tmp',
        '--ro-bind',
        `${dir}:/m`,
        '--file',
        `${join(dir, 'file')}:/tmp/copy`,
        '--mask',
        '/proc/version',
        '--die-with-parent',
        'sh',
        '-c',
        LOOK_AT_MOUNTS,
      ]
      for (const number of [...REFUSALS, 38])
        assert.equal(on({ name: call, lacks: [`${call}=${number}`] }, shape), here(shape), String(number))
    }),
  )
}

for (const number of [...REFUSALS, 38]) {
  test(
    `where pivot_root is refused with ${number}, the root is moved over the old one, which says so, and nothing leads out`,
    inTemp((dir) => {
      const root = prepare(dir)
      copyFileSync(join(BIN, 'chroot_escape'), join(root, 'chroot_escape'))
      writeFileSync(join(dir, 'marker'), '')
      const lacks = [`pivot_root=${number}`]
      const refused = (args: readonly string[]) => on({ name: 'pivot_root', lacks }, args)
      const warning =
        /^nsbox: switch root: warning: pivot_root is refused here .*: moved the root over the old one, and dropped cap_sys_chroot\n/
      for (const flags of [
        [],
        ['--map-root'],
        ['--cap-add', 'all', '--seccomp', 'none'],
        ['--user', asRoot ? '5001' : '0', '--cap-add', 'all', '--seccomp', 'none'],
      ]) {
        const escape = refused(['--root', root, '--tmpfs', '/tmp', ...flags, '/chroot_escape', join(dir, 'marker')])
        assert.match(escape.stderr, warning)
        assert.match(escape.stdout, 'twice: chroot refused')
        assert.not.match(escape.stdout, 'outside')
        const { stdout } = refused(['--root', root, ...flags, 'cat', '/proc/self/status'])
        for (const set of ['CapPrm', 'CapBnd', 'CapAmb'])
          assert.is(
            (BigInt(`0x${new RegExp(`^${set}:\\s+(\\w+)`, 'm').exec(stdout)?.[1]}`) >> 18n) & 1n,
            0n,
            `${set} ${flags.join(' ')}`,
          )
      }
      for (const flags of [[], ['--ro'], ['--overlay'], ['--userns']]) {
        const { status, stdout, stderr } = refused(['--quiet', ...flags, join(BIN, 'attack')])
        assert.is(status, 0, stderr)
        assert.equal(
          stdout
            .trim()
            .split('\n')
            .filter((line) => line.endsWith(' open')),
          [],
        )
      }
    }),
  )
}

test.run()
