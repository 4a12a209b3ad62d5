/** What patterns name is hidden wherever it lies, however many there are, and whatever others do meanwhile. */
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import {
  asRoot,
  busyboxRoot,
  execute,
  failure,
  inTemp,
  INTERFACES,
  NSBOX,
  nsbox,
  planOf,
  sidecar,
} from '../helpers/nsbox.ts'

/** NSBOX_TEST_CHURN=1000 for more. */
const ROUNDS = Number(process.env.NSBOX_TEST_CHURN ?? 12)

/** Makes files with SECRET in them. */
function make(dir: string, ...names: string[]): void {
  for (const name of names) {
    mkdirSync(join(dir, name, '..'), { recursive: true })
    writeFileSync(join(dir, name), 'SECRET\n')
  }
}

/** The options of a box that works in DIR, and prints each of NAMES that it can read. */
const reading = (dir: string, ...names: string[]) => [
  '--cwd',
  dir,
  'sh',
  '-c',
  'for f; do cat "$f" >/dev/null 2>&1 && echo "$f"; done; true',
  'sh',
  ...names,
]

/** Names, inodes, modes, sizes and times. */
const snapshot = (dir: string): string =>
  spawnSync('find', [dir, '-printf', '%P %i %m %s %T@ %C@ %l\n'], { encoding: 'utf8' }).stdout

for (const { name, box } of INTERFACES) {
  test(
    `every file of a pattern is hidden, those behind ! are not (${name})`,
    inTemp((dir) => {
      const names = [
        '.env',
        'a/.env',
        'a/b/c/.env',
        'a/x.pem',
        'test/t.pem',
        'a/test/u.pem',
        'plain',
        'keys/one',
        'q?.x',
      ]
      make(dir, ...names)
      const patterns = ['**/.env', '**/*.pem', '!**/test/**', 'ke[x-z]s', 'q\\?.*']
      const rules = patterns.flatMap((one) => ['--hide', one])
      const before = snapshot(dir)
      for (const options of [
        rules,
        ['--write', dir, ...rules],
        [...patterns.reverse().flatMap((one) => ['--hide', one]), '--write', '/'],
      ]) {
        const { status, stdout, stderr } = inDirectory(dir, box, [...options, ...reading(dir, ...names)])
        assert.is(status, 0, stderr)
        assert.is(stdout, 'test/t.pem\na/test/u.pem\nplain\n')
      }
      assert.is(snapshot(dir), before)
    }),
  )

  test(
    `patterns begin at the caller's directory, at the home or at the root (${name})`,
    inTemp((dir) => {
      make(dir, 'a.key', 'in/b.key', 'home/c.key', 'home/deep/d.key', 'e[1].key')
      const home = join(dir, 'home')
      const read = (word: string) =>
        inDirectory(
          dir,
          box,
          ['--hide', word, ...reading(dir, 'a.key', 'in/b.key', 'home/c.key', 'home/deep/d.key', 'e[1].key')],
          home,
        ).stdout.split('\n')
      assert.equal(read('*.key'), ['in/b.key', 'home/c.key', 'home/deep/d.key', ''])
      assert.equal(read('./in/../in/*'), ['a.key', 'home/c.key', 'home/deep/d.key', 'e[1].key', ''])
      assert.equal(read('~/*.key'), ['a.key', 'in/b.key', 'home/deep/d.key', 'e[1].key', ''])
      assert.equal(read(`${dir}/home/**`), ['a.key', 'in/b.key', 'e[1].key', ''])
      // A path of exactly that name is no pattern.
      assert.equal(read('e[1].key'), ['a.key', 'in/b.key', 'home/c.key', 'home/deep/d.key', ''])
    }),
  )

  test(
    `a link is hidden, with what it leads to in the tree, and nothing outside of it (${name})`,
    inTemp((dir) => {
      make(dir, 'p/store/one', 'p/dir/two', 'outside/three', 'p/x/four')
      const links = [
        ['p/a.key', 'store/one'],
        ['p/x/b.key', join(dir, 'p/dir')],
        ['p/c.key', '../outside/three'],
        ['p/d.key', '.'],
        ['p/e.key', 'e.key'],
        ['p/f.key', 'nothing'],
      ] as const
      for (const [link, to] of links) symlinkSync(to, join(dir, link))
      const names = ['store/one', 'dir/two', '../outside/three', 'x/four', ...links.map(([link]) => link.slice(2))]
      const { stdout, stderr } = inDirectory(join(dir, 'p'), box, [
        '--hide',
        '**/*.key',
        ...reading(join(dir, 'p'), ...names),
      ])
      assert.is(stdout, '../outside/three\nx/four\n', stderr)
    }),
  )

  test(
    `a mask takes a pattern that matches something, and shows empty files (${name})`,
    inTemp((dir) => {
      make(dir, 'a.key', 'b/c.key')
      const of = (...options: string[]) => inDirectory(dir, box, [...options, '--cwd', dir, 'cat', 'a.key', 'b/c.key'])
      assert.equal([of('--mask', '**/*.key').status, of('--mask', `${dir}/*.key`).stdout], [0, 'SECRET\n'])
      assert.is(of('--mask', '**/*.key').stdout, '')
      failure(of('--mask', '**/*.none'), /^nsbox: mounts: nothing matches: .*\/\*\*\/\*\.none\nhint: --hide takes/)
      failure(of('--mask', 'none/*'), /^nsbox: mounts: /)
    }),
  )

  test(
    `it holds in what a mount shows below, at other places, and in a root of one's own (${name})`,
    inTemp((dir) => {
      make(dir, 'p/.env', 'p/sub/keep', 'more/.env', 'more/deep/.env')
      const bound = [
        '--bind',
        `${dir}/more:${dir}/p/sub`,
        '--bind',
        `${dir}/p:/mnt/p`,
        '--bind',
        `${dir}/p/sub:/mnt/sub`,
      ]
      const names = ['.env', 'sub/.env', 'sub/deep/.env', '/mnt/p/.env', '/mnt/p/sub/keep', '/mnt/sub/keep']
      const options = asRoot ? bound : bound.slice(0, 2)
      const { stdout, stderr } = inDirectory(join(dir, 'p'), box, [
        ...options,
        '--hide',
        '**/.env',
        ...reading(join(dir, 'p'), ...names),
      ])
      assert.is(stdout, asRoot ? '/mnt/p/sub/keep\n/mnt/sub/keep\n' : '', stderr)
      const root = busyboxRoot(join(dir, 'r'), ['proc', 'dev', 'etc/in'])
      make(root, 'etc/in/a.key', 'etc/b.key', 'etc/c')
      const own = ['--root', root, '--bind', `${dir}/p:/w`, '--hide', '/etc/**/*.key', '--hide', `${dir}/p/**/.env`]
      const script =
        'for f in /etc/in/a.key /etc/b.key /etc/c /w/.env; do cat $f >/dev/null 2>&1 && echo $f; done; true'
      assert.is(box([...own, '/bin/sh', '-c', script]).stdout, '/etc/c\n')
    }),
  )
}

/** Runs a box from a directory, which patterns begin at. */
function inDirectory(cwd: string, box: (typeof INTERFACES)[number]['box'], args: readonly string[], home?: string) {
  const before = { cwd: process.cwd(), home: process.env.HOME }
  process.chdir(cwd)
  if (home !== undefined) process.env.HOME = home
  try {
    return box(args)
  } finally {
    process.chdir(before.cwd)
    if (before.home !== undefined) process.env.HOME = before.home
  }
}

test(
  'five thousand files are hidden, and more than twenty thousand are an error, with nothing run',
  inTemp((dir) => {
    const fill = (from: number, to: number) =>
      execute('sh', ['-c', `mkdir -p ${dir}/d; cd ${dir}/d; seq -f k%g.key ${from} ${to} | xargs touch`])
    fill(1, 5000)
    const count = ['--hide', `${dir}/**/*.key`, 'sh', '-c', 'grep -c /d/k /proc/self/mountinfo; echo ran']
    assert.is(nsbox(count).stdout, '5000\nran\n')
    fill(5001, 20001)
    const { status, stdout, stderr } = nsbox(count)
    assert.equal([status, stdout], [125, ''])
    assert.match(
      stderr,
      /^nsbox: mounts: too many names are hidden: .*\nhint: hide the directories that they are in\n$/,
    )
  }),
)

if (!asRoot)
  test(
    'a directory that can be entered but not listed is hidden as a whole',
    inTemp((dir) => {
      make(dir, 'p/closed/known', 'p/.env')
      chmodSync(join(dir, 'p/closed'), 0o311)
      // Its owner could list it in the box, by changing its mode: so nsbox does.
      const own = nsbox(['--hide', `${dir}/p/**/.env`, ...reading(join(dir, 'p'), 'closed/known', '.env')])
      assert.is(own.stdout, 'closed/known\n', own.stderr)
      const { status, stderr } = nsbox(['--hide', '/root/**/.env', 'true'])
      assert.is(status, 0, stderr)
    }),
  )

test('wrong patterns are errors, and name what is wrong', () => {
  failure(
    nsbox(['--hide', '/usr/[a', 'true']),
    /^nsbox: mounts: a bracket isn't closed: \/usr\/\[a\nhint: a pattern has/,
  )
  const { status, stderr } = nsbox(['--hide', '/usr/*/../x', 'true'])
  assert.is(status, 2)
  assert.match(stderr, /^nsbox: --hide: '\/usr\/\*\/\.\.\/x': "\.\." can't stand behind a wildcard\n/)
})

test(
  'patterns hold in a baked box, by what is there when it runs, and for a command that enters',
  inTemp((dir) => {
    make(dir, 'p/a.key')
    const baked = join(dir, 'baked')
    const bake = ['bake', '-o', baked, '--hide', `${dir}/p/**/*.key`, ...reading(join(dir, 'p'), 'a.key', 'b.key', 'c')]
    assert.is(nsbox(bake).status, 0)
    make(dir, 'p/b.key', 'p/c')
    const { stdout, stderr } = execute(baked, [])
    assert.is(stdout, 'c\n', stderr)
  }),
)

/** Renames, exchanges and replaces what is in DIR as fast as it can, but never what is in DIR/stays. */
const CHURN = `
import os, sys
os.chdir(sys.argv[1])
print('ready', flush=True)
while True:
    os.rename('a', 'b'); os.rename('b', 'a')
    os.symlink('../outside', 'l'); os.rename('l', 'swap'); os.unlink('swap')
    os.mkdir('swap'); open('swap/.env', 'w').close(); os.rename('swap', 'm'); os.rename('m', 'swap')
    os.unlink('swap/.env'); os.symlink('../../outside/.env', 'swap/.env'); os.unlink('swap/.env'); os.rmdir('swap')
    with open('new', 'w') as f: f.write('SECRET')
    os.rename('new', 'changing.env')
`

test(
  'a tree that another process changes all the time leads no cover out of it, and loses none that stays',
  inTemp(async (dir) => {
    make(dir, 'p/a/x', 'p/stays/.env', 'p/stays/deep/.env', 'p/z/.env', 'outside/.env', 'outside/other')
    for (let n = 0; n < 60; n++) make(dir, `p/stays/d${n}/.env`, `p/a/e${n}/x`)
    const churn = spawn('python3', ['-c', CHURN, join(dir, 'p')], { stdio: ['ignore', 'pipe', 'inherit'] })
    try {
      await new Promise((resolve) => churn.stdout.once('data', resolve))
      const stable = [
        'stays/.env',
        'stays/deep/.env',
        'z/.env',
        ...Array.from({ length: 60 }, (_, n) => `stays/d${n}/.env`),
      ]
      for (let round = 0; round < ROUNDS; round++) {
        // Without the helper that would end the box.
        const { helpers: _, ...plan } = planOf([
          '--write',
          join(dir, 'p'),
          '--hide',
          `${dir}/p/**/.env`,
          ...reading(join(dir, 'p'), ...stable, '../outside/.env', '../outside/other'),
        ])
        const { status, stdout, stderr } = sidecar(plan)
        assert.is(status, 0, stderr)
        assert.is(stdout, '../outside/.env\n../outside/other\n')
      }
      assert.is(churn.exitCode, null)
    } finally {
      churn.kill('SIGKILL')
    }
    assert.is(readFileSync(join(dir, 'outside/.env'), 'utf8'), 'SECRET\n')
  }),
)

test(
  'boxes that are killed while they look for patterns leave nothing',
  inTemp(async (dir) => {
    for (let n = 0; n < 300; n++) make(dir, `p/d${n}/.env`)
    const before = snapshot(dir)
    for (let delay = 0; delay < 40; delay += 4) {
      const child = spawn(NSBOX, ['--write', `${dir}/p`, '--hide', `${dir}/p/**/.env`, '--cwd', '/', 'sleep', '5'], {
        stdio: 'ignore',
      })
      await Bun.sleep(delay)
      child.kill('SIGKILL')
      await new Promise((resolve) => child.on('exit', resolve))
    }
    assert.is(snapshot(dir), before)
    assert.ok(existsSync(join(dir, 'p/d0/.env')))
  }),
)

test.run()
