/** The profiles that nsbox brings, and each way by which a command could make git run its code outside of the box. */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { thisHost } from '../../src/host/bun.ts'
import { gitPaths } from '../../src/options/git-paths.ts'
import { box } from '../../src/index.ts'
import { execute, inTemp, NSBOX, treeOf, type Ran } from '../helpers/nsbox.ts'

const GIT_ENV = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'a',
  GIT_AUTHOR_EMAIL: 'a@example.org',
  GIT_COMMITTER_NAME: 'a',
  GIT_COMMITTER_EMAIL: 'a@example.org',
}

/** A command on the host, which has to succeed. */
function host(cwd: string, program: string, ...args: string[]): string {
  const { status, stdout, stderr } = execute(program, args, { cwd, env: GIT_ENV })
  assert.is(status, 0, `${program} ${args.join(' ')}: ${stderr}`)
  return stdout
}

const inBox = (cwd: string, profile: string, ...words: string[]): Ran =>
  execute(NSBOX, ['--profile', profile, ...words], { cwd, env: GIT_ENV })

/** A project with a submodule, a linked work tree, hooks in a directory of its own, and settings in a file of its own. */
function projectIn(dir: string): string {
  const [project, other] = [join(dir, 'src/p'), join(dir, 'other')]
  for (const path of [project, other]) {
    mkdirSync(path, { recursive: true })
    host(path, 'git', 'init', '-q')
    host(path, 'git', 'commit', '-q', '--allow-empty', '-m', 'first')
  }
  host(project, 'git', '-c', 'protocol.file.allow=always', 'submodule', '--quiet', 'add', other, 'sub')
  host(project, 'git', 'worktree', 'add', '-q', 'linked')
  mkdirSync(join(project, 'hooks'))
  writeFileSync(join(project, 'hooks/kept'), '')
  writeFileSync(join(project, 'settings.inc'), '[core]\n')
  writeFileSync(join(project, '.git/info/attributes'), '')
  host(project, 'git', 'config', 'include.path', '../settings.inc')
  return project
}

/** Each attempt may fail; what is left of it is tried out by git outside of the box. */
const ATTACK = `
E=$PWD/evil; mkdir -p $E/hooks
printf '#!/bin/sh\\ntouch %s/PWNED\\n' "$PWD" >$E/hook; chmod +x $E/hook
for h in pre-commit post-checkout post-index-change reference-transaction; do cp $E/hook $E/hooks/$h; done
printf '[core]\\n\\thooksPath = %s/hooks\\n\\tfsmonitor = %s/hook\\n' $E $E >$E/settings
for d in .git .git/modules/sub .git/worktrees/linked hooks; do
  cp $E/hooks/* $d/hooks/; cp $E/hooks/* $d/; cat $E/settings >>$d/config; cp $E/settings $d/config.worktree
done
cat $E/settings >>settings.inc; mv $E/settings settings.inc; cp settings.inc $E/settings
git config core.hooksPath $E/hooks; git config --file .git/config core.fsmonitor $E/hook
git -C sub config core.hooksPath $E/hooks; git -C linked config core.hooksPath $E/hooks
mv .git .git2 && cp -r .git2 .git && cp $E/hooks/* .git/hooks/
mv .git/hooks .git/hooks2; mv .git/modules .git/modules2; mv .git/modules/sub .git/modules/sub2; mv .git/worktrees .git/w2
cp -r .git/modules/sub $E/sub; cat $E/settings >>$E/sub/config; git config --file $E/sub/config core.worktree $PWD/sub
echo "gitdir: $E/sub" >sub/.git; echo "gitdir: $E/sub" >$E/f; mv -f $E/f sub/.git; mv sub sub2
cp -r .git $E/git; cat $E/settings >>$E/git/config
echo "gitdir: $E/git" >linked/.git; echo "$E/git" >.git/worktrees/linked/commondir; echo "$E/git" >$E/c; mv -f $E/c .git/worktrees/linked/commondir
mv linked linked2; mv hooks hooks2; mv ../p ../p2
echo '* filter=evil' >.git/info/attributes
echo done
`

/** What only names that weren't there can do, which no mount holds. */
const NEW_NAMES = 'echo "$PWD/evil/git" >.git/commondir; ls .git/commondir'

function tryOut(project: string): void {
  for (const place of ['.', 'sub', 'linked']) {
    const cwd = join(project, place)
    if (!existsSync(cwd)) continue
    for (const words of [['status'], ['commit', '-q', '--allow-empty', '-m', 'x'], ['checkout', '-q', '.']])
      execute('git', words, { cwd, env: GIT_ENV })
  }
}

test(
  'workspace: no way to settings and hooks of git that are there makes git outside run what the box wrote',
  inTemp((dir) => {
    const project = projectIn(dir)
    for (const hooksPath of [undefined, 'hooks']) {
      if (hooksPath !== undefined) {
        mkdirSync(join(project, hooksPath), { recursive: true })
        writeFileSync(join(project, hooksPath, 'kept'), '')
        host(project, 'git', 'config', 'core.hooksPath', hooksPath)
      }
      const { stdout, stderr } = inBox(project, 'workspace', 'sh', '-c', ATTACK)
      assert.is(stdout, 'done\n', stderr)
      tryOut(project)
      assert.not.ok(existsSync(join(project, 'PWNED')), 'git ran what the box wrote')
      if (hooksPath !== undefined) assert.ok(existsSync(join(project, hooksPath, 'kept')))
      rmSync(join(project, 'evil'), { recursive: true })
    }
    // The attack works without the profile, so it is one.
    const open = execute(NSBOX, ['--ro', '--bind', project, 'sh', '-c', ATTACK], { cwd: project, env: GIT_ENV })
    assert.is(open.stdout, 'done\n')
    tryOut(project)
    assert.ok(existsSync(join(project, 'PWNED')))
  }),
)

test(
  'workspace: what it cannot hold is said, and stays so only for names that are not there',
  inTemp((dir) => {
    const project = projectIn(dir)
    const { stdout } = inBox(project, 'workspace', 'sh', '-c', NEW_NAMES)
    assert.is(stdout, '.git/commondir\n')
    rmSync(join(project, '.git/commondir'))
    const shown = execute(NSBOX, ['profile', 'show', 'workspace'], { cwd: project }).stdout
    assert.match(shown, /\.git\/commondir/)
    assert.match(shown, /Names that do not exist yet/)
  }),
)

test(
  'workspace: git works, in a work tree whose repository lies elsewhere, too',
  inTemp((dir) => {
    const project = projectIn(dir)
    const outside = join(dir, 'outside')
    host(project, 'git', 'worktree', 'add', '-q', outside)
    for (const place of [project, join(project, 'linked'), outside]) {
      const { status, stderr } = inBox(
        place,
        'workspace',
        'sh',
        '-c',
        'echo x >new && git add new && git commit -q -m new && git branch b2 && git branch -d -q b2; git log --oneline | wc -l',
      )
      assert.is(status, 0, stderr)
      assert.match(host(place, 'git', 'log', '--oneline'), /new/)
    }
    // From the linked work tree nobody reaches the repository's hooks.
    const attack = `cp /bin/true ${project}/.git/hooks/pre-commit; echo x >>${project}/.git/config; echo "gitdir: /tmp" >.git; echo done`
    assert.is(inBox(outside, 'workspace', 'sh', '-c', attack).stdout, 'done\n')
    assert.not.ok(existsSync(join(project, '.git/hooks/pre-commit')))
    assert.match(readFileSync(join(outside, '.git'), 'utf8'), /worktrees\/outside/)
  }),
)

test(
  'a .git file that a box may have written gives no right: the directory has to name this work tree, too',
  inTemp((dir) => {
    const project = join(dir, 'p')
    const secret = join(dir, 'home/.ssh')
    mkdirSync(project)
    for (const name of ['HEAD', 'objects', 'refs', 'worktrees/x']) mkdirSync(join(secret, name), { recursive: true })
    for (const target of [secret, `${secret}/worktrees/x`, '../home/.ssh/worktrees/x', '/', '/etc']) {
      writeFileSync(join(project, '.git'), `gitdir: ${target}\n`)
      assert.equal(gitPaths(project, thisHost()), { write: [], keep: [join(project, '.git')] })
    }
    // A directory that the box made itself names the work tree, but leads to nothing that the box couldn't write.
    const made = join(project, 'made/worktrees/x')
    mkdirSync(made, { recursive: true })
    writeFileSync(join(made, 'gitdir'), join(project, '.git'))
    writeFileSync(join(made, 'commondir'), secret)
    writeFileSync(join(project, '.git'), `gitdir: ${made}\n`)
    assert.equal(gitPaths(project, thisHost()).write, [])
    for (const name of ['objects', 'refs']) mkdirSync(join(project, 'made', name))
    writeFileSync(join(project, 'made/HEAD'), '')
    assert.equal(gitPaths(project, thisHost()).write, [join(project, 'made')])
  }),
)

test(
  'what tools outside obey stays as it is, and the rest of the project can be changed',
  inTemp((dir) => {
    const project = join(dir, 'p')
    for (const name of ['.vscode', '.husky', '.idea', '.claude', 'src'])
      mkdirSync(join(project, name), { recursive: true })
    for (const name of ['.bashrc', '.envrc', '.mcp.json', '.vscode/tasks.json']) writeFileSync(join(project, name), 'x')
    const before = treeOf(project)
    const attack =
      'for f in .bashrc .envrc .mcp.json .vscode/tasks.json .husky/x .idea/x .claude/x; do echo evil >$f; rm -rf $f; mv $f x; done; mv .vscode y; rm -rf x y; echo ok >src/new; cat src/new; rm src/new'
    const { stdout } = inBox(project, 'workspace', 'sh', '-c', attack)
    assert.is(stdout, 'ok\n')
    assert.equal(treeOf(project), before)
  }),
)

test(
  'each preset: what can be seen, written and reached',
  inTemp(async (dir) => {
    const [project, home] = [join(dir, 'home/p'), join(dir, 'home')]
    mkdirSync(project, { recursive: true })
    for (const name of ['.ssh', '.npm', '.aws']) mkdirSync(join(home, name))
    for (const name of ['.ssh/id', '.netrc', '.npm/old', 'p/file']) writeFileSync(join(home, name), 'secret')
    chmodSync(dir, 0o755)
    const script = `
      cat ~/.ssh/id ~/.netrc 2>/dev/null; cat file; echo; for f in new ~/.npm/new /tmp/new /etc/new; do echo x 2>/dev/null >$f && echo "wrote $f"; done 2>/dev/null
      ls -A /run; ls /sys/class/net 2>/dev/null; echo "$SECRET"`
    const seen = (profile: string): string[] => {
      const { stdout } = execute(NSBOX, ['--profile', profile, 'sh', '-c', script], {
        cwd: project,
        env: { ...process.env, HOME: home, SECRET: 'token' },
      })
      rmSync(join(project, 'new'), { force: true })
      rmSync(join(home, '.npm/new'), { force: true })
      return stdout.trim().split('\n')
    }
    assert.equal(seen('read-only'), ['secret', 'wrote /tmp/new', 'lo', 'token'])
    assert.equal(seen('workspace'), ['secret', 'wrote new', 'wrote /tmp/new', 'lo', 'token'])
    assert.equal(seen('offline-build'), [
      'secret',
      'wrote new',
      `wrote ${home}/.npm/new`,
      'wrote /tmp/new',
      'lo',
      'token',
    ])
    const closed = seen('closed')
    assert.equal(
      [closed[0], closed.includes('token'), closed.filter((line) => line.startsWith('wrote'))],
      ['secret', false, ['wrote /tmp/new']],
    )
    // Nothing is said where nothing is wrong, and a program has the same.
    const b = box({ profile: 'read-only', cwd: '/' })
    assert.equal((await b.run(['true'])).stderr, '')
  }),
)

test(
  'the home directory and the root are no project',
  inTemp((dir) => {
    const said = (cwd: string, home: string) =>
      execute(NSBOX, ['--profile', 'workspace', 'true'], { cwd, env: { ...process.env, HOME: home } })
    assert.match(said(dir, dir).stderr, /your home directory can't be the project/)
    assert.match(said('/', dir).stderr, /the root can't be the project/)
    assert.is(said(dir, dir).status, 2)
  }),
)

test.run()
