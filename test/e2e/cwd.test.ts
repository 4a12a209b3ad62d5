/** The command starts in the very directory of its caller, or not at all. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  busyboxRoot,
  execute,
  failure,
  inTemp,
  nsbox,
  NSBOX,
  planOf,
  sidecar,
  type Ran,
} from '../helpers/nsbox.ts'

const NOT_SHOWN = "nsbox: cwd: the box does not show the caller's directory: "

/** Runs a box by either mount interface. */
function boxes(cwd: string, args: readonly string[], env = process.env): Ran[] {
  const { stdout } = execute(NSBOX, ['plan', ...args], { cwd, env })
  return [nsbox(args, { cwd, env }), sidecar(stdout, ['--old-mount-api'], { cwd, env })]
}

test(
  'no command runs in the root directory instead of one that a mount hides',
  inTemp((dir) => {
    mkdirSync(join(dir, 'a/b'), { recursive: true })
    const cwd = join(dir, 'a/b')
    const put = (path: string) => `put --bind ${path} after that, or start in the root directory of the box by --cwd /`
    const elsewhere = '--cwd / starts in the root directory of the box'
    const rows: readonly [args: string[], hint: string, home?: string][] = [
      [['--tmpfs', dir], `--tmpfs ${dir} hides it: ${put(cwd)}`],
      [['--tmpfs', `${dir}/a/`], `--tmpfs ${dir}/a hides it: ${put(cwd)}`],
      [['--bind', '.', '--tmpfs', dir], `--tmpfs ${dir} hides it: ${put(cwd)}`],
      [['--ro', '--tmpfs', dir], `--tmpfs ${dir} hides it: ${put(cwd)}`],
      [['--overlay', '--tmpfs', dir], `--tmpfs ${dir} hides it: ${put(cwd)}`],
      [['--root', '/', '--tmpfs', dir], `--tmpfs ${dir} hides it: ${put(cwd)}`],
      [['--root', '//.', '--tmpfs', dir], `--tmpfs ${dir} hides it: ${put(cwd)}`],
      [['--mask', dir], `--mask ${dir} hides it: ${put(cwd)}`],
      [['--mask', cwd], `--mask ${cwd} hides it: ${elsewhere}`],
      // A hint doesn't suggest to show what was hidden on purpose.
      [['--tmpfs', dir], `--tmpfs ${dir} hides it: ${elsewhere}`, join(dir, 'a')],
      [['--bind', `${dir}:${cwd}`], `what is mounted on ${cwd} hides it: ${put(cwd)}`],
      [[`--proc=${cwd}`], `the box's own ${cwd} hides it: ${elsewhere}`],
    ]
    for (const [args, hint, HOME = '/nowhere'] of rows) {
      for (const { status, stdout, stderr } of boxes(cwd, [...args, 'pwd'], { ...process.env, HOME })) {
        // A mount that is covered has a warning of its own.
        assert.equal(
          [status, stdout, stderr.replace(/^nsbox: warning: .*\nhint: .*\n/, '')],
          [125, '', `${NOT_SHOWN}${cwd}\nhint: ${hint}\n`],
          args.join(' '),
        )
      }
      assert.is(nsbox([...args, '--cwd', '/', 'pwd'], { cwd }).stdout, '/\n')
    }
  }),
)

test(
  'PWD names the place that --cwd names, also where another name of it is shown',
  inTemp((dir) => {
    const env = { ...process.env, PWD: dir }
    const pwd = (...args: string[]) => nsbox([...args, 'printenv', 'PWD'], { cwd: dir, env }).stdout
    assert.is(pwd('--bind', '.:/nsbox-w', '--cwd', '/nsbox-w'), '/nsbox-w\n')
    assert.is(pwd('--bind', '.:/nsbox-w'), `${dir}\n`)
    assert.is(pwd('--bind', '.:/nsbox-w', '--cwd', dir), `${dir}\n`)
    assert.is(pwd('--bind', '.:/nsbox-w', '--cwd', '/nsbox-w', '--env', 'PWD=/mine'), '/mine\n')
    // A name by a link that was named stays, as after cd.
    symlinkSync(dir, join(dir, 'link'))
    assert.is(
      nsbox(['--cwd', join(dir, 'link'), 'printenv', 'PWD'], { cwd: dir, env: { ...env, PWD: join(dir, 'link') } })
        .stdout,
      `${dir}/link\n`,
    )
  }),
)

test(
  'what hides the directory by another name is named, and a home in /tmp is shown again by the hint',
  inTemp((dir) => {
    const cwd = join(dir, 'real')
    mkdirSync(cwd)
    symlinkSync('real', join(dir, 'link'))
    for (const { stderr } of boxes(cwd, ['--tmpfs', join(dir, 'link'), 'pwd'])) {
      assert.is(
        stderr,
        `${NOT_SHOWN}${cwd}\nhint: --tmpfs ${dir}/link hides it: put --bind ${cwd} after that, or start in the root directory of the box by --cwd /\n`,
      )
    }
    for (const { stderr } of boxes('/tmp', ['--tmpfs', '/tmp', 'pwd'], { ...process.env, HOME: '/tmp' })) {
      assert.is(
        stderr,
        `${NOT_SHOWN}/tmp\nhint: --tmpfs /tmp hides it: put --bind /tmp after that, or start in the root directory of the box by --cwd /\n`,
      )
    }
  }),
)

test(
  'a directory that --cwd names and the box does not have is an error with a hint',
  inTemp((dir) => {
    failure(
      nsbox(['--cwd', '/nsbox-none', 'pwd'], { cwd: dir }),
      /^nsbox: exec: change to directory: \/nsbox-none: No such file or directory \(ENOENT\)\nhint: --cwd names .*--dir /,
    )
    assert.is(nsbox(['--dir', '/nsbox-none', '--cwd', '/nsbox-none', 'pwd'], { cwd: dir }).stdout, '/nsbox-none\n')
    assert.match(
      nsbox(['--cwd', './x', 'pwd'], { cwd: dir }).stderr,
      /^nsbox: --cwd: '.\/x' must be an absolute path\nhint: .*"\$PWD\/x"/,
    )
  }),
)

test(
  'the way out that the hint names leads out, for names with spaces and quotes too',
  inTemp((dir) => {
    const cwd = join(dir, "it's a place")
    mkdirSync(cwd)
    writeFileSync(join(cwd, 'file'), 'mine')
    const args = `--tmpfs ${dir}`
    const { stderr } = nsbox([...args.split(' '), 'pwd'], { cwd })
    const [, option] = /put (--bind .*) after that/.exec(stderr) ?? []
    const { stdout } = execute('sh', ['-c', `"$0" ${args} ${option} cat file`, NSBOX], { cwd })
    assert.is(stdout, 'mine')
  }),
)

test(
  'where the directory is shown, the command starts in it, whatever the root is',
  inTemp((dir) => {
    mkdirSync(join(dir, 'a/b'), { recursive: true })
    const cwd = join(dir, 'a/b')
    const rows = [
      [],
      ['--ro'],
      ['--overlay'],
      ['--userns'],
      ['--tmpfs', dir, '--bind', cwd],
      ['--tmpfs', dir, '--ro-bind', cwd],
      ['--tmpfs', dir, '--bind', join(dir, 'a')],
      ['--overlay', '--tmpfs', dir, '--bind', cwd],
    ]
    for (const args of rows)
      for (const { stdout, stderr } of boxes(cwd, [...args, 'pwd']))
        assert.is(stdout, `${cwd}\n`, `${args.join(' ')}: ${stderr}`)
    const root = busyboxRoot(join(dir, 'r'))
    mkdirSync(join(root, cwd), { recursive: true })
    // Another directory with the same name doesn't count.
    for (const { stdout } of boxes(cwd, ['--root', root, 'pwd'])) assert.is(stdout, '/\n')
    for (const { stdout } of boxes(cwd, ['--root', root, '--overlay', 'pwd'])) assert.is(stdout, '/\n')
    for (const { stdout } of boxes(cwd, ['--root', root, '--bind', cwd, 'pwd'])) assert.is(stdout, `${cwd}\n`)
    assert.is(nsbox(['--tmpfs', '/tmp', 'pwd'], { cwd: '/' }).stdout, '/\n')
  }),
)

test('no command starts silently elsewhere when a directory is hidden without an option that says so', () => {
  const dir = mkdtempSync('/dev/shm/nsbox-')
  try {
    for (const ran of boxes(dir, ['pwd']))
      assert.is(
        ran.stderr,
        `${NOT_SHOWN}${dir}\nhint: the box's own /dev hides it: add --bind ${dir}, or start in the root directory of the box by --cwd /\n`,
      )
    assert.is(nsbox(['--bind', dir, 'pwd'], { cwd: dir }).stdout, `${dir}\n`)
  } finally {
    rmdirSync(dir)
  }
  for (const ran of boxes('/proc/sys', ['pwd']))
    assert.is(
      ran.stderr,
      `${NOT_SHOWN}/proc/sys\nhint: the box's own /proc hides it: --cwd / starts in the root directory of the box\n`,
    )
})

if (asRoot)
  test(
    'a directory that the user of the box may not enter is an error that says so',
    inTemp((dir) => {
      execute('chmod', ['755', dir])
      const cwd = join(dir, 'locked/inner')
      mkdirSync(cwd, { recursive: true })
      execute('chmod', ['700', join(dir, 'locked')])
      const hint = "hint: the box's user may not enter it: --cwd DIR names another directory of the box\n"
      failure(
        nsbox(['--user', '65534', 'pwd'], { cwd }),
        new RegExp(`^nsbox: cwd: the caller's directory: ${cwd}: Permission denied \\(EACCES\\)\n${hint}$`),
      )
      assert.is(nsbox(['--user', '65534', '--cwd', '/', 'pwd'], { cwd }).stdout, '/\n')
      const other = (...args: string[]) =>
        execute('setpriv', ['--reuid', '65534', '--regid', '65534', '--clear-groups', NSBOX, ...args], { cwd })
      failure(other('pwd'), /^nsbox: cwd: the caller's directory: .*\(EACCES\)\nhint: /)
      assert.is(other('--cwd', '/', 'pwd').stdout, '/\n')
    }),
  )

/** Runs in a directory that is gone, or lies deeper than the longest path. */
const inPlace = (place: 'gone' | 'deep', dir: string, script: string): Ran =>
  execute(
    'bash',
    [
      '-c',
      place === 'gone'
        ? `mkdir gone; cd gone; rmdir ../gone; ${script}`
        : `name=$(printf 'a%.0s' {1..200}); for i in {1..25}; do mkdir -p $name; cd -P $name 2>/dev/null || cd ./$name; done; ${script}`,
      NSBOX,
    ],
    { cwd: dir },
  )

for (const [place, words] of [
  ['gone', "the caller's directory is gone"],
  ['deep', "the path of the caller's directory is too long"],
] as const) {
  test(
    `${words}: nsbox says so, and works where that does not matter`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'))
      assert.match(inPlace(place, dir, '"$0" --version').stdout, /^nsbox \d/)
      assert.is(inPlace(place, dir, '"$0" help').status, 0)
      assert.is(inPlace(place, dir, '"$0" --cwd /usr pwd').stdout, '/usr\n')
      assert.is(inPlace(place, dir, `"$0" --root ${root} pwd`).stdout, '/\n')
      for (const command of [
        'pwd',
        '--bind . pwd',
        '--bind x:/mnt --cwd / pwd',
        'plan true',
        'explain true',
        'bake -o box true',
        '--root r true',
      ]) {
        const { status, stderr } = inPlace(place, dir, `"$0" ${command}`)
        assert.is(status, 125, command)
        assert.match(stderr, `nsbox: cwd: ${words}\nhint: `)
      }
      const { status, stderr, stdout } = inPlace(place, dir, `"$0" bake -o ${dir}/baked pwd && ${dir}/baked`)
      assert.equal([status, stdout], [125, ''])
      assert.match(stderr, `nsbox: cwd: ${words}\nhint: nsbox bake --cwd DIR `)
      assert.is(inPlace(place, dir, `"$0" bake -o ${dir}/rooted --root ${root} pwd && ${dir}/rooted`).stdout, '/\n')
    }),
  )
}

test(
  'nothing is made in another directory than one that is gone',
  inTemp((dir) => {
    for (const command of [
      'rootfs build r true',
      'bake -o b true',
      'run --plan p',
      '--cwd / --env-file e true',
      '--cwd / --seccomp p true',
    ]) {
      assert.is(inPlace('gone', dir, `"$0" ${command}`).status, 125, command)
    }
  }),
)

test(
  'a stored plan starts where it was made, and a baked program where it is run',
  inTemp((dir) => {
    mkdirSync(join(dir, 'made'))
    mkdirSync(join(dir, 'run'))
    const [made, run] = [join(dir, 'made'), join(dir, 'run')]
    execute('sh', ['-c', `"$0" plan pwd >plan; "$0" plan --tmpfs ${dir} pwd >hiding`, NSBOX], { cwd: made })
    assert.is(nsbox(['run', '--plan', join(made, 'plan')], { cwd: run }).stdout, `${made}\n`)
    failure(nsbox(['run', '--plan', join(made, 'hiding')], { cwd: '/' }), new RegExp(`^${NOT_SHOWN}${made}\n`))
    nsbox(['bake', '-o', join(dir, 'box'), 'pwd'], { cwd: made })
    nsbox(['bake', '-o', join(dir, 'hiding'), '--tmpfs', dir, 'pwd'], { cwd: made })
    assert.is(execute(join(dir, 'box'), [], { cwd: run }).stdout, `${run}\n`)
    failure(execute(join(dir, 'hiding'), [], { cwd: run }), new RegExp(`^${NOT_SHOWN}${run}\n`))
    assert.is(execute(join(dir, 'hiding'), [], { cwd: '/usr' }).stdout, '/usr\n')
    // The plan's directory is gone, or has been replaced.
    execute('rm', ['-r', join(made)])
    failure(
      sidecar({ ...planOf(['pwd']), process: { argv: ['pwd'], cwd: made, cwdOfHost: true } }),
      /^nsbox: cwd: the caller's directory is gone: /,
    )
  }),
)

test(
  "a command that enters a box starts in its caller's directory or in that of the box's command, and never fails for that",
  inTemp(async (dir) => {
    const [hidden, start] = [join(dir, 'hidden'), join(dir, 'start')]
    mkdirSync(hidden)
    mkdirSync(start)
    const root = busyboxRoot(join(dir, 'r'))
    nsbox(['bake', '-o', join(dir, 'baked'), '--mask', hidden, 'sh', '-c', 'cd /; echo; read x'])
    const wait = ['sh', '-c', 'cd /; echo; read x']
    const rows: readonly [program: string, args: string[], atHidden: string][] = [
      [NSBOX, ['--mask', hidden, ...wait], start],
      [NSBOX, ['--mask', hidden, '--cwd', '/usr', ...wait], '/usr'],
      [NSBOX, ['--overlay', '--mask', hidden, ...wait], start],
      [join(dir, 'baked'), [], start],
      [NSBOX, ['--root', root, '--bind', start, ...wait], start],
      [NSBOX, ['--root', root, ...wait], '/'],
    ]
    for (const [program, args, expected] of rows) {
      const box = spawn(program, args, { cwd: start, stdio: ['pipe', 'pipe', 'inherit'] })
      await once(box.stdout, 'data')
      const enter = (cwd: string) => execute(NSBOX, ['enter', String(box.pid), 'pwd'], { cwd }).stdout
      assert.is(enter(hidden), `${expected}\n`, args.join(' '))
      if (!args.includes('--root')) assert.is(enter('/usr/bin'), '/usr/bin\n')
      assert.is(inPlace('gone', dir, `"$0" enter ${box.pid} pwd`).stdout, `${expected}\n`)
      box.stdin.end()
      await once(box, 'exit')
    }
  }),
)

test(
  'PWD names the directory that the command starts in, if it was set',
  inTemp((dir) => {
    mkdirSync(join(dir, 'real'))
    symlinkSync('real', join(dir, 'link'))
    const pwd = (PWD: string | undefined, ...args: string[]) =>
      /^PWD=(.*)$/m.exec(nsbox([...args, 'env'], { cwd: join(dir, 'real'), env: { ...process.env, PWD } }).stdout)?.[1]
    assert.is(pwd(join(dir, 'real')), join(dir, 'real'))
    assert.is(pwd(join(dir, 'link')), join(dir, 'link'))
    assert.is(pwd(join(dir, 'real'), '--cwd', '/usr'), '/usr')
    assert.is(pwd(join(dir, 'real'), '--cwd', '/usr', '--env', 'PWD=/mine'), '/mine')
    assert.is(pwd(undefined, '--cwd', '/usr'), undefined)
    assert.is(pwd(join(dir, 'real'), '--cwd', '/usr', '--clear-env', '--env', 'PATH'), undefined)
  }),
)

test.run()
