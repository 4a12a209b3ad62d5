/** A box that fails removes what it has made in its root, and nothing that another box uses. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, busyboxRoot, execute, INTERFACES, inTemp, NSBOX, nsbox, SIDECAR, treeOf } from '../helpers/nsbox.ts'

const MAKING = ['--tmpfs', '/new/deep', '--dir', '/other', '--symlink', 'to:/link', '--file', '/etc/passwd:/copy']

for (const { name, box } of INTERFACES) {
  for (const flags of [[], ['--no-init'], ['--share', 'pid'], ['--ro'], ['--user', '7'], ['--new-session']]) {
    test(
      `a missing command leaves the root as it was (${[name, ...flags].join(' ')})`,
      inTemp((dir) => {
        const root = busyboxRoot(join(dir, 'r'))
        const before = treeOf(root)
        assert.is(box(['--root', root, ...flags, ...MAKING, 'nowhere']).status, 127)
        assert.equal(treeOf(root), before)
        assert.is(box(['--root', root, ...flags, ...MAKING, '--dir', '/bin/busybox', 'true']).status, 125)
        assert.equal(treeOf(root), before)
      }),
    )
  }
}

test(
  'a file that somebody else has put there meanwhile stays',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    // A background process puts a file there, and the command is then not found.
    const { status } = nsbox([
      '--root',
      root,
      '--dir',
      '/made',
      '--bind',
      `${root}:/all`,
      'sh',
      '-c',
      'echo x >/made/file',
    ])
    assert.is(status, 0)
    assert.is(nsbox(['--root', root, '--dir', '/made/deep', 'nowhere']).status, 127)
    assert.equal(
      treeOf(join(root, 'made')).map((line) => line.split(' ')[0]),
      ['file'],
    )
  }),
)

test(
  'a thousand mount points are removed',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    const before = treeOf(root)
    const options = Array.from({ length: 1000 }, (_, i) => ['--dir', `/d${i % 10}/${i}`]).flat()
    assert.is(
      execute('bash', ['-c', 'ulimit -Sn 64; "$@"; exit $?', 'sh', NSBOX, '--root', root, ...options, 'nowhere'])
        .status,
      127,
    )
    assert.equal(treeOf(root), before)
  }),
)

test(
  'boxes that fail take nothing from those that start on the same root, or run',
  inTemp(async (dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    for (let round = 0; round < 6; round++) {
      rmSync(join(root, 'm'), { recursive: true, force: true })
      const results = await Promise.all(
        Array.from({ length: 16 }, async (_, i) => {
          const command =
            i % 2
              ? ['nowhere']
              : [
                  'sh',
                  '-c',
                  'i=0; while [ $i -lt 20 ]; do echo x >/m/sub/file || exit 9; i=$((i+1)); done; grep -c " /m/sub " /proc/self/mountinfo',
                ]
          const box = Bun.spawn([NSBOX, '--root', root, '--tmpfs', '/m/sub', ...command], {
            stdout: 'pipe',
            stderr: 'pipe',
          })
          return {
            status: await box.exited,
            out: await new Response(box.stdout).text(),
            error: await new Response(box.stderr).text(),
          }
        }),
      )
      for (const [i, { status, out, error }] of results.entries()) {
        assert.is(status, i % 2 ? 127 : 0, error)
        if (i % 2 === 0) assert.is(out, '1\n', error)
      }
    }
  }),
)

test(
  'a directory is made with the mode that is asked for, sticky and set-id bits too',
  inTemp((dir) => {
    const root = busyboxRoot(join(dir, 'r'))
    for (const mode of ['1777', '2755', '0700', '0755'])
      assert.is(
        nsbox(['--root', root, '--dir', `/d${mode}:${mode}`, 'stat', '-c', '%a', `/d${mode}`]).stdout,
        `${mode.replace(/^0/, '')}\n`,
      )
  }),
)

if (asRoot) {
  test(
    'when the command starts, process 1 has no directory of the host open',
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'tmp', 'm'])
      writeFileSync(join(dir, 'file'), '')
      mkdirSync(join(dir, 'state'))
      const shapes = [['--root', root], ['--root', root, '--overlay'], ['--root', root, '--ro'], [], ['--overlay']]
      for (const shape of shapes) {
        const plan = nsbox([
          'plan',
          '--cap-add',
          'all',
          ...shape,
          '--tmpfs',
          '/tmp',
          '--bind',
          `${dir}:/tmp/b`,
          '--file',
          `${dir}/file:/tmp/f`,
          'sh',
          '-c',
          'for f in /proc/1/fd/*; do echo "${f##*/} $(readlink $f)"; done',
        ]).stdout
        writeFileSync(join(dir, 'plan'), plan)
        for (const flag of [[], ['--old-mount-api']]) {
          // strace slows process 1 down after the command's start.
          const { status, stdout, stderr } = execute('strace', [
            '-f',
            '-qq',
            '-o',
            '/dev/null',
            '-e',
            'trace=close_range',
            '-e',
            'inject=close_range:delay_enter=100000',
            SIDECAR,
            ...flag,
            '--plan',
            join(dir, 'plan'),
          ])
          assert.is(status, 0, stderr)
          const open = stdout
            .trim()
            .split('\n')
            .filter((line) => !/^[012] /.test(line) && !/ socket:/.test(line))
            // The descriptor was closed between the two looks.
            .filter((line) => !/^\d+ ?$/.test(line))
          // Directories that were made in the root are the box's own, and so is the caller's directory on the box's
          // overlay. Others have a name outside.
          const own = ['/', '/tmp', ...(shape.includes('--overlay') ? [process.cwd()] : [])]
          assert.equal(
            open.filter((line) => !own.includes(line.slice(line.indexOf(' ') + 1))),
            [],
            stdout,
          )
          assert.match(stdout, / socket:/, 'the descriptors of process 1 were looked at too late')
        }
      }
    }),
  )

  test(
    'mounts of a running box survive another box that fails on the same root',
    inTemp(async (dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      const box = Bun.spawn(
        [NSBOX, '--root', root, '--tmpfs', '/m', 'sh', '-c', 'echo ready; read x; grep -c " /m " /proc/self/mountinfo'],
        { stdin: 'pipe', stdout: 'pipe' },
      )
      const reader = box.stdout.getReader()
      await reader.read()
      for (let i = 0; i < 3; i++)
        assert.is(nsbox(['--root', root, '--tmpfs', '/m', '--dir', '/m/x', 'nowhere']).status, 127)
      box.stdin.write('\n')
      box.stdin.end()
      assert.is(new TextDecoder().decode((await reader.read()).value), '1\n')
    }),
  )
}

if (!asRoot) {
  test('a user finds no descriptor of process 1, whatever capabilities the command has', () => {
    const { stdout } = nsbox([
      '--cap-add',
      'all',
      'sh',
      '-c',
      'for f in fd root cwd exe mem environ maps; do cat /proc/1/$f >/dev/null 2>&1 || ls /proc/1/$f/ >/dev/null 2>&1 && echo $f; done; echo done',
    ])
    assert.is(stdout, 'done\n')
  })
}

test.run()
