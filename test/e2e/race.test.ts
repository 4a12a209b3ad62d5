/**
 * Another process swaps two names of the root while boxes start. Paths below an earlier mount of the plan are resolved
 * from that mount, so that no mount is lost or lands elsewhere.
 */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  BIN,
  busyboxRoot,
  execute,
  failure,
  INTERFACES,
  inTemp,
  NSBOX,
  planOf,
  type Ran,
  sidecar,
  treeOf,
} from '../helpers/nsbox.ts'

/** Checks that RUN prints the same as before while A and B of the root are swapped, in that many starts. */
function underSwaps(starts: number, root: string, a: string, b: string, run: () => Ran): void {
  const { status, stdout, stderr } = run()
  assert.is(status, 0, stderr)
  const flip = spawn(join(BIN, 'flip'), [join(root, a), join(root, b)], { stdio: 'inherit' })
  try {
    for (let i = 0; i < starts; i++) {
      const ran = run()
      assert.equal([ran.status, ran.stdout], [0, stdout], ran.stderr)
    }
    assert.is(flip.exitCode, null, 'the swapping has ended early')
  } finally {
    flip.kill('SIGKILL')
  }
}

/** Enters the one of the two directories that has the mount, and stays there, whatever its name is by then. */
const GO = (a: string, b: string, has: string): string =>
  `n=0; until { cd /${a} && test -e ${has}; } || { cd /${b} && test -e ${has}; } || test $((n += 1)) = 1000; do :; done; `

/** Later mounts below DIR, and the output of a box that has each. FROM has the sources. */
const LATER: { mount: (dir: string, from: string) => Record<string, unknown>; show: string }[] = [
  { mount: (dir) => ({ type: 'dir', target: `${dir}/made/deeper` }), show: 'test -d made/deeper && echo dir' },
  { mount: (dir) => ({ type: 'symlink', target: `${dir}/link`, to: 'made' }), show: 'readlink link' },
  { mount: (dir, from) => ({ type: 'file', target: `${dir}/copy`, source: join(from, 'file') }), show: 'cat copy' },
  {
    mount: (dir, from) => ({ type: 'bind', target: `${dir}/secret`, source: join(from, 'file') }),
    show: 'test -e secret && echo there',
  },
  {
    mount: (dir) => ({ type: 'mask', target: `${dir}/secret` }),
    show: 'test -s secret || echo masked; (: >>secret) 2>/dev/null || echo unchanged',
  },
  { mount: (dir) => ({ type: 'protect', target: `${dir}/made` }), show: 'mkdir made/x 2>/dev/null || echo protected' },
  { mount: (dir) => ({ type: 'tmpfs', target: `${dir}/made/deeper` }), show: 'stat -f -c %T made/deeper' },
  { mount: (dir, from) => ({ type: 'bind', target: `${dir}/bound`, source: from }), show: 'ls bound' },
  { mount: (dir) => ({ type: 'mask', target: `${dir}/bound/inner` }), show: 'ls -A bound/inner' },
  {
    mount: (dir, from) => ({ type: 'bind', target: `${dir}/read-only`, source: from, options: ['ro'] }),
    show: '(: >>read-only/file) 2>/dev/null || echo read-only',
  },
  {
    mount: (dir, from) => ({ type: 'overlay', target: `${dir}/overlay`, lower: from }),
    show: 'cat overlay/file; echo x >overlay/file',
  },
  { mount: (dir) => ({ type: 'proc', target: `${dir}/proc` }), show: 'test -e proc/self/exe && echo proc' },
  {
    mount: (dir) => ({ type: 'protect', target: `${dir}/proc/sys`, kernel: true }),
    show: 'grep -c "/./proc/sys ro" proc/self/mountinfo',
  },
  {
    mount: (dir) => ({ type: 'mask', target: `${dir}/proc/kcore`, kernel: true }),
    show: 'test -s proc/kcore || echo masked',
  },
  { mount: (dir) => ({ type: 'dev', target: `${dir}/dev` }), show: 'test -c dev/null && echo dev' },
  {
    mount: (dir) => ({ type: 'mask', target: `${dir}/dev/shm` }),
    show: 'ls -A dev/shm; mkdir dev/shm/x 2>/dev/null || echo masked',
  },
]

function source(dir: string): string {
  mkdirSync(join(dir, 'inner'), { recursive: true })
  writeFileSync(join(dir, 'inner/secret'), 'secret')
  writeFileSync(join(dir, 'file'), 'file\n')
  return dir
}

for (const { name } of INTERFACES) {
  const old = name === 'mount(2)' ? ['--old-mount-api'] : []
  for (const flags of [[], ['--ro'], [asRoot ? '--userns' : '--map-root']]) {
    for (const [first, mount] of Object.entries({
      bind: (dir: string) => ({ type: 'bind', target: '/x', source: source(join(dir, 'first')) }),
      tmpfs: () => ({ type: 'tmpfs', target: '/x' }),
      overlay: (dir: string) => ({ type: 'overlay', target: '/x', lower: source(join(dir, 'first')) }),
    })) {
      test(
        `nothing that lies below an earlier ${first} is lost to a swap of names (${[name, ...flags].join(' ')})`,
        inTemp((dir) => {
          const root = busyboxRoot(join(dir, 'r'), ['x', 'y', 'dev', 'proc'])
          const show = LATER.map(({ show }) => `echo "- $( ${show})"`).join('; ')
          const plan = planOf(['--root', root, ...flags, 'sh', '-c', GO('x', 'y', 'made/deeper') + show])
          plan.mounts = [
            ...(plan.mounts as object[]),
            mount(dir),
            ...LATER.map(({ mount }) => mount('/x', source(join(dir, 'from')))),
          ]
          const before = treeOf(root)
          underSwaps(10, root, 'x', 'y', () => sidecar(plan, old))
          assert.equal(treeOf(root), before)
          const said = sidecar(plan, old).stdout
          assert.is(
            said,
            '- dir\n- made\n- file\n- there\n- masked\nunchanged\n- protected\n- tmpfs\n- file\ninner\n- \n- read-only\n- file\n- proc\n- 1\n- masked\n- dev\n- masked\n',
          )
        }),
      )
    }

    test(
      `the masks of /proc are not lost to a swap of names (${[name, ...flags].join(' ')})`,
      inTemp((dir) => {
        const root = busyboxRoot(join(dir, 'r'), ['proc', 'p2', 'dev'])
        // All its mounts are there, whatever their names, and root can't write to any of them.
        const show =
          'wc -l <self/mountinfo; for p in sys/kernel/core_pattern sysrq-trigger; do (: >>$p) 2>/dev/null && echo $p; done; dd if=kcore bs=1 count=1 2>/dev/null | wc -c'
        const plan = planOf(['--root', root, ...flags, 'sh', '-c', GO('proc', 'p2', 'self/exe') + show])
        underSwaps(40, root, 'proc', 'p2', () => sidecar(plan, old))
        assert.match(sidecar(plan, old).stdout, /^\d+\n0\n$/)
      }),
    )
  }

  test(
    `a mount, and paths below it, are found through links of the root too (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'run', 'var', 'a'])
      symlinkSync('/run', join(root, 'var/run'))
      symlinkSync('../run/b', join(root, 'a/run-b'))
      const from = source(join(dir, 'from'))
      const plan = planOf([
        '--root',
        root,
        'sh',
        '-c',
        'cat /run/secret /run/b/secret; ls /run/b; ls -A /run/b/inner; ls /run/b/inner/x 2>&1',
      ])
      const mounts = [
        { type: 'bind', target: '/run/', source: from },
        { type: 'tmpfs', target: '/run' },
        { type: 'bind', target: '/var/run/b', source: from },
        { type: 'file', target: '/a/../var/./run//secret', source: join(from, 'file') },
        { type: 'file', target: '/a/run-b/secret', source: join(from, 'file') },
        { type: 'mask', target: '/a/run-b/inner' },
        { type: 'protect', target: '/var/run/b' },
      ]
      const { stdout, stderr } = sidecar({ ...plan, mounts }, old)
      assert.is(stdout, 'file\nfile\nfile\ninner\nsecret\nls: /run/b/inner/x: No such file or directory\n', stderr)
      assert.ok(existsSync(join(from, 'secret')))
      assert.equal(treeOf(join(root, 'run')), [])
    }),
  )

  test(
    `a file that an earlier mount lacks is an error, and one that the kernel lacks is not (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['p'])
      const plan = planOf(['--root', root, 'echo', 'ran'])
      mkdirSync(join(root, 'p/sys'))
      const run = (...more: object[]) => sidecar({ ...plan, mounts: [{ type: 'proc', target: '/p' }, ...more] }, old)
      assert.is(
        run(
          { type: 'mask', target: '/p/no-such-thing', kernel: true },
          { type: 'protect', target: '/p/fs/no-such-thing', kernel: true },
        ).stdout,
        'ran\n',
      )
      failure(
        run({ type: 'mask', target: '/p/version/x', kernel: true }),
        /^nsbox: mounts: open: \/p\/version\/x: Not a directory \(ENOTDIR\)\n/,
      )
      failure(
        run({ type: 'mask', target: '/p/no-such-thing' }),
        /^nsbox: mounts: open: \/p\/no-such-thing: No such file or directory \(ENOENT\)\n/,
      )
      failure(run({ type: 'tmpfs', target: '/p/self/x' }), /^nsbox: mounts: make mount point: \/p\/self\/x: /)
    }),
  )
}

const onlyRoot = asRoot ? test : test.skip
onlyRoot(
  'a sysfs that is not where its masks belong is an error; none at all is none (needs root)',
  inTemp((dir) => {
    const inOwn = (script: string, ...args: string[]) =>
      execute('unshare', ['-m', 'sh', '-c', script, 'sh', dir, NSBOX, '--cwd', '/', ...args, 'sh', '-c', 'echo ran'])
    for (const flags of [[], ['--net', 'none'], ['--overlay']]) {
      failure(
        inOwn('mkdir -p "$1/s" && mount --move /sys "$1/s" && shift && exec "$@"', ...flags),
        /^nsbox: mounts: is not a sysfs, and there is one elsewhere in the root: \/sys\nhint: /,
      )
      assert.is(inOwn('umount -R /sys && shift && exec "$@"', ...flags).stdout, 'ran\n')
    }
  }),
)

onlyRoot(
  'another proc file system somewhere below the root is no hindrance, nor is the root bound below itself (needs root)',
  inTemp((dir) => {
    const inOwn = (script: string, args: readonly string[], command: readonly string[]) =>
      execute('unshare', [
        '-m',
        'sh',
        '-c',
        script,
        'sh',
        dir,
        ...command,
        '--cwd',
        '/',
        ...args,
        'sh',
        '-c',
        'grep -c " /proc/sys ro" /proc/self/mountinfo',
      ])
    mkdirSync(join(dir, 'p'))
    mkdirSync(join(dir, 'r'))
    for (const flags of [[], ['--ro'], ['--overlay'], ['--userns'], ['--tmpfs', '/tmp'], ['--nest']]) {
      const { stdout, stderr } = inOwn(
        'mount -t proc proc "$1/p" && mount --rbind / "$1/r" && shift && exec "$@"',
        flags,
        [NSBOX, '--quiet'],
      )
      assert.is(stdout, '1\n', `${flags.join(' ')}\n${stderr}`)
    }
  }),
)

test.run()
