/** A read-only directory stays at its path, whatever a box does with the directories above. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { busyboxRoot, execute, INTERFACES, inTemp, nsbox } from '../helpers/nsbox.ts'

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
  ['--write', project, '--keep', `${project}/.git/hooks`],
  ['--keep', `${project}/.git/hooks`, '--keep', `${project}/.git/config`, '--write', '/'],
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

test.run()
