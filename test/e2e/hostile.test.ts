/**
 * A hostile root, whose directories are links to the outside, at every option that names a path in the box, by both
 * mount interfaces. Whatever a box does with them, nothing outside may be mounted, made or changed.
 */
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  BIN,
  busyboxRoot,
  execute,
  INTERFACES,
  inTemp,
  nsbox,
  sidecar,
  SIDECAR,
  treeOf,
} from '../helpers/nsbox.ts'

/** Options that mount or make something at a path of the box, with the box's command. */
const OPTIONS: Record<string, (path: string, source: string) => string[]> = {
  bind: (path, source) => ['--bind', `${source}:${path}`],
  'ro-bind': (path, source) => ['--ro-bind', `${source}:${path}`],
  'dev-bind': (path, source) => ['--dev-bind', `${source}:${path}`],
  tmpfs: (path) => ['--tmpfs', path],
  proc: (path) => [`--proc=${path}`],
  dev: (path) => [`--dev=${path}`],
  dir: (path) => ['--dir', path],
  symlink: (path) => ['--symlink', `made:${path}`],
  file: (path, source) => ['--file', `${source}/file:${path}`],
  mask: (path) => ['--mask', path],
}

/** The targets of the root's links; VICTIM is a directory of the host. */
const LINKS: Record<string, (victim: string) => string> = {
  absolute: (victim) => victim,
  relative: (victim) => `${'../'.repeat(30)}${victim.slice(1)}`,
  'through /proc/self/root': (victim) => `/proc/self/root${victim}`,
  'through /proc/1/root': (victim) => `/proc/1/root${victim}`,
  'through /proc/self/cwd': () => '/proc/self/cwd',
  ...Object.fromEntries(
    [3, 4, 5, 6, 7, 8, 9].map((fd) => [`through /proc/self/fd/${fd}`, () => `/proc/self/fd/${fd}`]),
  ),
  'into itself': () => 'link',
}

for (const { name, box } of INTERFACES) {
  test(
    `neither the root itself nor a link takes a new /proc or /dev, however the path ends (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['real', 'tmp'])
      symlinkSync('real', join(root, 'link'))
      const before = treeOf(root)
      for (const option of ['proc', 'dev']) {
        for (const path of [
          '/',
          '//',
          '/.',
          '/..',
          '/real/..',
          '/link',
          '/link/',
          '/link/.',
          '/link//',
          '/bin/busybox',
        ]) {
          const { status, stderr } = box(['--root', root, `--${option}=${path}`, 'true'])
          assert.is(status, 125, `${option} ${path}: ${stderr}`)
        }
        assert.ok(Number(box(['--root', root, `--${option}=/real/`, 'sh', '-c', 'ls /real | wc -l']).stdout) > 3)
      }
      assert.equal(treeOf(root), before)
    }),
  )
}

for (const { name, box } of INTERFACES) {
  for (const [option, args] of Object.entries(OPTIONS)) {
    test(
      `CVE-2026-87766: no link leads --${option} out of the root (${name})`,
      inTemp((dir) => {
        const victim = join(dir, 'victim')
        mkdirSync(join(victim, 'sub'), { recursive: true })
        writeFileSync(join(victim, 'file'), 'victim')
        mkdirSync(join(dir, 'source'))
        writeFileSync(join(dir, 'source/file'), 'source')
        const root = busyboxRoot(join(dir, 'r'))
        const before = treeOf(victim)
        const paths = ['/link', '/link/sub', '/link/new', '/link/new/deeper', '/tmp/../link/new']
        const plans = paths.map(
          (path) => nsbox(['plan', '--root', root, ...args(path, join(dir, 'source')), 'sh', '-c', 'echo ran']).stdout,
        )
        for (const [way, to] of Object.entries(LINKS)) {
          rmSync(join(root, 'link'), { force: true })
          symlinkSync(to(victim), join(root, 'link'))
          for (const [i, path] of paths.entries()) {
            const { status, stdout, stderr } = sidecar(plans[i], name === 'mount(2)' ? ['--old-mount-api'] : [])
            assert.equal(treeOf(victim), before, `${way} ${path}`)
            // A link to a path of the host leads to that path in the root. It may be made there, or nsbox fails.
            if (status === 0) assert.is(stdout, 'ran\n')
            else assert.match(stderr, /^nsbox: (mounts|root): [^\n]*\n(hint: [^\n]*\n)?$/, `${way} ${path}: ${status}`)
          }
        }
        assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), victim)
      }),
    )
  }

  test(
    `CVE-2024-21626: a command's directory that is a link to the outside is inside or refused (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      writeFileSync(join(dir, 'marker'), '')
      for (const to of [
        dir,
        `${'../'.repeat(30)}${dir.slice(1)}`,
        '/proc/self/root',
        '/proc/1/root',
        '/proc/1/cwd',
        ...[3, 4, 5, 6, 7, 8, 9].map((fd) => `/proc/self/fd/${fd}`),
      ]) {
        rmSync(join(root, 'link'), { force: true })
        symlinkSync(to, join(root, 'link'))
        for (const cwd of ['/link', to.startsWith('/') ? to : '/link']) {
          const { status, stdout } = box(['--root', root, '--cwd', cwd, 'sh', '-c', 'ls; ls ..; ls ../../..'])
          assert.ok(status === 0 || status === 125, `${cwd} -> ${to}: ${status}`)
          assert.not.match(stdout, 'marker')
        }
      }
    }),
  )

  test(
    `CVE-2023-27561: a link in the place of /proc or /dev is refused (${name})`,
    inTemp((dir) => {
      for (const place of ['proc', 'dev']) {
        const root = busyboxRoot(join(dir, place), [])
        mkdirSync(join(root, 'real'))
        symlinkSync('real', join(root, place))
        const { status, stderr } = box(['--root', root, 'true'])
        assert.is(status, 125)
        assert.match(stderr, new RegExp(`^nsbox: mounts: is a symbolic link: /${place}\nhint: `))
      }
    }),
  )

  test(
    `CVE-2025-31133: the devices are the host's, whatever the root has in /dev (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      writeFileSync(join(root, 'dev/null'), 'not null')
      symlinkSync('/etc/passwd', join(root, 'dev/zero'))
      const { stdout, stderr } = box([
        '--root',
        root,
        'sh',
        '-c',
        'stat -c "%t:%T" /dev/null /dev/zero; echo x > /dev/null; cat /dev/null',
      ])
      assert.is(stdout, '1:3\n1:5\n', stderr)
      assert.is(readFileSync(join(root, 'dev/null'), 'utf8'), 'not null')
    }),
  )

  test(
    `CVE-2024-21626: no directory that the caller has open is open in the box (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      const fd = openSync(dir, 'r')
      const stdio = ['ignore', 'pipe', 'pipe', ...Array.from({ length: 20 }, () => fd)] as never
      const plan = nsbox(['plan', '--root', root, 'ls', '/proc/self/fd', '/proc/1/fd']).stdout
      const file = join(dir, 'plan.json')
      writeFileSync(file, plan)
      const look = () =>
        (name === 'mount(2)'
          ? execute(SIDECAR, ['--plan', file, '--old-mount-api'], { stdio })
          : nsbox(['run', '--plan', file], { stdio })
        ).stdout
      // 3 is the directory that ls reads. Process 1 has only the socket to the supervisor once it has seen the command
      // start, and an ordinary user doesn't even see that.
      const expected = `/proc/1/fd:\n${asRoot ? '3\n' : ''}\n/proc/self/fd:\n0\n1\n2\n3\n`
      let found = look()
      assert.match(found, /\/proc\/self\/fd:\n0\n1\n2\n3\n$/)
      for (let tries = 0; tries < 50 && found !== expected; tries++) found = look()
      closeSync(fd)
      assert.is(found, expected)
    }),
  )

  const onlyRoot = asRoot ? test : test.skip
  onlyRoot(
    `double chroot: the ways out of a chroot do not lead out of a box, as root with all capabilities (${name}) (needs root)`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      writeFileSync(join(dir, 'marker'), '')
      execute('cp', [join(BIN, 'chroot_escape'), root])
      const { stdout, stderr } = box([
        '--root',
        root,
        '--cap-add',
        'all',
        '--tmpfs',
        '/tmp',
        '/chroot_escape',
        join(dir, 'marker'),
      ])
      const lines = stdout.trim().split('\n')
      assert.ok(lines.length >= 5, stdout + stderr)
      assert.equal(
        lines.filter((line) => !line.endsWith(': inside')),
        [],
      )
      // The test can fail: from a plain chroot the same program gets out.
      const chroot = execute('chroot', [root, '/chroot_escape', join(dir, 'marker')]).stdout
      assert.match(chroot, 'twice: outside')
    }),
  )

  test(
    `CVE-2024-45310: a directory that turns into a link while boxes start leads none of them out (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      const victim = join(dir, 'victim')
      mkdirSync(join(victim, 'a'), { recursive: true })
      mkdirSync(join(root, 'x/a'), { recursive: true })
      symlinkSync(victim, join(root, 'y'))
      const before = treeOf(victim)
      const flip = spawn(join(BIN, 'flip'), [join(root, 'x'), join(root, 'y')], { stdio: 'inherit' })
      try {
        const plan = nsbox([
          'plan',
          '--root',
          root,
          '--tmpfs',
          '/x/a',
          '--dir',
          '/x/made',
          '--symlink',
          'l:/x/link',
          '--file',
          '/etc/passwd:/x/a/file',
          'true',
        ]).stdout
        let ran = 0
        for (let i = 0; i < 400; i++) {
          const { status, stderr } = sidecar(plan, name === 'mount(2)' ? ['--old-mount-api'] : [])
          if (status === 0) ran++
          else assert.match(stderr, /^nsbox: mounts: /)
        }
        assert.ok(ran > 0, 'none of the boxes ran')
        assert.is(flip.exitCode, null, 'the swapping has ended early')
        assert.equal(treeOf(victim), before)
      } finally {
        flip.kill('SIGKILL')
      }
      assert.ok(existsSync(victim))
    }),
  )
}

test.run()
