/** The examples do what they say, from the installed package, under Node and under Bun; the guides quote them. */
// seconds: 200
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { done, project, RUNTIMES } from '../helpers/package.ts'
import { blocksOf } from '../helpers/documents.ts'
import { asRoot, execute, NSBOX } from '../helpers/nsbox.ts'
import { ownState } from '../helpers/own-state.ts'

const top = resolve(import.meta.dir, '../..')
// Not below /tmp: the presets have one of their own.
process.env.TMPDIR = '/var/tmp'
const { path: dir, remove } = project('zx')
test.after(remove)
cpSync(join(top, 'examples'), join(dir, 'examples'), { recursive: true })

const debian = join(top, 'dist/debian-root')
/** dpkg only works in a system that the user owns. */
const ownsDebian = existsSync(debian) && statSync(debian).uid === process.getuid?.()
if (!ownsDebian) console.log('skipped: there is no dist/debian-root that belongs to this user')

for (const { name, program } of RUNTIMES) {
  const example = (file: string, ...args: string[]) =>
    execute(program, [join(dir, 'examples', file), ...args], { cwd: dir })

  test(`build: the result is there, and the build had no network (${name})`, () => {
    const out = `out-${name}`
    const { stderr } = done(example('build.mjs', 'examples/hello', out))
    assert.match(stderr, /cut -d: -f1\n +lo\n\$/)
    assert.match(stderr, 'hello from a box')
    assert.is(execute(join(dir, out, 'hello'), []).stdout, 'hello from a box\n')
    assert.equal(readdirSync(join(dir, 'examples/hello')).sort(), ['Makefile', 'hello.c'])
  })

  test(`run-code: each piece of code ends as it should (${name})`, () => {
    const lines = done(example('run-code.mjs')).stdout.trim().split('\n')
    assert.match(lines.pop() ?? '', /^calls home: done: (ENETUNREACH|ECONNREFUSED)$/)
    // For a user both are true, and runtimes report one or the other.
    assert.match(lines.pop() ?? '', /^changes the machine: failed with 1: (EROFS|EACCES)$/)
    assert.equal(lines, [
      'adds up: done: 6',
      'never ends: took too long',
      'says too much: said too much',
      'leaves a process behind: done',
      'looks for your keys: done: 0 files; no environment',
    ])
  })

  test(`test-runner: tests that would disturb each other pass, and one that fails is reported (${name})`, () => {
    const { stdout } = done(example('test-runner.mjs'))
    assert.equal(
      stdout
        .replace(/ \(\d+ MiB\)/g, '')
        .trim()
        .split('\n')
        .sort(),
      ['3 passed, 0 failed', 'ok port-one.test.mjs', 'ok port-three.test.mjs', 'ok port-two.test.mjs'],
    )
    const tests = join(dir, `tests-${name}`)
    cpSync(join(dir, 'examples/tests'), tests, { recursive: true })
    writeFileSync(
      join(tests, 'wrong.test.mjs'),
      'import fs from "node:fs"\nfs.writeFileSync("/tmp/tests/wrong.test.mjs", "")\n',
    )
    const failed = example('test-runner.mjs', tests)
    assert.is(failed.status, 1)
    assert.match(failed.stdout, /^not ok wrong\.test\.mjs: status 1$/m)
    assert.match(failed.stdout, 'EROFS')
    assert.match(failed.stdout, '3 passed, 1 failed')
  })

  const inDebian = ownsDebian ? test : test.skip
  inDebian(`debian-package: a package is built, installed and taken out, and the root is as it was (${name})`, () => {
    const { stdout } = done(example('debian-package.mjs', debian, `${name}.deb`))
    assert.match(stdout, 'hello from debian, as installed by dpkg\nhello-box\t1.0\n')
    assert.is(
      readFileSync(join(dir, `${name}.deb`))
        .subarray(0, 8)
        .toString(),
      '!<arch>\n',
    )
    assert.not.ok(existsSync(join(debian, 'usr/bin/hello-box')))
  })
}

test('agents: a command in a box always answers, and changes only the workspace', () => {
  ownState()
  const workspace = mkdtempSync('/var/tmp/nsbox-agents-')
  const home = mkdtempSync('/var/tmp/nsbox-agents-home-')
  try {
    // Node.js 20 can't run TypeScript.
    const { stdout } = done(
      execute(process.execPath, [join(dir, 'examples/agents.ts'), workspace], {
        cwd: dir,
        env: { ...process.env, HOME: home, XDG_STATE_HOME: '', SECRET: 'mine' },
      }),
    )
    const answers = new Map(
      stdout
        .split(/^\$ /m)
        .slice(1)
        .map((part): [string, string] => [part.split('\n')[0] ?? '', part.slice(part.indexOf('\n') + 1)]),
    )
    const answer = (command: string): string => {
      const key = [...answers.keys()].find((name) => name.startsWith(command))
      assert.ok(key, command)
      return answers.get(key) ?? ''
    }
    assert.is(answer('echo "export'), `answer.js\n[status 0]\n[added ${workspace}/answer.js]\n`)
    assert.match(answer('cat answer.js'), /^export const answer = 6 \* 7\nHOME=\/tmp\nPATH=/)
    assert.not.match(stdout, 'mine')
    assert.is(answer('rm answer.js'), `[status 0]\n[removed ${workspace}/answer.js]\n`)
    assert.match(
      answer('mkdir -p .git/hooks'),
      /added \S*\/\.git\/hooks\/pre-commit, kept out: --keep-try \S*\/\.git\]/,
    )
    assert.match(answer('ls ~/.ssh'), /\/home:\n\n\/root:\n.*No such file/)
    assert.match(
      answer('touch /etc/x'),
      /\[\/etc\/x can't be written in the box: the root is read-only\.\]\n\[status 1\]/,
    )
    assert.match(answer('getent'), /^reached\n\[status 2\]/)
    assert.is(answer('sleep 1000'), '[ended after 1 seconds]\n')
    assert.is(answer('yes'), '[stopped: more output than fits]\n')
    assert.match(answer('seq'), /characters left out/)
    assert.match(answer('--privileged'), /\[status 127\]/)
    assert.equal(readdirSync(workspace), ['answer.js'])
    assert.equal(readdirSync(asRoot ? '/var/lib/nsbox/changes' : join(home, '.local/state/nsbox/changes')), [])
  } finally {
    // An overlay's own directory is closed to its owner, too.
    execute('chmod', ['-R', 'u+rwx', home])
    for (const path of [workspace, home]) rmSync(path, { recursive: true })
  }
})

test('agents: the script has no type error', () => {
  const flags = [
    '--noEmit',
    '--strict',
    '--skipLibCheck',
    '--target',
    'esnext',
    '--module',
    'nodenext',
    '--types',
    'node',
  ]
  const tsc = join(top, 'node_modules/typescript/bin/tsc')
  const { status, stdout } = execute(
    process.execPath,
    [tsc, ...flags, '--typeRoots', join(top, 'node_modules/@types'), 'examples/agents.ts'],
    { cwd: dir },
  )
  assert.is(status, 0, stdout)
})

for (const { name, program } of RUNTIMES) {
  test(`the scripts of docs/library.md run as they stand there (${name})`, () => {
    const blocks = blocksOf('docs/library.md').map(({ code }) => code)
    const [first = '', second = ''] = blocks.filter((code) => !code.includes("'--'"))
    assert.match(first, "from 'nsbox'")
    assert.match(second, 'await using')
    if (!existsSync(join(dir, 'r')))
      done(execute(NSBOX, ['rootfs', 'build', 'r', 'bash', 'ls', 'cat', 'touch', 'id'], { cwd: dir }))
    // Node.js knows `await using` from version 24 on.
    writeFileSync(join(dir, 'library.mjs'), `${first}console.log(stdout)\n${name === 'Bun' ? second : ''}`)
    const { stdout } = done(execute(program, ['library.mjs'], { cwd: dir }))
    assert.match(stdout, name === 'Bun' ? /^hello\n\nnsbox enter \d+ bash/ : /^hello\n\n$/)
  })
}

test('the guides quote the examples as they are', () => {
  for (const name of readdirSync(join(top, 'docs/guides'))) {
    const guide = readFileSync(join(top, 'docs/guides', name), 'utf8')
    const script = ['.mjs', '.ts'].map((end) => join(top, 'examples', name.replace('.md', end))).find(existsSync)
    const example = script === undefined ? undefined : readFileSync(script, 'utf8')
    const quotes = [...guide.matchAll(/^```[jt]s\n(.*?)^```/gms)].map(([, code = '']) => code)
    if (example === undefined) continue
    assert.ok(quotes.length > 0, name)
    for (const code of quotes) assert.ok(example.includes(code), `${name}: ${code}`)
  }
})

test.run()
