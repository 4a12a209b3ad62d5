/** nsbox's own directories stay its own, whatever a box does with them and the directories above. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, busyboxRoot, execute, INTERFACES, inTemp, NSBOX, nsbox, SIDECAR } from '../helpers/nsbox.ts'

/** nsbox's own directories for this user; an ordinary user's lie below HOME. */
const places = (home: string) =>
  asRoot
    ? { config: '/etc/nsbox', cache: '/var/cache/nsbox', state: '/var/lib/nsbox' }
    : { config: `${home}/.config/nsbox`, cache: `${home}/.cache/nsbox`, state: `${home}/.local/state/nsbox` }

function homeIn(dir: string): { home: string; env: NodeJS.ProcessEnv } {
  const home = join(dir, 'home')
  mkdirSync(join(home, '.cache'), { recursive: true })
  const { XDG_CONFIG_HOME: _, XDG_CACHE_HOME: __, XDG_STATE_HOME: ___, ...env } = process.env
  return { home, env: { ...env, HOME: home, XDG_RUNTIME_DIR: join(dir, 'run') } }
}

/** A box's attempts on one of them. Prints those that succeeded. */
const takeOver = (own: string) => {
  const parent = own.slice(0, own.lastIndexOf('/'))
  return `test -d ${own} && there=yes; mkdir -p ${own}/x && echo made; touch ${own}/file && echo written; rm -rf ${own}; test -z "$there" -o -d ${own} || echo removed; mv ${own} ${own}.x && echo renamed; ln -sfn /tmp ${own}
    mv ${parent} ${parent}.x && { mkdir -p ${own}/x; rm -rf ${parent}; mv ${parent}.x ${parent}; echo moved; }; test -L ${own} && echo linked; chmod 755 ${own} && echo changed; echo tried`
}

for (const { name } of INTERFACES) {
  const flags = name === 'mount(2)' ? ['--old-mount-api'] : []
  const run = (args: readonly string[], options: { env: NodeJS.ProcessEnv; cwd?: string }) => {
    const plan = nsbox(['plan', ...args], options)
    assert.is(plan.status, 0, plan.stderr)
    return execute(SIDECAR, ['--plan-fd', '0', ...flags], { input: plan.stdout, ...options })
  }
  test(
    `a box can't make, change or replace nsbox's own directories, nor what leads to them (${name})`,
    inTemp((dir) => {
      const { home, env } = homeIn(dir)
      for (const own of Object.values(places(home))) {
        const parent = own.slice(0, own.lastIndexOf('/'))
        if (!asRoot) mkdirSync(parent, { recursive: true })
        for (const options of [
          [],
          ['--ro', '--bind', parent],
          ['--ro', '--bind', parent.slice(0, parent.lastIndexOf('/')) || '/usr'],
          ['--no-init'],
          ['--share', 'pid'],
          ['--map-root'],
        ]) {
          const { stdout, stderr } = run([...options, '--cwd', '/', 'sh', '-c', takeOver(own)], { env, cwd: '/' })
          assert.is(stdout, 'tried\n', `${own} ${options.join(' ')}\n${stderr}`)
        }
      }
    }),
  )
}

test(
  'what hides own directories is as empty as it was asked for',
  inTemp((dir) => {
    const { home, env } = homeIn(dir)
    for (const own of Object.values(places(home))) {
      const parent = own.slice(0, own.lastIndexOf('/'))
      if (!asRoot) mkdirSync(parent, { recursive: true })
      for (const at of asRoot ? [parent] : [parent, home, dir])
        for (const option of ['--tmpfs', '--mask']) {
          const { stdout, stderr } = nsbox([option, at, '--cwd', '/', 'sh', '-c', `ls -A ${at}; echo seen`], {
            env,
            cwd: '/',
          })
          assert.is(stdout, 'seen\n', `${option} ${at} ${stderr}`)
        }
      if (asRoot) continue
      const up = parent.slice(0, parent.lastIndexOf('/'))
      // The host's own are behind it, where nobody gets to: what leads to it stays in its place.
      assert.is(
        nsbox(
          [
            '--tmpfs',
            parent,
            '--cwd',
            '/',
            'sh',
            '-c',
            `mv ${home} ${home}.x && echo moved; mv ${up} ${up}.x && echo moved up; rm -rf ${parent}; test -d ${parent} && echo held`,
          ],
          { env, cwd: '/' },
        ).stdout,
        'held\n',
      )
      // A path that is shown again below it is the host's, and protected.
      assert.is(
        nsbox(['--tmpfs', home, '--bind', parent, '--cwd', '/', 'sh', '-c', `${takeOver(own)}`], { env, cwd: '/' })
          .stdout,
        'tried\n',
      )
    }
  }),
)

if (!asRoot) {
  test(
    'own directories are recognized through links, by another name, and in another root',
    inTemp((dir) => {
      const { home, env } = homeIn(dir)
      renameSync(join(home, '.cache'), join(dir, 'elsewhere'))
      symlinkSync('../elsewhere', join(home, '.cache'))
      symlinkSync(join(dir, 'elsewhere'), join(dir, 'name'))
      const own = `${home}/.cache/nsbox`
      const tried = (options: readonly string[], script: string) =>
        assert.is(
          nsbox([...options, '--cwd', '/', 'sh', '-c', `${script}; echo tried`], { env, cwd: '/' }).stdout,
          'tried\n',
          options.join(' '),
        )
      tried(
        [],
        `mkdir ${own}/x && echo made; rm ${home}/.cache && echo link; mv ${dir}/elsewhere ${dir}/e && echo moved`,
      )
      tried(
        ['--ro', '--bind', `${dir}/elsewhere:/mnt`],
        'mkdir /mnt/nsbox/x && echo made; mv /mnt/nsbox /mnt/y && echo moved',
      )
      tried(['--ro', '--bind', `${dir}/name:/mnt`], 'mkdir /mnt/nsbox/x && echo made')
      const root = busyboxRoot(home, ['proc', 'dev'])
      tried(['--root', root], 'mkdir /.config/nsbox/x && echo made; mv /.config /c && echo moved')
      assert.is(nsbox(['--root', root, 'ls', '-a', '/'], { env }).stdout.includes('.local'), true, 'it shows there')
    }),
  )

  test(
    'a box can read an own directory, and write to it only by a bind of that very directory',
    inTemp((dir) => {
      const { home, env } = homeIn(dir)
      const own = join(home, '.cache/nsbox')
      mkdirSync(own, { mode: 0o700 })
      writeFileSync(join(own, 'file'), 'mine')
      assert.is(
        nsbox(
          [
            '--ro',
            '--bind',
            join(home, '.cache'),
            '--cwd',
            '/',
            'sh',
            '-c',
            `cat ${own}/file; echo x >${own}/file; rm ${own}/file; mkdir ${own}/x`,
          ],
          { env },
        ).stdout,
        'mine',
      )
      assert.is(
        nsbox(
          [
            '--ro',
            '--bind',
            join(home, '.cache'),
            '--bind',
            own,
            '--cwd',
            '/',
            'sh',
            '-c',
            `echo x >>${own}/file; cat ${own}/file`,
          ],
          { env },
        ).stdout,
        'minex\n',
      )
      mkdirSync(join(own, 'part'))
      assert.is(
        nsbox(
          [
            '--ro',
            '--bind',
            join(home, '.cache'),
            '--bind',
            join(own, 'part'),
            '--cwd',
            '/',
            'sh',
            '-c',
            `touch ${own}/part/x && echo written; touch ${own}/x`,
          ],
          { env },
        ).stdout,
        'written\n',
      )
      assert.equal(readdirSync(own).sort(), ['file', 'part'])
    }),
  )

  test(
    'own directories that boxes have made are gone with the last of them',
    inTemp(async (dir) => {
      const { home, env } = homeIn(dir)
      rmSync(home, { recursive: true })
      mkdirSync(home)
      for (let round = 0; round < 3; round++) {
        const ran = await Promise.all(
          Array.from({ length: 12 }, async (_, n) => {
            const box = Bun.spawn(
              [
                NSBOX,
                'sh',
                '-c',
                `sleep 0.0${n % 7}; mkdir ~/.config/nsbox/x ~/.cache/nsbox/x 2>/dev/null || echo refused`,
              ],
              { env, cwd: '/', stdout: 'pipe' },
            )
            const text = await new Response(box.stdout).text()
            await box.exited
            return text
          }),
        )
        assert.equal(
          ran,
          ran.map(() => 'refused\n'),
        )
        assert.equal(readdirSync(home), [])
      }
    }),
  )

  test(
    'with --share pid, own directories that were made stay, and what lives on in the box can not write there',
    inTemp((dir) => {
      const { home, env } = homeIn(dir)
      const own = `${home}/.config/nsbox`
      const script = `{ sleep 0.3; { mkdir ${own}/x || rmdir ${own} || mv ${own} ${home}/x; } 2>/dev/null; echo tried >${home}/done; } >/dev/null 2>&1 &`
      assert.is(nsbox(['--share', 'pid', '--cwd', '/', 'sh', '-c', script], { env, cwd: '/' }).status, 0)
      for (let tries = 0; tries < 500 && !existsSync(join(home, 'done')); tries++) Bun.sleepSync(20)
      assert.ok(existsSync(join(home, 'done')))
      assert.equal(readdirSync(own), [])
      assert.is(nsbox(['--cwd', '/', 'sh', '-c', takeOver(own)], { env, cwd: '/' }).stdout, 'tried\n')
    }),
  )

  test(
    'own directories that a killed box has left are protected by the next one, and stay',
    inTemp(async (dir) => {
      const { home, env } = homeIn(dir)
      const box = Bun.spawn([NSBOX, 'sh', '-c', 'echo up; exec sleep 100'], { env, cwd: '/', stdout: 'pipe' })
      const reader = box.stdout.getReader()
      await reader.read()
      box.kill('SIGKILL')
      await box.exited
      // The end of the output: no process of the box is left.
      while (!(await reader.read()).done);
      const own = `${home}/.config/nsbox`
      assert.ok(existsSync(own))
      assert.is(nsbox(['--cwd', '/', 'sh', '-c', takeOver(own)], { env, cwd: '/' }).stdout, 'tried\n')
      assert.equal(readdirSync(home).sort(), ['.cache', '.config', '.local'])
      assert.equal(readdirSync(own), [])
    }),
  )

  for (const { name } of INTERFACES) {
    test(
      `nothing is made in what the box's own mounts show instead of the host's (${name})`,
      inTemp((dir) => {
        const { home, env } = homeIn(dir)
        const list = `ls -A ${dir} ${home} 2>/dev/null; echo listed`
        for (const [options, shown] of [
          [['--tmpfs', dir], `${dir}:`],
          [['--tmpfs', home], `${home}:`],
          [['--mask', home], `${home}:`],
          [['--tmpfs', home, '--dir', `${home}/.cache`], `${home}:\n.cache`],
          [['--bind', `/usr/share:${home}`], 'zoneinfo'],
          [['--tmpfs', home, '--bind', `${home}/.cache`], `${home}:\n.cache`],
        ] as const) {
          const { stdout, stderr } = run([...options, '--cwd', '/', 'sh', '-c', list], { env, cwd: '/' })
          assert.match(stdout, /listed\n$/, stderr)
          assert.ok(stdout.includes(shown), stdout)
          assert.not.match(stdout, /\.config|\.local|nsbox\n/, options.join(' '))
        }
        function run(args: readonly string[], options: { env: NodeJS.ProcessEnv; cwd: string }) {
          const plan = nsbox(['plan', ...args], options)
          return execute(SIDECAR, ['--plan-fd', '0', ...(name === 'mount(2)' ? ['--old-mount-api'] : [])], {
            input: plan.stdout,
            ...options,
          })
        }
      }),
    )
  }

  test(
    'a link in place of an own directory, or above it, stays, and so does what it leads to',
    inTemp((dir) => {
      const { home, env } = homeIn(dir)
      mkdirSync(join(dir, 'there'))
      const own = `${home}/.config/nsbox`
      const instead = `rm -rf ${own} && echo removed; mkdir ${own} && echo made; mv ${own} ${home}/x && echo moved`
      const beyond = (name: string) => `mkdir -p ${dir}/${name}/x && echo below; mv ${dir}/${name} ${dir}/y && echo y`
      const above = `rm ${home}/.config && echo removed; mkdir ${home}/.config && echo made; mkdir -p ${own}/x && echo x`
      const rows: readonly (readonly [string, string, string, string, ...string[]])[] = [
        ['the directory is a link', '.config/nsbox', `${dir}/there`, `${instead}; ${beyond('there')}`],
        ['to a relative path', '.config/nsbox', '../../there', `${instead}; ${beyond('there')}`],
        ['whose own place is covered', '.config/nsbox', `${dir}/there`, beyond('there'), '--tmpfs', home],
        ['that leads nowhere', '.config/nsbox', `${dir}/missing`, `${instead}; ${beyond('missing')}`],
        [
          'that leads nowhere, relative',
          '.config/nsbox',
          '../../missing/deep',
          `${instead}; ${beyond('missing/deep')}`,
        ],
        ['that leads to itself', '.config/nsbox', 'nsbox', instead],
        ['the directory above leads nowhere', '.config', '../missing', `${above}; ${beyond('missing/nsbox')}`],
        ['where nobody can make it', '.config', '/proc/nothing', above],
      ]
      for (const [title, path, to, script, ...options] of rows) {
        rmSync(join(home, '.config'), { recursive: true, force: true })
        if (path !== '.config') mkdirSync(join(home, '.config'))
        symlinkSync(to, join(home, path))
        const box = [...options, '--cwd', '/', 'sh', '-c', `{ ${script}; } 2>/dev/null; echo tried`]
        const { stdout, stderr } = nsbox(box, { env, cwd: '/' })
        assert.equal([title, stdout], [title, 'tried\n'], stderr)
        assert.is(readlinkSync(join(home, path)), to, title)
        assert.equal(readdirSync(dir).sort(), ['home', 'there'], title)
      }
    }),
  )

  test(
    'a file in place of an own directory stays',
    inTemp((dir) => {
      const { home, env } = homeIn(dir)
      mkdirSync(join(home, '.config'))
      const own = `${home}/.config/nsbox`
      writeFileSync(own, 'mine')
      const script = `{ rm -f ${own}; mkdir ${own} && echo made; mv ${own} ${home}/x && echo moved; } 2>/dev/null; cat ${own}`
      assert.is(nsbox(['--cwd', '/', 'sh', '-c', script], { env, cwd: '/' }).stdout, 'mine')
    }),
  )

  test(
    "a box starts even if nsbox can't make an own directory, which the box can't make either",
    inTemp((dir) => {
      const { home, env } = homeIn(dir)
      chmodSync(join(home, '.cache'), 0o555)
      symlinkSync('/nowhere/at/all', join(home, '.config'))
      const { status, stderr } = nsbox(['--cwd', '/', 'true'], { env: { ...env, XDG_STATE_HOME: '/proc/nothing' } })
      assert.is(status, 0, stderr)
      chmodSync(join(home, '.cache'), 0o755)
    }),
  )
}

test.run()
