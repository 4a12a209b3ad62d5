/** The targets that users of a checkout take. */
// runs once
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, inTemp, PLAIN, SANITIZED, treeOf, type Ran } from '../helpers/nsbox.ts'

const TOP = resolve(import.meta.dir, '../..')
const make = (...words: string[]): Ran =>
  execute('make', ['--no-print-directory', '-C', TOP, ...words], {
    env: { ...process.env, MAKEFLAGS: '', MAKELEVEL: '' },
  })

const INSTALLED = [
  'bin/nsbox',
  'share/bash-completion/completions/nsbox',
  'share/doc/nsbox/THIRD-PARTY.txt',
  'share/fish/vendor_completions.d/nsbox.fish',
  'share/man/man1/nsbox.1',
  'share/zsh/site-functions/_nsbox',
]
const filesOf = (dir: string): string[] =>
  (readdirSync(dir, { recursive: true }) as string[]).filter((name) => statSync(join(dir, name)).isFile()).sort()

const whole = PLAIN || SANITIZED ? test.skip : test
whole(
  'make install puts program, manual and completions below DESTDIR and PREFIX, and make uninstall takes them away',
  inTemp((dir) => {
    const place = join(dir, 'a place')
    const where = [`DESTDIR=${place}`, 'PREFIX=/opt/n s']
    const prefix = join(place, 'opt/n s')
    // Packagers sometimes have a strict umask.
    const { status, stderr } = execute(
      'sh',
      ['-c', 'umask 077; exec make --no-print-directory -C "$0" install "$@"', TOP, ...where],
      { env: { ...process.env, MAKEFLAGS: '' } },
    )
    assert.is(status, 0, stderr)
    assert.equal(filesOf(prefix), INSTALLED)
    for (const name of INSTALLED)
      assert.is(statSync(join(prefix, name)).mode & 0o777, name.startsWith('bin/') ? 0o755 : 0o644, name)
    assert.is(
      execute(join(prefix, 'bin/nsbox'), ['--tmpfs', '/tmp', 'sh', '-c', 'ls /tmp; exit 7'], { cwd: '/' }).status,
      7,
    )
    assert.equal(
      treeOf(place).filter((entry) => !JSON.stringify(entry).includes('opt')),
      [],
    )
    assert.is(make('uninstall', ...where).status, 0)
    assert.equal(filesOf(prefix), [])
  }),
)

test('make help names each target that has a description, and CONTRIBUTING.md names no other', () => {
  const { status, stdout, stderr } = make('help')
  assert.is(status, 0, stderr)
  const targets = [...stdout.matchAll(/^  make (\S+) +\S/gm)].map(([, name = '']) => name)
  for (const name of ['all', 'help', 'test', 'lint', 'install', 'uninstall', 'clean', 'format', 'fuzz', 'bench'])
    assert.ok(targets.includes(name), name)
  const named = [...readFileSync(join(TOP, 'CONTRIBUTING.md'), 'utf8').matchAll(/^    make ([a-z][a-z-]*)/gm)].map(
    ([, name = '']) => name,
  )
  assert.ok(named.length > 2)
  for (const name of named) assert.ok(targets.includes(name), name)
})

test.run()
