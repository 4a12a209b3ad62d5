/**
 * Known failures of such tools: paths of the host and of the box that are not what they seem. Each test is named by
 * its lesson.
 */
// seconds: 200
import { spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  BIN,
  busyboxRoot,
  failure,
  INTERFACES,
  inTemp,
  nsbox,
  planOf,
  SIDECAR,
  sidecar,
  treeOf,
} from '../helpers/nsbox.ts'

/** A directory of the host that must stay out of reach, and its contents. */
function victimIn(dir: string): { victim: string; before: string[] } {
  const victim = join(dir, 'victim')
  mkdirSync(victim)
  writeFileSync(join(victim, 'file'), 'secret')
  return { victim, before: treeOf(victim) }
}

for (const { name, box } of INTERFACES) {
  const flags = name === 'mount(2)' ? ['--old-mount-api'] : []

  test(
    `CVE-2026-41579: no device node is made behind a link in the place of /dev (${name})`,
    inTemp((dir) => {
      const { victim, before } = victimIn(dir)
      for (const to of [victim, `${'../'.repeat(20)}${victim.slice(1)}`, '/proc/self/cwd', '/proc/self/fd/3']) {
        const root = join(dir, 'r')
        rmSync(root, { recursive: true, force: true })
        busyboxRoot(root, ['proc', 'tmp'])
        symlinkSync(to, join(root, 'dev'))
        for (const args of [[], ['--dev'], ['--dev=/dev/deeper']]) {
          const { status } = box(['--root', root, ...args, 'true'])
          assert.ok(status === 125 || status === 0, String(status))
          assert.equal(treeOf(victim), before, to)
        }
      }
    }),
  )

  test(
    `CVE-2025-52881, CVE-2019-19921: what is no procfs is neither masked nor written to as if it were one (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['dev', 'tmp', 'fake/sys/kernel', 'fake/self'])
      writeFileSync(join(root, 'fake/keys'), 'mine')
      for (const file of ['uid_map', 'gid_map', 'setgroups', 'oom_score_adj'])
        writeFileSync(join(root, 'fake/self', file), 'untouched\n')
      const before = treeOf(join(root, 'fake'))
      // A plan's masks are for files of the kernel. Here files of a bind and of a tmpfs have their names.
      const plan = planOf([
        '--root',
        root,
        '--proc',
        '--hostname',
        'x',
        'sh',
        '-c',
        'cat /proc/keys; cat /proc/self/uid_map; echo x >/proc/sys/kernel/new && echo writable',
      ]) as { mounts: { type: string }[] } & ReturnType<typeof planOf>
      plan.mounts = plan.mounts.map((mount) =>
        mount.type === 'proc' ? { type: 'bind', source: join(root, 'fake'), target: '/proc' } : mount,
      )
      const { stdout, stderr } = sidecar(plan, flags)
      assert.is(stdout, 'mineuntouched\nwritable\n', stderr)
      assert.equal(
        treeOf(join(root, 'fake')).filter((line) => !line.startsWith('sys/kernel/new')),
        before,
      )
    }),
  )

  test(
    `CVE-2025-31133: a mask that names a link of the root is refused, and one of the kernel's files follows none (${name})`,
    inTemp((dir) => {
      const { victim, before } = victimIn(dir)
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'tmp', 'data'])
      for (const [path, to] of [
        ['data/file', join(victim, 'file')],
        ['data/null', '/dev/null'],
        ['data/up', '../../victim'],
      ] as const) {
        symlinkSync(to, join(root, path))
        failure(
          box(['--root', root, '--mask', `/${path}`, 'true']),
          /^nsbox: mounts: is a symbolic link: name the file that it leads to: /,
        )
      }
      assert.equal(treeOf(victim), before)
    }),
  )

  test(
    `ns#325: a last component that is a link stays in the root by both interfaces (${name})`,
    inTemp((dir) => {
      const { victim, before } = victimIn(dir)
      const root = busyboxRoot(join(dir, 'r'))
      const plan = planOf(['--root', root, 'true'])
      for (const type of ['tmpfs', 'overlay', 'protect', 'mask', 'cgroup', 'proc', 'dev', 'bind']) {
        for (const to of [victim, `${'../'.repeat(20)}${victim.slice(1)}`, '/proc/1/root/etc']) {
          rmSync(join(root, 'last'), { force: true })
          symlinkSync(to, join(root, 'last'))
          const more = type === 'overlay' ? { lower: victim } : type === 'bind' ? { source: victim } : {}
          const { status, stderr } = sidecar({ ...plan, mounts: [{ type, target: '/last', ...more }] }, flags)
          assert.ok(status === 0 || status === 125, `${type} ${to}: ${status} ${stderr}`)
          assert.equal(treeOf(victim), before, type)
          for (const made of ['victim', 'etc', join(root, victim.slice(1))])
            rmSync(made.startsWith('/') ? made : join(root, 'nothing'), { recursive: true, force: true })
        }
      }
      assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), victim)
    }),
  )

  test(
    `CVE-2024-42472: a box that has put a link in the place of its own directory is refused with --no-follow (${name})`,
    inTemp((dir) => {
      const { victim, before } = victimIn(dir)
      const work = join(dir, 'work')
      mkdirSync(join(work, 'cache'), { recursive: true })
      mkdirSync(join(dir, 'r'))
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'work', 'cache'])
      const args = (...more: string[]) => [
        '--root',
        root,
        '--bind',
        `${work}:/work`,
        '--bind',
        `${work}/cache:/cache`,
        ...more,
        'sh',
        '-c',
      ]
      assert.is(box([...args('--no-follow'), `rmdir /work/cache && ln -s ${victim} /work/cache`]).status, 0)
      failure(
        box([...args('--no-follow'), 'echo x >/cache/file']),
        new RegExp(`^nsbox: mounts: bind: ${work}/cache: .*\\(ELOOP\\)\nhint: --no-follow `),
      )
      assert.equal(treeOf(victim), before)
      // A link anywhere in a path, and for each option that takes one.
      symlinkSync(dir, join(dir, 'r/link'))
      symlinkSync('r', join(dir, 'way'))
      const refused: [string[], RegExp][] = [
        [['--root', join(dir, 'way')], /ELOOP/],
        [['--root', root, '--ro-bind', `${dir}/way/bin:/x`], /ELOOP/],
        [['--root', root, '--file', `${dir}/way/bin/busybox:/x`], /ELOOP/],
        [['--root', root, '--file', `${dir}/r/bin/sh:/x`], /ELOOP/],
        [['--root', join(dir, 'way'), '--overlay'], /ELOOP/],
      ]
      for (const [options, cause] of refused) failure(box(['--no-follow', ...options, 'true']), cause)
      // Paths without links still work.
      assert.is(
        box([
          '--no-follow',
          '--root',
          `${dir}/./work/../r`,
          '--ro-bind',
          '/dev/null:/null',
          '--file',
          '/etc/passwd:/p',
          'true',
        ]).status,
        0,
      )
    }),
  )

  test(
    `CVE-2024-42472: a source that turns into a link while boxes start is the directory or refused, never what the link names (${name})`,
    inTemp((dir) => {
      const { victim, before } = victimIn(dir)
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'm'])
      const source = join(dir, 'source')
      mkdirSync(source)
      symlinkSync(victim, join(dir, 'other'))
      const plan = JSON.stringify(
        planOf([
          '--no-follow',
          '--root',
          root,
          '--bind',
          `${source}:/m`,
          'sh',
          '-c',
          'test -e /m/file && echo leak; echo x >/m/written; rm /m/written',
        ]),
      )
      const flip = spawn(join(BIN, 'flip'), [source, join(dir, 'other')], { stdio: 'inherit' })
      const seen = { ran: 0, refused: 0 }
      try {
        for (let i = 0; i < 150; i++) {
          const { status, stdout, stderr } = sidecar(plan, flags)
          assert.is(stdout, '')
          if (status === 0) seen.ran++
          else {
            assert.match(stderr, /ELOOP/)
            seen.refused++
          }
        }
        assert.is(flip.exitCode, null, 'the swapping has ended early')
      } finally {
        flip.kill('SIGKILL')
      }
      assert.ok(seen.ran > 0 && seen.refused > 0, JSON.stringify(seen))
      assert.equal(treeOf(victim), before)
    }),
  )
}

test(
  'cc#94008: 64 boxes at once, some of them killed while they start, leave nothing on the host but mount points that were named',
  inTemp(async (dir) => {
    const host = join(dir, 'host')
    const root = busyboxRoot(join(host, 'r'), ['proc', 'dev', 'tmp', 'secret'])
    mkdirSync(join(host, 'source'))
    writeFileSync(join(root, 'secret/key'), 'secret')
    writeFileSync(join(root, 'password'), 'secret')
    const before = treeOf(host)
    const shapes = [
      ['--mask', '/secret', '--mask', '/password'],
      ['--mask', '/secret', '--tmpfs', '/named', '--ro-bind', `${host}/source:/tmp`],
      ['--overlay', '--tmpfs', '/vanishes', '--dir', '/gone', '--mask', '/password'],
      ['--ro', '--mask', '/password', '--tmpfs', '/tmp'],
    ]
    const boxes = Array.from({ length: 64 }, (_, i) => {
      // Only the sidecar, so that it is killed during its own work, and not during the front end's.
      const plan = JSON.stringify(
        planOf(['--root', root, ...(shapes[i % 4] ?? []), 'sh', '-c', 'cat /secret/key /password; sleep 0.02']),
      )
      return { plan, kill: i % 3 === 0 ? i / 8 : undefined }
    })
    const outputs = await Promise.all(
      boxes.map(async ({ plan, kill }) => {
        const box = Bun.spawn([SIDECAR, '--plan-fd', '0'], {
          stdin: new Blob([plan]),
          stdout: 'pipe',
          stderr: 'ignore',
        })
        if (kill !== undefined) {
          await Bun.sleep(kill)
          box.kill('SIGKILL')
        }
        await box.exited
        return new Response(box.stdout).text()
      }),
    )
    assert.ok(outputs.filter((text) => text !== '').length <= 48, 'a mask was not there')
    // A box that is killed by KILL removes nothing, so empty mount points that options name may be left.
    assert.equal(
      treeOf(host).filter((line) => !before.includes(line) && !/^r\/named 40755$/.test(line)),
      [],
    )
    assert.equal(
      before.filter((line) => !treeOf(host).includes(line)),
      [],
    )
    assert.not.match(readFileSync('/proc/self/mountinfo', 'utf8'), host)
  }),
)

test(
  'ai-jail: nsbox reads no helper and no setting from places where others could put them',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    const planted = '#!/bin/sh\necho planted >&2; exit 77\n'
    const home = join(dir, 'home')
    for (const place of ['here', 'tmp', 'path', 'home', 'home/.config']) {
      mkdirSync(join(dir, place), { recursive: true })
      for (const name of [
        'nsbox-sidecar',
        'nsbox',
        'newuidmap',
        'newgidmap',
        'bwrap',
        'bun',
        'node',
        'mount',
        'sh',
        'busybox',
      ])
        writeFileSync(join(dir, place, name), planted, { mode: 0o755 })
      writeFileSync(join(dir, place, 'preload.ts'), 'console.error("planted"); process.exit(77)\n')
      for (const name of ['bunfig.toml', '.bunfig.toml'])
        writeFileSync(join(dir, place, name), 'preload = ["./preload.ts"]\n')
      writeFileSync(join(dir, place, '.env'), 'NSBOX_PLANTED=1\nBUN_OPTIONS=--preload=./preload.ts\n')
      writeFileSync(
        join(dir, place, 'package.json'),
        '{"name":"planted","type":"commonjs","imports":{"#x":"./preload.ts"}}\n',
      )
      writeFileSync(
        join(dir, place, 'tsconfig.json'),
        '{"compilerOptions":{"paths":{"*":["./preload.ts"]},"jsx":"react","jsxImportSource":"./preload.ts"}}\n',
      )
    }
    const env = {
      ...process.env,
      PATH: `${dir}/path:${process.env.PATH}`,
      TMPDIR: join(dir, 'tmp'),
      HOME: home,
      XDG_CONFIG_HOME: join(home, '.config'),
    }
    const plan = nsbox(['plan', '--root', root, '--map-auto', 'true'])
    for (const args of [
      ['--root', root, '/bin/env'],
      ...(plan.status === 0 ? [['--root', root, '--map-auto', '/bin/env']] : []),
    ]) {
      const { status, stdout, stderr } = nsbox(args, { cwd: join(dir, 'here'), env })
      assert.is(status, 0, stderr)
      assert.is(stderr, '')
      assert.not.match(stdout, 'NSBOX_PLANTED')
    }
  }),
)

test(
  'fj#7132: files that a box leaves in its directory change nothing for the next one',
  inTemp((dir) => {
    const work = join(dir, 'work')
    mkdirSync(work)
    const box = (...command: string[]) => nsbox(['--bind', `${work}:${work}`, ...command], { cwd: work })
    const before = nsbox(['plan', 'true'], { cwd: work }).stdout
    const files = [
      'bunfig.toml',
      '.bunfig.toml',
      '.env',
      '.env.local',
      '.env.production',
      'package.json',
      'tsconfig.json',
      'nsbox.json',
      'nsbox.config.ts',
      '.nsboxrc',
      'default',
      'none',
    ]
    assert.is(
      box(
        'sh',
        '-c',
        `for f in ${files.join(' ')}; do echo '{"preload":["./x.ts"]}' >$f; done; echo 'preload = ["./x.ts"]' >bunfig.toml; echo 'throw 1' >x.ts; echo 'NSBOX_PLANTED=1' >.env`,
      ).status,
      0,
    )
    assert.ok(existsSync(join(work, '.env')) && lstatSync(join(work, 'none')).isFile())
    assert.is(nsbox(['plan', 'true'], { cwd: work }).stdout, before)
    const { status, stdout, stderr } = box('env')
    assert.is(status, 0, stderr)
    assert.not.match(stdout, 'NSBOX_PLANTED')
    // A word is never a file name: "none" means no filter, and not the profile with that name.
    assert.is(
      nsbox(['--seccomp', 'none', 'grep', 'Seccomp:', '/proc/self/status'], { cwd: work }).stdout,
      'Seccomp:\t0\n',
    )
  }),
)

test.run()
