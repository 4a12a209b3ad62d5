/** Files by rule: what the box may write, what stays as it is, and what it can't see, whatever the order. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, busyboxRoot, execute, inTemp, INTERFACES, NSBOX, nsbox } from '../helpers/nsbox.ts'

/** A home with a project, keys, and a link. Returns the home. */
function homeIn(dir: string): string {
  const home = join(dir, 'home')
  const files = {
    'p/.git/config': 'config\n',
    'p/.git/hooks/kept': 'kept\n',
    'p/src/a.c': 'a\n',
    'p/.env': 'SECRET\n',
    'p/deep/er/.env': 'SECRET\n',
    '.ssh/id': 'SECRET\n',
    'other/file': 'other\n',
    'real/rc': 'rc\n',
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(home, name, '..'), { recursive: true })
    writeFileSync(join(home, name), text)
  }
  symlinkSync('../real/rc', join(home, 'p/.rc'))
  symlinkSync('.ssh', join(home, 'keys'))
  return home
}

/** Names, inodes, modes, sizes and times of all that is below. */
const snapshot = (dir: string): string =>
  spawnSync('find', [dir, '-printf', '%P %i %m %s %T@ %C@ %l\n'], { encoding: 'utf8' }).stdout

const sh = (script: string, home: string) => ['--cwd', join(home, 'p'), 'sh', '-c', script]

for (const { name, box } of INTERFACES) {
  test(
    `the longest path decides, in every order of the rules (${name})`,
    inTemp((dir) => {
      const home = homeIn(dir)
      const p = join(home, 'p')
      const rules = [
        ['--write', p],
        ['--keep', join(p, '.git')],
        ['--write', join(p, '.git/hooks')],
        ['--hide', join(p, 'deep')],
        ['--keep', join(p, 'deep/er')],
      ]
      const script = `for f in ../x x .git/x .git/hooks/x deep/x deep/er/x; do touch $f 2>/dev/null && echo $f && rm $f; done; ls deep; cat deep/er/.env`
      for (const order of [rules, [...rules].reverse(), [...rules.slice(2), ...rules.slice(0, 2)]]) {
        const { stdout, stderr } = box([...order.flat(), ...sh(script, home)])
        assert.is(stdout, 'x\n.git/hooks/x\ner\nSECRET\n', stderr)
      }
    }),
  )

  test(
    `at one path hide wins over keep, and keep over write (${name})`,
    inTemp((dir) => {
      const home = homeIn(dir)
      const p = join(home, 'p')
      const of = (...options: string[]) =>
        box([...options, ...sh(`ls ${p}/src; touch ${p}/src/x && echo wrote; rm -f ${p}/src/x`, home)]).stdout
      const [write, keep, hide] = ['write', 'keep', 'hide'].map((rule) => [`--${rule}`, `${p}/src`]) as [
        string[],
        string[],
        string[],
      ]
      assert.is(of(...write), 'a.c\nwrote\n')
      assert.is(of(...keep, ...write), 'a.c\n')
      assert.is(of(...write, ...keep), 'a.c\n')
      assert.is(of(...hide, ...write, ...keep), '')
    }),
  )

  test(
    `what is hidden can't be read, not even by root, and looks like no file (${name})`,
    inTemp((dir) => {
      const home = homeIn(dir)
      const p = join(home, 'p')
      const script = `cat ${p}/.env; test -f ${p}/.env || echo no file; cat ${home}/.ssh/id ${home}/keys/id; echo x >> ${p}/.env; ls -A ${home}/.ssh ${home}/keys/`
      const rules = ['--write', p, '--hide', `${p}/.env`, '--hide', `${home}/keys`, '--hide', `${home}/none`]
      for (const options of [rules, [...rules, '--map-root'], [...rules, '--map-root', '--cap-add', 'all']]) {
        const { stdout, stderr } = box([...options, ...sh(script, home)])
        assert.is(stdout, `no file\n${home}/.ssh:\n\n${home}/keys/:\n`)
        assert.match(stderr, /\.env: (Permission denied|No such device or address)\n/)
        assert.not.match(stdout + stderr, /SECRET/)
      }
      assert.is(readFileSync(join(p, '.env'), 'utf8'), 'SECRET\n')
    }),
  )

  test(
    `of a hidden home only the project shows, and the rest is read-only (${name})`,
    inTemp((dir) => {
      const home = homeIn(dir)
      const p = join(home, 'p')
      const script = `ls -A ..; touch ../x 2>&1; mkdir ../y; touch x && rm x && echo wrote`
      for (const rules of [
        ['--hide', home, '--write', p],
        ['--mask', home, '--bind', p, '--ro'],
      ]) {
        const { stdout } = box([...rules, ...sh(script, home)])
        assert.match(stdout, /^p\n.*Read-only file system\nwrote\n$/)
      }
      assert.is(existsSync(join(home, 'x')) || existsSync(join(home, 'y')), false)
    }),
  )

  test(
    `a rule for a link is about the file that it leads to, and a kept link stays (${name})`,
    inTemp((dir) => {
      const home = homeIn(dir)
      const p = join(home, 'p')
      const rules = ['--write', home, '--keep', `${p}/.rc`, '--hide', `${home}/keys`]
      const script = `for c in 'rm .rc' 'mv .rc .x' 'ln -sfn /dev/null .rc' 'mv ../real ../r' 'mv ../p ../q'; do $c && echo $c; done; echo y >> .rc; mv ../keys ../k; ls ../.ssh/ ../k/; cat .rc`
      const { stdout } = box([...rules, ...sh(script, home)])
      assert.is(stdout, '../.ssh/:\n\n../k/:\nrc\n')
      assert.is(readFileSync(join(home, 'real/rc'), 'utf8'), 'rc\n')
    }),
  )

  test(
    `mounts of the caller's lie below and above rules by their paths (${name})`,
    inTemp((dir) => {
      const home = homeIn(dir)
      const p = join(home, 'p')
      const elsewhere = '/mnt/w'
      const options = ['--tmpfs', home, '--tmpfs', `${p}/src`, '--bind', `${p}:${elsewhere}`]
      const rules = ['--write', p, '--hide', `${p}/.env`, '--keep', `${p}/.git`]
      const script = `ls -A .. src; touch src/x && echo tmpfs; cat .env ${elsewhere}/.env; touch ${elsewhere}/.git/x; touch ${elsewhere}/x && echo wrote; rm ${elsewhere}/x`
      const { stdout, stderr } = box([...options, ...rules, ...sh(script, home)])
      assert.is(stdout, '..:\np\n\nsrc:\ntmpfs\nwrote\n', stderr)
    }),
  )

  test(
    `a root of one's own and an overlay take rules, too (${name})`,
    inTemp((dir) => {
      const home = homeIn(dir)
      const p = join(home, 'p')
      const script = `cat ${p}/.env; for f in ${p}/x ${p}/.git/x ${home}/x; do touch $f && echo $f; done`
      const rules = ['--hide', `${p}/.env`, '--keep', `${p}/.git`]
      const root = ['--root', '/', '--write', '/', ...rules]
      assert.is(box([...root, ...sh(script, home)]).stdout, `${p}/x\n${home}/x\n`)
      rmSync(`${home}/x`)
      const own = busyboxRoot(join(dir, 'r'), ['etc/kept'])
      writeFileSync(join(own, 'etc/secret'), 'SECRET\n')
      const inside = ['--root', own, '--hide', '/etc/secret', '--keep', '/etc/kept']
      const touch = `cat /etc/secret; for f in /etc/x /etc/kept/x ${p}/x ${p}/.git/x; do touch $f && echo $f; done`
      assert.is(box([...inside, '--overlay', '/bin/sh', '-c', touch]).stdout, '/etc/x\n')
      assert.is(box([...inside, ...rules, '--write', p, '/bin/sh', '-c', touch]).stdout, `${p}/x\n`)
      assert.is(existsSync(`${own}/etc/x`), false)
    }),
  )
}

test(
  'a missing path: nothing to hide, a line about what would be kept, an error for what is written',
  inTemp((dir) => {
    const home = homeIn(dir)
    const p = join(home, 'p')
    const kept = ['--write', p, '--keep', `${p}/.npmrc`, '--keep', `${p}/.git`, '--keep', `${p}/.idea`]
    const { status, stderr } = nsbox([...kept, '--keep', `${home}/none`, '--hide', `${p}/none`, ...sh('true', home)])
    assert.is(status, 0)
    assert.is(stderr, `nsbox: warning: --keep: missing, so the command may make them: ${p}/.idea ${p}/.npmrc\n`)
    assert.is(nsbox([...kept, '--quiet', ...sh('true', home)]).stderr, '')
    const missing = nsbox(['--write', `${p}/none`, 'true'])
    assert.is(missing.status, 125)
    assert.match(missing.stderr, /^nsbox: mounts: write: .*\/none: No such file or directory \(ENOENT\)\n/)
  }),
)

test(
  'what was missing when a plan was made is kept and hidden if it is there when the plan runs',
  inTemp((dir) => {
    const home = homeIn(dir)
    const p = join(home, 'p')
    const baked = join(dir, 'baked')
    const options = ['--write', p, '--keep', `${p}/.npmrc`, '--hide', `${p}/token`]
    const script = 'cat token; echo x >> .npmrc; cat .npmrc'
    assert.is(nsbox(['bake', '-o', baked, ...options, ...sh(script, home)]).status, 0)
    writeFileSync(join(p, '.npmrc'), 'kept\n')
    writeFileSync(join(p, 'token'), 'SECRET\n')
    assert.is(execute(baked, []).stdout, 'kept\n')
  }),
)

test('wrong rules are errors that say what is meant', () => {
  for (const [words, message] of [
    [['--hide', '/'], /^nsbox: --hide: '\/' is the root itself\nhint: --tmpfs \/ gives/],
    [['--keep', '/usr/..'], /^nsbox: --keep: '\/usr\/\.\.' is the root itself\nhint: .*--write \//],
    [['--write', ''], /^nsbox: --write: empty value/],
  ] as const) {
    const { status, stderr } = nsbox([...words, 'true'])
    assert.is(status, 2, stderr)
    assert.match(stderr, message)
  }
})

if (!asRoot)
  test(
    'what nobody but its owner can reach needs no hiding, and is no error',
    inTemp((dir) => {
      mkdirSync(join(dir, 'closed/in'), { recursive: true })
      chmodSync(join(dir, 'closed'), 0)
      const { status, stderr } = nsbox(['--hide', join(dir, 'closed/in/file'), '--hide', '/root/.ssh', 'true'])
      chmodSync(join(dir, 'closed'), 0o700)
      assert.is(status, 0, stderr)
    }),
  )

test(
  'boxes with rules leave the host as it was, also when they are killed',
  inTemp(async (dir) => {
    const home = homeIn(dir)
    const p = join(home, 'p')
    const rules = [
      ['--write', p, '--keep', `${p}/.git`, '--keep', `${p}/.none`, '--hide', `${p}/.env`],
      ['--hide', home, '--write', p, '--hide', `${p}/deep`, '--keep', `${p}/deep/er`],
      ['--write', home, '--keep', `${p}/.rc`, '--hide', `${home}/keys`],
    ]
    const before = snapshot(dir)
    for (const [n, options] of rules.flatMap((one) => [one, one, one]).entries()) {
      const child = spawn(NSBOX, [...options, ...sh('sleep 5', home)], { stdio: 'ignore' })
      await sleep(n * 15)
      child.kill('SIGKILL')
      await new Promise((resolve) => child.on('exit', resolve))
      nsbox([...options, ...sh('true', home)])
      assert.is(snapshot(dir), before, options.join(' '))
    }
  }),
)

test.run()
