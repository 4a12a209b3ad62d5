/** --changes review, nsbox changes, nsbox apply. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { box, review, type Change } from '../../src/index.ts'
import { asRoot, execute, failure, inTemp, NSBOX, nsbox, type Ran } from '../helpers/nsbox.ts'
import { ownState } from '../helpers/own-state.ts'

ownState()

/** A command in the project P below DIR, as its user has it: everything else is read-only. */
function reviewed(project: string, options: readonly string[], script: string): Ran {
  return nsbox(['--changes', 'review', '--ro', '--bind', '.', '--quiet', ...options, '--', 'sh', '-c', script], {
    cwd: project,
  })
}

function projectIn(dir: string): string {
  const project = join(dir, 'p')
  mkdirSync(join(project, 'src/old'), { recursive: true })
  mkdirSync(join(project, '.git/hooks'), { recursive: true })
  for (const name of ['src/a', 'src/b', 'src/old/c', 'mode', '.git/hooks/h']) writeFileSync(join(project, name), name)
  symlinkSync('a', join(project, 'src/l'))
  for (const name of ['src/a', 'src/b', 'mode']) chmodSync(join(project, name), 0o644)
  // The clock that gives files their times has steps of some milliseconds.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
  return project
}

function treeOf(dir: string): string[] {
  return (readdirSync(dir, { recursive: true }) as string[]).sort().map((name) => {
    const path = join(dir, name)
    const stat = lstatSync(path)
    if (stat.isSymbolicLink()) return `${name} -> ${readlinkSync(path)}`
    return `${name} ${stat.mode.toString(8)}${stat.isFile() ? ` ${readFileSync(path)}` : ''}`
  })
}

const changesIn = (project: string, ...words: string[]): string[] =>
  nsbox(['changes', ...words], { cwd: project })
    .stdout.trimEnd()
    .split('\n')
    .slice(1)
const applyIn = (project: string, ...words: string[]): Ran => nsbox(['apply', ...words], { cwd: project })

const SCRIPT = `echo x >>src/a; rm src/b; rm -r src/old; mkdir src/new; echo n >src/new/f; ln -s new src/link
rm src/l; mkdir src/l; echo 1 >src/l/x; chmod 600 mode; touch -c src/new; rm -r .git; mkdir .git; echo again >.git/HEAD`
const LISTED = [
  'removed  .git/hooks/',
  'added    .git/HEAD',
  'changed  mode',
  'changed  src/a',
  'removed  src/b',
  'changed  src/l/  (was a link)',
  'added    src/l/x',
  'added    src/link',
  'added    src/new/',
  'added    src/new/f',
  'removed  src/old/',
]

test(
  'changes stay apart until they are applied, and then are those of a command without review',
  inTemp((dir) => {
    const project = projectIn(dir)
    const before = treeOf(project)
    assert.equal(reviewed(project, [], SCRIPT), { status: 0, signal: null, stdout: '', stderr: '' })
    assert.equal(treeOf(project), before)
    assert.equal(changesIn(project).sort(), [...LISTED].sort())
    const { status, stderr } = applyIn(project)
    assert.is(status, 0, stderr)
    const applied = treeOf(project)
    rmSync(project, { recursive: true })
    projectIn(dir)
    spawnSync('sh', ['-c', SCRIPT], { cwd: project })
    assert.equal(applied, treeOf(project))
    failure(nsbox(['changes'], { cwd: project }), /^nsbox: changes: no review of this directory: /)
  }),
)

test(
  'a part is applied, the rest is thrown away',
  inTemp((dir) => {
    const project = projectIn(dir)
    reviewed(project, [], SCRIPT)
    assert.is(
      applyIn(project, '--only', 'src/new/*', '--only', 'src/b').stdout,
      'removed  src/b\nadded    src/new/\nadded    src/new/f\n',
    )
    assert.not(existsSync(join(project, 'src/b')))
    assert.is(readFileSync(join(project, 'src/new/f'), 'utf8'), 'n\n')
    assert.is(readFileSync(join(project, 'src/a'), 'utf8'), 'src/a')
    assert.equal(changesIn(project).length, LISTED.length - 3)
    assert.match(applyIn(project, '--only', 'nothing').stderr, /--only names none of the changes/)
    assert.is(nsbox(['changes', '--discard'], { cwd: project }).status, 0)
    failure(nsbox(['changes'], { cwd: project }), /no review of this directory/)
  }),
)

test(
  'where the host has changed the same file since, nothing is applied',
  inTemp((dir) => {
    const project = projectIn(dir)
    const before = treeOf(project)
    reviewed(project, [], 'echo box >src/a; rm -r src/old; echo box >new; echo box >src/b')
    writeFileSync(join(project, 'src/a'), 'host')
    writeFileSync(join(project, 'src/old/later'), 'host')
    writeFileSync(join(project, 'new'), 'host')
    const conflicts = changesIn(project).filter((line) => line.includes('conflict'))
    assert.equal(conflicts.length, 3, conflicts.join('\n'))
    failure(
      applyIn(project),
      /^nsbox: changes: nothing was applied: .*: changed on the host since\nhint: .*--overwrite/,
    )
    assert.is(treeOf(project).filter((line) => !before.includes(line)).length, 3)
    assert.is(applyIn(project, '--only', 'src/b').status, 0)
    assert.is(readFileSync(join(project, 'src/b'), 'utf8'), 'box\n')
    assert.is(applyIn(project, '--overwrite').status, 0)
    assert.is(readFileSync(join(project, 'src/a'), 'utf8'), 'box\n')
    assert.not(existsSync(join(project, 'src/old')))
  }),
)

test(
  'what a read-only bind or a mask covers stays as it is, whatever the command does to its name',
  inTemp((dir) => {
    const project = projectIn(dir)
    const before = treeOf(project)
    const options = ['--ro-bind', '.git/hooks', '--mask', join(project, 'mode')]
    reviewed(project, options, 'rm -rf .git; mv src .git2; echo x >.git/hooks/new; rm -f mode; echo y >mode; ls -A')
    applyIn(project)
    assert.equal(
      treeOf(project).filter((line) => /^(\.git|mode)/.test(line) && !line.startsWith('.git2')),
      before.filter((line) => /^(\.git|mode)/.test(line)),
    )
  }),
)

test(
  'what --keep and --hide name is never applied, also names that are not there',
  inTemp((dir) => {
    const project = projectIn(dir)
    writeFileSync(join(project, '.env'), 'secret')
    const options = ['--keep', '.git/config', '--hide', '.env', '--hide', 'later.pem']
    const script = 'echo x >.git/config; cat .env || rm -f .env; echo y >later.pem; echo z >src/n; true'
    reviewed(project, options, script)
    assert.equal(changesIn(project), [
      'added    .git/config  (stays apart: --keep .git/config)',
      'added    later.pem  (stays apart: --hide later.pem)',
      'added    src/n',
    ])
    assert.is(applyIn(project).status, 0)
    assert.equal(
      treeOf(project)
        .filter((line) => /config|pem|env|src.n/.test(line))
        .map((line) => line.split(' ')[0]),
      ['.env', 'src/n'],
    )
    assert.is(readFileSync(join(project, '.env'), 'utf8'), 'secret')
    nsbox(['changes', '--discard'], { cwd: project })
  }),
)

test(
  'a box that runs keeps its review, and one that is killed leaves the project as it was',
  inTemp(async (dir) => {
    const project = projectIn(dir)
    const before = treeOf(project)
    const args = [
      '--changes',
      'review',
      '--ro',
      '--bind',
      '.',
      '--quiet',
      'sh',
      '-c',
      'echo x >src/a; echo; exec sleep 60',
    ]
    const child = spawn(NSBOX, args, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await once(child.stdout, 'data')
      failure(nsbox(['changes'], { cwd: project }), /^nsbox: changes: the box of this review still runs: /)
      failure(applyIn(project), /still runs/)
      failure(nsbox(['changes', '--discard'], { cwd: project }), /still runs/)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    assert.equal(treeOf(project), before)
    for (let tries = 0; tries < 100 && nsbox(['changes'], { cwd: project }).status !== 0; tries++) await Bun.sleep(20)
    assert.equal(changesIn(project), ['changed  src/a'])
    assert.is(nsbox(['changes', '--discard'], { cwd: project }).status, 0)
  }),
)

/** Changes attributes of the files that its script names. */
const python = (project: string, script: string) =>
  nsbox(['--changes', 'review', '--ro', '--bind', '.', '--quiet', 'python3', '-c', `import os\n${script}`], {
    cwd: project,
  })
const PRINT = `
import os, sys
def shown(name): return name.startswith('user.') or name == 'system.posix_acl_access'
for path in sys.argv[1:]:
    print(path, {n: os.getxattr(path, n).decode('latin1') for n in sorted(os.listxattr(path)) if shown(n)})
`
const attributesOf = (project: string, ...names: string[]): string =>
  spawnSync('python3', ['-c', PRINT, ...names], { cwd: project, encoding: 'utf8' }).stdout

/** An ACL by which the user 1 may write and the group may do nothing: acl(5), xattr(7), as the kernel keeps it. */
const ACL = `b'\\2\\0\\0\\0' + b''.join(t.to_bytes(2,'little') + p.to_bytes(2,'little') + i.to_bytes(4,'little') for t, p, i in [(1,6,2**32-1),(2,6,os.getuid()),(4,0,2**32-1),(16,6,2**32-1),(32,0,2**32-1)])`

const TRY = "import os, tempfile; f = tempfile.NamedTemporaryFile(); os.setxattr(f.name, 'user.x', b'')"
/** A tmpfs has them from Linux 6.6 on. */
const withAttributes = spawnSync('python3', ['-c', TRY]).status === 0 ? test : test.skip
withAttributes(
  'attributes of users are applied, ACLs and capabilities are said to be left',
  inTemp((dir) => {
    const project = projectIn(dir)
    const set = (file: string, name: string, value: string) => `os.setxattr('${file}', 'user.${name}', b'${value}')`
    const before = [set('src/a', 'kept', '1'), set('src/b', 'value', '1'), set('mode', 'gone', '1')].join('\n')
    const made = spawnSync('python3', ['-c', `import os\n${before}`], { cwd: project, encoding: 'utf8' })
    assert.is(made.stderr, '')
    const script = `open('src/a','a').write('x'); ${set('src/b', 'value', '2')}; os.removexattr('mode', 'user.gone')
${set('src', 'directory', '3')}; open('new','w').write('n'); ${set('new', 'n', '4')}
open('acl','w').write('a'); os.setxattr('acl', 'system.posix_acl_access', ${ACL})`
    assert.is(python(project, script).stderr, '')
    assert.equal(changesIn(project), [
      'added    acl  (without system.posix_acl_access)',
      'changed  mode  (attributes user.gone)',
      'added    new  (attributes user.n)',
      'changed  src/  (attributes user.directory)',
      'changed  src/a  (attributes user.kept)',
      'changed  src/b  (attributes user.value)',
    ])
    assert.is(applyIn(project).stderr, '')
    assert.is(
      attributesOf(project, 'src/a', 'src/b', 'mode', 'src', 'new', 'acl'),
      "src/a {'user.kept': '1'}\nsrc/b {'user.value': '2'}\nmode {}\nsrc {'user.directory': '3'}\nnew {'user.n': '4'}\nacl {}\n",
    )
    // The group's bits were the mask of the ACL.
    assert.is(lstatSync(join(project, 'acl')).mode & 0o777, 0o600)
    if (process.getuid?.() !== 0) return
    const capability = `os.setxattr('mode', 'security.capability', bytes.fromhex('0100000200040000000000000000000000000000'))`
    const options = ['--changes', 'review', '--cap-add', 'setfcap', '--write', '.', '--quiet']
    const capable = nsbox([...options, 'python3', '-c', `import os\n${capability}`], { cwd: project })
    assert.is(capable.stderr, '')
    assert.equal(changesIn(project), ['changed  mode  (without security.capability)'])
    assert.is(applyIn(project).status, 0)
    const list = spawnSync('python3', ['-c', 'import os; print(os.listxattr("mode"))'], {
      cwd: project,
      encoding: 'utf8',
    })
    assert.is(list.stdout, '[]\n')
  }),
)

const MISSING = 'missing on the host, where the directory has changed since'

test(
  'what the host removed while the box changed it is a conflict',
  inTemp((dir) => {
    const project = projectIn(dir)
    assert.is(reviewed(project, [], 'echo x >>src/a; echo y >src/old/new; mv src/b src/renamed; mkdir fresh').status, 0)
    rmSync(join(project, 'src/a'))
    rmSync(join(project, 'src/old'), { recursive: true })
    const lines = changesIn(project)
    for (const name of ['src/a', 'src/old/'])
      assert.ok(lines.includes(`added    ${name}  (conflict: ${MISSING})`), lines.join('\n'))
    assert.ok(lines.includes('added    fresh/'), lines.join('\n'))
    failure(
      applyIn(project),
      /^nsbox: changes: nothing was applied: .*: missing on the host, where the directory has changed since/,
    )
    assert.not(existsSync(join(project, 'src/a')))
    assert.is(applyIn(project, '--only', 'fresh').status, 0)
    assert.is(applyIn(project, '--overwrite').status, 0)
    assert.is(readFileSync(join(project, 'src/a'), 'utf8'), 'src/ax\n')
  }),
)

test(
  'reviews are listed with age and size; what no box has written to goes away',
  inTemp((dir) => {
    const project = projectIn(dir)
    const { HOME = '', XDG_STATE_HOME = join(HOME, '.local/state') } = process.env
    const reviews = asRoot ? '/var/lib/nsbox/changes' : join(XDG_STATE_HOME, 'nsbox/changes')
    reviewed(project, [], 'head -c 100000 /dev/zero >large')
    reviewed(project, [], 'touch src/a')
    const listed = nsbox(['changes', '--all']).stdout
    assert.match(listed, /: sh -c 'head .* \(in .*\), \d+s old, 10\d(?:\.\d)? kB\n/)
    assert.match(listed, /: sh -c 'touch .* \(in .*\), \d+s old, /)
    assert.match(nsbox(['changes', '--prune']).stdout, /^thrown away: \S+: sh -c 'touch src\/a' \(in .*\)\n$/)
    assert.equal(readdirSync(reviews).length, 1)
    assert.match(nsbox(['changes', '--prune', '--all']).stderr, /--prune: looks through all reviews/)
    // Killed before its record was whole, and before its box had an overlay; a start of this moment stays.
    const old = new Date(Date.now() - 120_000)
    const leave = (id: string, record: object | undefined, age: Date) => {
      mkdirSync(join(reviews, id, '0'), { recursive: true, mode: 0o700 })
      if (record !== undefined) writeFileSync(join(reviews, id, 'review.json'), JSON.stringify(record))
      utimesSync(join(reviews, id), age, age)
    }
    const record = {
      version: 1,
      started: '1',
      argv: ['x'],
      cwd: '/',
      places: [{ path: '/', state: '0' }],
      held: [],
      attributes: 'user',
    }
    leave('20200101-000000-000001', undefined, old)
    leave('20200101-000000-000002', { ...record, process: '1-999999999' }, old)
    leave('20200101-000000-000003', undefined, new Date())
    leave('20200101-000000-000004', { ...record, process: `${process.pid}-${startOfThis()}` }, old)
    reviewed(project, [], 'true')
    assert.equal(
      readdirSync(reviews)
        .filter((name) => name.startsWith('2020'))
        .sort(),
      ['20200101-000000-000003', '20200101-000000-000004'],
    )
    for (const name of readdirSync(reviews))
      if (name.startsWith('2020')) rmSync(join(reviews, name), { recursive: true })
      else assert.is(nsbox(['changes', name, '--discard']).status, 0)
  }),
)

/** Field 22 of stat, proc(5). */
const startOfThis = (): string =>
  readFileSync('/proc/self/stat', 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ')[19] ?? ''

test(
  'a review is of one run, and of directories',
  inTemp((dir) => {
    const project = projectIn(dir)
    const options = ['--changes', 'review', '--ro', '--bind', '.', 'true']
    for (const verb of [['plan'], ['bake', '-o', join(dir, 'program')]]) {
      const { status, stderr } = nsbox([...verb, ...options], { cwd: project })
      assert.is(status, 2)
      assert.match(stderr, /^nsbox: --changes review: only a command that runs now can be reviewed\nhint: /)
    }
    assert.is(nsbox(['explain', ...options], { cwd: project }).status, 0)
    failure(
      reviewed(project, ['--bind', './mode'], 'true'),
      /^nsbox: changes: only directories can be reviewed: .*mode\nhint: /,
    )
    failure(nsbox(['changes', '--discard'], { cwd: project }), /no review/)
    assert.match(nsbox(['changes', 'a', 'b']).stderr, /one word too many: 'b'/)
    failure(nsbox(['apply', '20200101-000000-abcdef']), /no such review: 20200101/)
  }),
)

test(
  'a command that fails, and one that changes nothing, have a review too',
  inTemp((dir) => {
    const project = projectIn(dir)
    assert.is(reviewed(project, [], 'touch src/a; cat src/* >/dev/null 2>&1; exit 3').status, 3)
    assert.equal(changesIn(project), ['nothing has changed'])
    const [review] = JSON.parse(nsbox(['changes', '--all', '--json'], { cwd: project }).stdout) as { cwd: string }[]
    assert.is(review?.cwd, project)
    applyIn(project)
  }),
)

test(
  "on the host's own root what the caller may write to is kept apart",
  inTemp((dir) => {
    const project = projectIn(dir)
    const { stdout, stderr } = nsbox(['--changes', 'review', '--', 'sh', '-c', `echo x >${project}/src/a; cat src/a`], {
      cwd: project,
    })
    assert.is(stdout, 'x\n')
    assert.match(stderr, /^note: changes are kept apart: nsbox changes \d{8}-\d{6}-[0-9a-f]{6}\n$/)
    assert.equal(changesIn(project), ['changed  src/a'])
    assert.is(readFileSync(join(project, 'src/a'), 'utf8'), 'src/a')
    applyIn(project)
    assert.is(readFileSync(join(project, 'src/a'), 'utf8'), 'x\n')
  }),
)

const onlyRoot = asRoot ? test : test.skip
onlyRoot(
  'a current directory on a file system of its own is kept apart, too (needs root)',
  inTemp((dir) => {
    const script = `mount -t tmpfs none "$0" && cd "$0" && echo one >a && "$@" sh -c 'echo two >a; cat a'; cat a`
    const { stdout } = execute('unshare', [
      '-m',
      'sh',
      '-c',
      script,
      dir,
      NSBOX,
      '--changes',
      'review',
      '--quiet',
      '--',
    ])
    assert.is(stdout, 'two\none\n')
  }),
)

test(
  'a program gets the changes with the result',
  inTemp(async (dir) => {
    const project = projectIn(dir)
    const reviewing = box({ ro: true, mounts: [{ type: 'bind', source: project }], cwd: project, changes: 'review' })
    const result = await reviewing.run(['sh', '-c', 'echo new >src/n; rm src/b'])
    const short = (changes: Change[] = []) =>
      changes.map(({ kind, path, type }) => [kind, path.slice(project.length + 1), type])
    assert.equal(short(await result.review?.changes()), [
      ['removed', 'src/b', 'file'],
      ['added', 'src/n', 'file'],
    ])
    const applied = await review(project).apply({ only: `${project}/src/n` })
    assert.equal(short(applied.applied), [['added', 'src/n', 'file']])
    assert.equal(short(applied.left), [['removed', 'src/b', 'file']])
    await result.review?.discard()
    assert.throws(() => review(project), /no such review/)
    assert.throws(() => review(''), /must be an id or a directory/)
    assert.throws(() => reviewing.plan(['true']), /changes: 'review'|only a command that runs now/)
  }),
)

test.run()
