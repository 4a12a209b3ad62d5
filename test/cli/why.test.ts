/** `nsbox why`: which rule decides about a path. */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, inTemp, NSBOX, nsbox } from '../helpers/nsbox.ts'

test(
  'why names the rules for reading and for writing, runs nothing, and follows links',
  inTemp((dir) => {
    mkdirSync(join(dir, '.git/hooks'), { recursive: true })
    writeFileSync(join(dir, '.env'), 'x')
    symlinkSync('.git/hooks', join(dir, 'link'))
    const rules = ['--ro', '--bind', dir, '--ro-bind', `${dir}/.git/hooks`, '--mask', `${dir}/.env`]
    const why = (...words: string[]) => execute(NSBOX, ['why', ...rules, ...words], { cwd: dir })
    assert.is(
      why('link/new', '.env', '.', '/etc/passwd', 'none/none').stdout,
      [
        `${dir}/.git/hooks/new`,
        '  read:  no, nothing is there',
        `  write: no: --ro-bind ${dir}/.git/hooks`,
        `${dir}/.env`,
        `  read:  no: --mask ${dir}/.env`,
        `  write: no: --mask ${dir}/.env`,
        dir,
        `  read:  yes: --bind ${dir}`,
        `  write: yes: --bind ${dir}`,
        '/etc/passwd',
        '  read:  yes: the root is read-only',
        '  write: no: the root is read-only',
        `${dir}/none/none`,
        '  read:  no, nothing is there',
        '  write: no, the directory is missing',
        '',
      ].join('\n'),
    )
    // Options may stand behind the path, too.
    const [answer] = JSON.parse(why('/tmp/x', '--json', '--tmpfs', '/tmp').stdout) as Record<string, unknown>[]
    assert.equal(answer, {
      asked: '/tmp/x',
      path: '/tmp/x',
      finds: 'nothing',
      read: false,
      write: true,
      shownBy: '--tmpfs /tmp',
      writtenBy: '--tmpfs /tmp',
    })
    const asked = why('.git/hooks', '.', '--write')
    const lines = [
      `${dir}/.git/hooks\n  write: no: --ro-bind ${dir}/.git/hooks`,
      `${dir}\n  write: yes: --bind ${dir}`,
      '',
    ]
    assert.equal([asked.status, asked.stdout], [1, lines.join('\n')], asked.stderr)
    assert.equal([why('.', '--write').status, why('.', '--write', '--', 'none').status], [0, 0])
    assert.is(why('--write', '.', '--json', '.git/hooks', '--write').status, 1)
    assert.is(why('.git/hooks').status, 0)
    // Before the paths it is a rule of the box.
    assert.match(why('--write', '/etc', '/etc/passwd').stdout, /write: yes: --write \/etc/)
    assert.match(
      nsbox(['why', '--overlay', '/etc']).stdout,
      /^\/etc\n {2}read: {2}yes: the root\n {2}write: yes: the root/,
    )
  }),
)

test('what is no question', () => {
  assert.equal(nsbox(['why']).stderr, 'nsbox: why: no path\nhint: nsbox why [OPTIONS] PATH... [--write]\n')
  assert.match(nsbox(['why', '--write', '/etc']).stderr, /--write behind all paths asks/)
  assert.match(nsbox(['--write']).stderr, /--write: the value is missing/)
  assert.match(nsbox(['why', '']).stderr, /why: empty path ''/)
  assert.match(nsbox(['why', '--root', '/', '--', '-x']).stderr, /'-x' must be an absolute path/)
})

test.run()
