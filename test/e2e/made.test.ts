/** On the host's own root nothing that a box makes is left, and below "/" or with --ro nothing is made at all. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, failure, INTERFACES, inTemp, NSBOX, nsbox, treeOf } from '../helpers/nsbox.ts'

const top = () => readdirSync('/').sort()

for (const { name, box } of INTERFACES) {
  test(
    `with --ro, and directly below /, nothing is made on the host (${name})`,
    inTemp((dir) => {
      mkdirSync(join(dir, 'p'))
      writeFileSync(join(dir, 'file'), 'content')
      const before = [top(), treeOf(dir)]
      const works = (args: readonly string[], script: string, expected: string) => {
        const { status, stdout, stderr } = box([...args, '--cwd', '/', 'sh', '-c', script])
        assert.is(stdout, expected, `${args.join(' ')}\n${stderr}`)
        assert.is(status, 0, stderr)
        assert.equal([top(), treeOf(dir)], before, args.join(' '))
      }
      works(
        ['--ro', '--tmpfs', '/nsbox-x'],
        'touch /nsbox-x/y; ls /nsbox-x; touch /nsbox-z 2>/dev/null || echo sealed',
        'y\nsealed\n',
      )
      works(['--ro', '--dir', '/nsbox-x/y:0701'], 'stat -c %a /nsbox-x/y', '701\n')
      works(['--ro', '--symlink', '..:/nsbox-x'], 'readlink /nsbox-x', '..\n')
      works(['--ro', '--file', `${dir}/file:/nsbox-x`], 'cat /nsbox-x', 'content')
      works(
        ['--ro', '--proc=/nsbox-p', '--dev=/nsbox-d'],
        'test -e /nsbox-p/self && test -c /nsbox-d/null && echo yes',
        'yes\n',
      )
      works(
        ['--ro-bind', `${dir}/file:/nsbox/such/dir/f`],
        'cat /nsbox/such/dir/f; touch /nsbox/y 2>/dev/null || echo sealed',
        'contentsealed\n',
      )
      works(['--tmpfs', '/nsbox,x'], 'touch /nsbox-z 2>/dev/null || echo sealed', 'sealed\n')
      works(
        ['--ro', '--tmpfs', `${dir}/new/deep`, '--file', `${dir}/file:${dir}/copy`, '--tmpfs', '/nsbox-x'],
        `ls ${dir}; cat ${dir}/copy; touch ${dir}/z 2>/dev/null || echo sealed`,
        'copy\nfile\nnew\np\ncontentsealed\n',
      )
      works(
        ['--ro', '--tmpfs', `${dir}/new`, '--bind', `${dir}/p`],
        `ls ${dir}; touch ${dir}/p/x && rm ${dir}/p/x && echo writable`,
        'file\nnew\np\nwritable\n',
      )
      // A view shows what was there, with all that is mounted below.
      assert.equal(
        box(['--ro', '--tmpfs', '/nsbox-x', '--cwd', '/', 'ls', '-A', '/']).stdout.trim().split('\n').sort(),
        [...(before[0] as string[]), 'nsbox-x'].sort(),
      )
    }),
  )

  test(
    `a bind below / is writable, for an ordinary user too (${name})`,
    inTemp((dir) => {
      writeFileSync(join(dir, 'file'), 'content')
      const before = top()
      const { stdout, stderr } = box([
        '--bind',
        `${dir}:/nsbox-work`,
        '--cwd',
        '/nsbox-work',
        'sh',
        '-c',
        'pwd; echo new >made; cat file',
      ])
      assert.is(stdout, '/nsbox-work\ncontent', stderr)
      assert.is(readFileSync(join(dir, 'made'), 'utf8'), 'new\n')
      assert.equal(top(), before)
    }),
  )

  test(
    `elsewhere a mount point is there while the box runs, and goes with it (${name})`,
    inTemp((dir) => {
      writeFileSync(join(dir, 'file'), 'content')
      const before = treeOf(dir)
      const making = [
        '--tmpfs',
        `${dir}/new/deep`,
        '--ro-bind',
        `${dir}/file:${dir}/a/b`,
        '--dir',
        `${dir}/made`,
        '--symlink',
        `to:${dir}/link`,
      ]
      for (const [flags, command, status] of [
        [[], 'true', 0],
        [['--no-init'], 'true', 0],
        [['--share', 'pid'], 'false', 1],
        [[], 'kill -9 $$', 137],
        [['--timeout', '100ms'], 'sleep 60', 124],
      ] as const) {
        const ran = box([
          ...flags,
          ...making,
          '--cwd',
          '/',
          'sh',
          '-c',
          `test -d ${dir}/new/deep && test -e ${dir}/a/b && ${command}`,
        ])
        assert.is(ran.status, status, ran.stderr)
        assert.equal(treeOf(dir), before, flags.join(' '))
      }
      assert.is(box([...making, '--cwd', '/', 'nsbox-no-such-command']).status, 127)
      assert.equal(treeOf(dir), before)
    }),
  )
}

for (const { name, box } of INTERFACES) {
  test(
    `where nothing can be made, the hint names a way out that works (${name})`,
    inTemp((dir) => {
      mkdirSync(join(dir, 'p'))
      writeFileSync(join(dir, 'file'), '')
      const fails = (args: readonly string[], wanted: RegExp) => failure(box([...args, '--cwd', '/', 'true']), wanted)
      for (const flags of [[], ['--ro']]) {
        const below = ['--ro-bind', `${dir}/p`]
        const hint = `\\(EROFS\\)\nhint: make it first in what is mounted on ${dir}/p`
        fails([...flags, ...below, '--tmpfs', `${dir}/p/new`], new RegExp(`make mount point: ${dir}/p/new: .*${hint}`))
        fails(
          [...flags, ...below, '--symlink', `x:${dir}/p/new`],
          new RegExp(`make symbolic link: ${dir}/p/new: .*${hint}`),
        )
      }
      mkdirSync(join(dir, 'p/new'))
      assert.is(
        box(['--ro-bind', `${dir}/p`, '--tmpfs', `${dir}/p/new`, '--cwd', '/', 'touch', `${dir}/p/new/x`]).status,
        0,
      )
      for (const at of ['/proc/nsbox', '/sys/nsbox'])
        fails(['--bind', `${dir}/p:${at}`], /\nhint: only the kernel makes files there/)
      fails(['--symlink', `x:${dir}/file`], /File exists \(EEXIST\)\nhint: --bind and --file /)
      if (process.getuid?.() === 0) return
      fails(['--tmpfs', '/usr/nsbox/x'], /\(EACCES\)\nhint: .* use --ro/)
      assert.is(box(['--ro', '--tmpfs', '/usr/nsbox/x', '--cwd', '/', 'touch', '/usr/nsbox/x/y']).status, 0)
      // An overlay gives nobody more rights.
      fails(['--overlay', '--tmpfs', '/usr/share/nsbox'], /\(EACCES\)\nhint: .*use --ro in place of --overlay/)
    }),
  )
}

test(
  '--verbose names each mount point that is made, once',
  inTemp((dir) => {
    writeFileSync(join(dir, 'file'), '')
    const args = ['--bind', `${dir}/file:${dir}/a/b/c`, '--symlink', `to:${dir}/link`, '--tmpfs', '/nsbox-x']
    const { stderr } = nsbox(['--verbose', ...args, '--cwd', '/', 'true'])
    const made = stderr.split('\n').filter((line) => line.includes(': made ') && !line.endsWith('/nsbox'))
    assert.equal(
      made,
      [`${dir}/a/b/c`, `${dir}/link`, '/nsbox-x'].map((path) => `nsbox: mounts: made ${path}`),
    )
  }),
)

test(
  'what the command or somebody else has put there stays',
  inTemp((dir) => {
    assert.is(
      nsbox(['--dir', `${dir}/kept`, '--dir', `${dir}/gone`, '--cwd', '/', 'touch', `${dir}/kept/file`]).status,
      0,
    )
    assert.equal(
      treeOf(dir).map((line) => line.split(' ')[0]),
      ['kept', 'kept/file'],
    )
    // The box must not remove one that was there before.
    mkdirSync(join(dir, 'own'))
    assert.is(nsbox(['--tmpfs', `${dir}/own`, '--cwd', '/', 'true']).status, 0)
    assert.ok(existsSync(join(dir, 'own')))
  }),
)

test(
  'a box keeps the mount point that another one has made and would take away',
  inTemp(async (dir) => {
    const words = [
      '--tmpfs',
      `${dir}/m`,
      '--cwd',
      '/',
      'sh',
      '-c',
      `echo ready; read x; touch ${dir}/m/file; grep -c " ${dir}/m " /proc/self/mountinfo`,
    ]
    const start = async () => {
      const box = Bun.spawn([NSBOX, ...words], { stdin: 'pipe', stdout: 'pipe', stderr: 'inherit' })
      const reader = box.stdout.getReader()
      await reader.read()
      return async () => {
        box.stdin.write('\n')
        box.stdin.end()
        const { value } = await reader.read()
        await box.exited
        return new TextDecoder().decode(value)
      }
    }
    const first = await start()
    const second = await start()
    assert.is(await first(), '1\n')
    assert.is(await second(), '1\n')
    rmSync(join(dir, 'm'), { recursive: true, force: true })
    const third = await start()
    const fourth = await start()
    assert.is(await fourth(), '1\n')
    assert.is(await third(), '1\n')
    assert.not.ok(existsSync(join(dir, 'm')), 'the one that has made it ended last')
  }),
)

const SHARED: readonly (readonly string[])[] = [
  ['--tmpfs', 'm/deep'],
  ['--dir', 'm/deep'],
  ['--dir', 'm/deep:1777'],
  ['--ro-bind', '/etc/passwd:m/deep'],
  ['--file', '/etc/passwd:m/deep'],
  ['--symlink', '/etc/passwd:m/deep'],
]
for (const [option = '', value = ''] of SHARED) {
  test(
    `the last box takes away what several use, whoever has made it, and what leads there (${option} ${value})`,
    inTemp(async (dir) => {
      const start = async (args: readonly string[]) => {
        const box = Bun.spawn(
          [NSBOX, ...args, '--cwd', '/', 'sh', '-c', `echo ready; read x; test -e ${dir}/m/deep && echo there`],
          { stdin: 'pipe', stdout: 'pipe' },
        )
        const reader = box.stdout.getReader()
        await reader.read()
        return async () => {
          box.stdin.end()
          const { value } = await reader.read()
          await box.exited
          return new TextDecoder().decode(value)
        }
      }
      const args = [option, value.replace('m/', `${dir}/m/`)]
      const maker = await start(args)
      const user = await start(args)
      const beside = await start(['--tmpfs', `${dir}/m/beside`])
      assert.is(await maker(), 'there\n')
      assert.is(await user(), 'there\n', 'its maker has taken it from it')
      await beside()
      assert.equal(readdirSync(dir), [])
      // A directory of the user's own is not a box's, though boxes use it.
      mkdirSync(join(dir, 'm/deep'), { recursive: true })
      const first = await start(['--tmpfs', `${dir}/m/deep`])
      const second = await start(['--tmpfs', `${dir}/m/deep`])
      await first()
      await second()
      assert.equal(readdirSync(join(dir, 'm')), ['deep'])
    }),
  )
}

test(
  'boxes that make and take away one mount point at the same time have it, each of them',
  inTemp(async (dir) => {
    const ran = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const box = Bun.spawn(
          [NSBOX, '--tmpfs', `${dir}/m`, '--cwd', '/', 'grep', '-c', ` ${dir}/m `, '/proc/self/mountinfo'],
          { stdout: 'pipe', stderr: 'pipe' },
        )
        return `${await new Response(box.stdout).text()}${await new Response(box.stderr).text()}${await box.exited}`
      }),
    )
    assert.equal(
      ran.filter((text) => text !== '1\n0'),
      [],
    )
  }),
)

test(
  "in a root of one's own mount points stay",
  inTemp((dir) => {
    mkdirSync(join(dir, 'r/bin'), { recursive: true })
    execute('cp', ['/bin/busybox', join(dir, 'r/bin/sh')])
    assert.is(nsbox(['--root', join(dir, 'r'), '--tmpfs', '/made', 'sh', '-c', 'true']).status, 0)
    assert.ok(existsSync(join(dir, 'r/made')))
  }),
)

test(
  "a directory with too many entries is shown by an overlay, and where that can't be the error says what to do",
  inTemp((dir) => {
    mkdirSync(join(dir, 'many'))
    for (let i = 0; i < 1100; i++) writeFileSync(join(dir, 'many', `f${i}`), '')
    const { stdout, stderr } = nsbox([
      '--ro',
      '--tmpfs',
      `${dir}/many/new`,
      '--cwd',
      '/',
      'sh',
      '-c',
      `ls ${dir}/many | wc -l; touch ${dir}/many/z 2>/dev/null || echo sealed`,
    ])
    assert.is(stdout, '1101\nsealed\n', stderr)
    assert.is(readdirSync(join(dir, 'many')).length, 1100)
    mkdirSync(join(dir, 'many/mounted'))
    const nested = nsbox([
      '--map-root',
      '--cap-add',
      'all',
      '--seccomp',
      'none',
      '--bind',
      '/usr:' + `${dir}/many/mounted`,
      '--cwd',
      '/',
      '--quiet',
      NSBOX,
      '--ro',
      '--tmpfs',
      `${dir}/many/new`,
      '--cwd',
      '/',
      'true',
    ])
    failure(nested, /no mount point can be made in it: .*\nhint: .*make the mount point first/)
  }),
)

test(
  'explain says what will be made, and --verbose what was',
  inTemp((dir) => {
    const text = (...args: string[]) => nsbox(['explain', ...args, '--cwd', '/', 'true']).stdout.replace(/\s+/g, ' ')
    assert.match(
      text('--tmpfs', `${dir}/new/deep`),
      `${dir}/new/deep does not exist on the host: it is made for the box, and removed with it.`,
    )
    assert.match(
      text('--tmpfs', '/nsbox-x'),
      'A mount point has to be made in /, and nsbox makes nothing there on the host.',
    )
    assert.match(text('--ro', '--tmpfs', `${dir}/new`), `Put a view in the place of ${dir}`)
    assert.match(nsbox(['--verbose', '--tmpfs', `${dir}/new`, '--cwd', '/', 'true']).stderr, `made ${dir}/new`)
  }),
)

test(
  'explain warns of a mask or a read-only bind of a file, which another file takes away, and not of a directory',
  inTemp((dir) => {
    writeFileSync(join(dir, 'file'), '')
    mkdirSync(join(dir, 'directory'))
    const text = (...args: string[]) => nsbox(['explain', ...args, '--cwd', '/', 'true']).stdout.replace(/\s+/g, ' ')
    assert.match(text('--mask', `${dir}/file`), 'The box ends, with status 125, when somebody outside replaces')
    assert.match(
      text('--ro-bind', `${dir}/file`),
      `The mount on the file ${dir}/file vanishes when somebody outside renames another file over it`,
    )
    for (const args of [
      ['--mask', `${dir}/directory`],
      ['--ro-bind', `${dir}/directory`],
      ['--bind', `${dir}/file`],
    ])
      assert.not.match(text(...args), /The mount on the file|The box ends, with/)
  }),
)

test.run()
