/**
 * A read-only directory stays at its path, and nsbox's own directories stay its own, whatever a box does with the
 * directories above.
 */
import { spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
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

/** Tries to replace P/.git, whose hooks are read-only. Prints the attempts that succeeded. */
const ATTACK = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
P, g = sys.argv[1], sys.argv[1] + '/.git'
def rename(a, b, flags=0, d=-100):
    if libc.renameat2(d, a.encode(), d, b.encode(), flags): raise OSError(ctypes.get_errno(), a)
def by_descriptor():
    rename('.git', '.moved', 0, os.open(P, os.O_RDONLY))
def attempt(name, body):
    try: body()
    except OSError: return
    print(name)
os.makedirs(P + '/evil/hooks')
attempt('rename', lambda: os.rename(g, P + '/.moved'))
attempt('exchange', lambda: rename(g, P + '/evil', 2))
attempt('exchange, the other way', lambda: rename(P + '/evil', g, 2))
attempt('whiteout', lambda: rename(g, P + '/.moved', 4))
attempt('by descriptor', by_descriptor)
attempt('rename over it', lambda: rename(P + '/evil', g))
attempt('rmdir', lambda: os.rmdir(g))
attempt('rmdir of the hooks', lambda: os.rmdir(g + '/hooks'))
attempt('rename of the hooks', lambda: os.rename(g + '/hooks', g + '/moved'))
attempt('exchange of the hooks', lambda: rename(g + '/hooks', P + '/evil/hooks', 2))
attempt('link in its place', lambda: os.symlink('evil', g))
attempt('hard link', lambda: os.link(g, P + '/.linked'))
attempt('made again', lambda: os.mkdir(g))
attempt('rename of the project', lambda: os.rename(P, P + '.moved'))
attempt('a hook', lambda: open(g + '/hooks/pre-commit', 'w').close())
os.system('rm -rf ' + g + ' 2>/dev/null')
if not os.path.exists(g + '/hooks/kept'): print('rm -rf')
# What the protection does not need works as ever.
os.makedirs(g + '/objects', exist_ok=True)
open(P + '/file', 'w').close()
os.link(P + '/file', g + '/linked')
os.rename(g + '/linked', P + '/file2')
os.rename(P + '/evil', g + '/evil')
print('done')
`

const onHost = (project: string) => [
  ['--ro', '--bind', project, '--ro-bind', `${project}/.git/hooks`],
  ['--ro-bind', `${project}/.git/hooks`],
  ['--bind', project, '--ro-bind', `${project}/.git/hooks`, '--ro-bind', `${project}/.git/config`],
  ['--ro', '--bind', project, '--ro-bind', `${project}/.git/config`, '--ro-bind', `${project}/.git/hooks`],
  ['--no-init', '--ro-bind', `${project}/.git/hooks`],
  ['--map-root', '--cap-add', 'all', '--seccomp', 'default', '--ro-bind', `${project}/.git/hooks`],
]

function projectIn(dir: string): string {
  const project = join(dir, 'home/src/project')
  mkdirSync(join(project, '.git/hooks'), { recursive: true })
  writeFileSync(join(project, '.git/hooks/kept'), 'kept')
  writeFileSync(join(project, '.git/config'), 'config')
  return project
}

for (const { name, box } of INTERFACES) {
  test(
    `what leads to a read-only directory can't be moved away, in fifteen ways (${name})`,
    inTemp((dir) => {
      writeFileSync(join(dir, 'attack.py'), ATTACK)
      for (const options of onHost(projectIn(dir))) {
        rmSync(join(dir, 'home'), { recursive: true })
        const project = projectIn(dir)
        const { stdout, stderr } = box([...options, '--cwd', '/', 'python3', join(dir, 'attack.py'), project])
        assert.is(stdout, 'done\n', `${options.join(' ')}\n${stderr}`)
        assert.is(readFileSync(join(project, '.git/hooks/kept'), 'utf8'), 'kept')
      }
    }),
  )

  test(
    `the same holds in another root, on another path, and for a baked box (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'w', 'etc/deep/er'])
      const project = projectIn(dir)
      const moves =
        'mv /w/.git /w/x; mv /etc /e; mv /etc/deep /etc/d; rm -rf /w/.git /etc; test -e /w/.git/hooks/kept && test -d /etc/deep/er && touch /w/.git/new && mv /w/.git/new /w/new && echo held'
      const options = [
        '--root',
        root,
        '--bind',
        `${project}:/w`,
        '--ro-bind',
        `${project}/.git/hooks:/w/.git/hooks`,
        '--ro-bind',
        `${project}:/etc/deep/er`,
        'sh',
        '-c',
        moves,
      ]
      assert.is(box(options).stdout, 'held\n')
      mkdirSync(join(root, 'etc/deep/er'), { recursive: true })
      assert.is(nsbox(['bake', '--relative', '-o', join(dir, 'baked'), ...options]).status, 0)
      assert.is(execute(join(dir, 'baked'), []).stdout, 'held\n')
    }),
  )

  test(
    `it holds without /proc and /dev, too (${name})`,
    inTemp((dir) => {
      const root = busyboxRoot(join(dir, 'r'), ['etc/deep/er/est'])
      const { stdout } = box([
        '--root',
        root,
        '--ro-bind',
        `${root}/bin:/etc/deep/er/est`,
        'sh',
        '-c',
        'mv /etc /e; mv /etc/deep /etc/d; mv /etc/deep/er /etc/deep/x; test -e /etc/deep/er/est/sh && touch /etc/deep/er/new && echo held',
      ])
      assert.is(stdout, 'held\n')
    }),
  )

  test(
    `a link on the path is pinned, and so are the directories that it leads through (${name})`,
    inTemp((dir) => {
      const project = projectIn(dir)
      symlinkSync('project', join(dir, 'home/src/link'))
      symlinkSync(join(dir, 'home/src'), join(dir, 'home/far'))
      const hooks = join(dir, 'home/far/link/.git/hooks')
      const moves = `cd ${dir}/home; mv far f; ln -sfn /tmp far; mv src s; cd src; rm link; ln -sfn /tmp link; mv project p; cd project; mv .git g; cat ${hooks}/kept; touch ${hooks}/new`
      assert.is(box(['--ro-bind', hooks, '--cwd', '/', 'sh', '-c', moves]).stdout, 'kept')
      assert.is(
        box(['--ro', '--bind', join(dir, 'home'), '--ro-bind', hooks, '--cwd', '/', 'sh', '-c', moves]).stdout,
        'kept',
      )
      assert.equal(readdirSync(join(project, '.git/hooks')), ['kept'])
    }),
  )
}

test(
  'a mask moves along with its directory, and needs no pin',
  inTemp((dir) => {
    const project = projectIn(dir)
    assert.is(
      nsbox([
        '--ro',
        '--bind',
        project,
        '--mask',
        `${project}/.git/hooks`,
        '--cwd',
        '/',
        'sh',
        '-c',
        `mv ${project}/.git ${project}/g; ls ${project}/g/hooks; echo done`,
      ]).stdout,
      'done\n',
    )
  }),
)

test(
  'explain names each pinned directory',
  inTemp((dir) => {
    const project = projectIn(dir)
    const text = nsbox([
      'explain',
      '--ro',
      '--bind',
      project,
      '--ro-bind',
      `${project}/.git/hooks`,
      'true',
    ]).stdout.replace(/\s+/g, ' ')
    assert.match(text, `Pin the path to ${project}/.git`)
    assert.match(text, `below: ${project}/.git. Each`)
  }),
)

const git = spawnSync('git', ['--version']).status === 0 ? test : test.skip
git(
  'git works beside read-only hooks: commits, worktrees, submodules, clones with hard links, gc',
  inTemp((dir) => {
    const home = join(dir, 'home')
    mkdirSync(home)
    const env = {
      ...process.env,
      HOME: home,
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'protocol.file.allow',
      GIT_CONFIG_VALUE_0: 'always',
      GIT_CONFIG_KEY_1: 'safe.directory',
      GIT_CONFIG_VALUE_1: '*',
      GIT_AUTHOR_NAME: 'a',
      GIT_AUTHOR_EMAIL: 'a',
      GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a',
    }
    for (const name of ['project', 'part'])
      assert.is(
        spawnSync(
          'sh',
          ['-c', `git init -q ${name} && cd ${name} && echo x >file && git add . && git commit -qm first`],
          { cwd: home, env },
        ).status,
        0,
      )
    const project = join(home, 'project')
    const steps = [
      'echo y >>file && git commit -qam second',
      'git checkout -q -b topic',
      'git rebase -q topic',
      'git stash -q || true',
      'git gc -q',
      'git repack -q -a -d',
      'git worktree add -q ../tree && git -C ../tree commit -q --allow-empty -m there && git worktree move ../tree ../tree2 && git worktree remove ../tree2',
      'git submodule add -q ../part part && git commit -qm part && git -C part commit -q --allow-empty -m in',
      'git clone -q --local . ../clone && test "$(stat -c %h ../clone/.git/objects/pack/*.pack)" = 2',
      'mv file file2 && mv file2 ../file2 && mv ../file2 file',
      'ln file ../hard && rm ../hard',
    ]
    for (const options of [
      ['--ro', '--bind', home, '--ro-bind', join(project, '.git/hooks')],
      ['--ro-bind', join(project, '.git/hooks')],
    ]) {
      const { status, stderr } = nsbox(
        [
          ...options,
          'sh',
          '-c',
          `set -e; ${steps.join('\n')}\ncd ..; rm -rf clone project/part project/.gitmodules project/.git/modules; cd project; git reset -q --hard HEAD~1; git checkout -q -; git branch -qD topic tree; git config --remove-section submodule.part || true`,
        ],
        { cwd: project, env },
      )
      assert.is(status, 0, stderr)
    }
  }),
)

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
      assert.equal(readdirSync(own), ['file', 'part'])
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

/** The message where an own directory can't be made and the box could make it later. */
const couldMake = (own: string, cause: string) =>
  `nsbox: mounts: make: ${own}: ${cause}\nhint: the box could make it later, and nsbox trusts what it finds there: make it first, or use --ro\n`

test(
  'on a full disk no box starts that could make an own directory when there is room again',
  inTemp((dir) => {
    mkdirSync(join(dir, 'disk'))
    const own = join(dir, 'disk/.config/nsbox')
    const script = `mount -t tmpfs -o mode=755,nr_inodes=$1 disk ${dir}/disk && mkdir ${dir}/disk/.config && exec "$2" --plan-fd 0`
    const run = (inodes: number, ...options: string[]) => {
      const unshare = asRoot ? ['-m'] : ['-rm']
      const made = execute('unshare', [...unshare, NSBOX, 'plan', ...options, '--cwd', '/', 'ls', '-d', own])
      assert.is(made.status, 0, made.stderr)
      const plan = JSON.stringify({ ...JSON.parse(made.stdout), own: [own] })
      return execute('unshare', [...unshare, 'sh', '-c', script, 'sh', String(inodes), SIDECAR], { input: plan })
    }
    const full = run(2)
    assert.is(full.stderr, couldMake(own, 'No space left on device (ENOSPC)'))
    assert.is(full.status, 125)
    assert.is(run(2, '--ro').stderr.includes('nsbox:'), false, 'a box that can write nothing needs no room')
    const { stdout, stderr } = run(3)
    assert.is(stdout, `${own}\n`, stderr)
  }),
)

if (asRoot) {
  test(
    'an own directory that can only be made by a change of the mode above, which the box can do, is made first or by nobody',
    inTemp((dir) => {
      const home = join(dir, 'home')
      const own = `${home}/.config/nsbox`
      mkdirSync(join(home, '.config'), { recursive: true })
      for (const path of [dir, home, join(home, '.config')]) chmodSync(path, 0o755)
      const uid = 54321
      chownSync(home, uid, uid)
      // No user namespace of this user maps the group, so the box has no capability over the directory, but owns it.
      chownSync(join(home, '.config'), uid, 54399)
      chmodSync(join(home, '.config'), 0o555)
      const run = (user: number, ...args: string[]) =>
        execute('setpriv', ['--reuid', `${user}`, '--regid', `${user}`, '--clear-groups', NSBOX, ...args], {
          cwd: '/',
          env: { PATH: process.env.PATH, HOME: home },
        })
      const attempt = ['--cwd', '/', 'sh', '-c', `chmod 755 ${home}/.config; mkdir -p ${own}/x; ls ${home}/.config`]
      const refused = run(uid, ...attempt)
      assert.is(refused.stderr, couldMake(own, 'Permission denied (EACCES)'))
      assert.is(refused.status, 125)
      assert.is(run(uid, '--ro', ...attempt).stdout, '')
      assert.equal(readdirSync(home), ['.config'])
      // Once it is there, the box starts, and can't change it.
      mkdirSync(own, { mode: 0o700 })
      chownSync(own, uid, uid)
      assert.is(run(uid, ...attempt).stdout, 'nsbox\n')
      assert.equal(readdirSync(own), [])
      // Another user can't change the mode. For nobody, the owners of all that isn't mapped are nobody, too.
      rmSync(own, { recursive: true })
      for (const user of [54322, 65534]) {
        const { status, stderr } = run(user, '--cwd', '/', 'true')
        assert.is(status, 0, stderr)
      }
    }),
  )
}

test.run()
