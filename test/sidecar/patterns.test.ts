/** Patterns for paths: what they stand for, one by one and together. */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { BIN, execute } from '../helpers/nsbox.ts'

const run = (patterns: readonly string[], paths: readonly string[]) =>
  execute(join(BIN, 'patterns'), [...patterns, '--', ...paths])

/** Of PATHS those that the patterns hide. */
const hidden = (patterns: readonly string[], paths: readonly string[]): string[] =>
  run(patterns, paths)
    .stdout.split('\n')
    .filter((line) => line.startsWith('1 '))
    .map((line) => line.slice(2))

/** A pattern, with paths that it hides, and paths that it doesn't. */
const CASES: readonly (readonly [pattern: string, hides: readonly string[], leaves: readonly string[]])[] = [
  ['/p/**/.env', ['/p/.env', '/p/a/.env', '/p/a/b/c/.env', '/p/a/.env/below'], ['/.env', '/p', '/p/.envrc', '/q/.env']],
  ['/p/*.pem', ['/p/a.pem', '/p/.pem', '/p/.a.pem'], ['/p/a/b.pem', '/p/pem', '/p/a.pem.txt', '/p']],
  ['/**/id_rsa*', ['/id_rsa', '/a/id_rsa.pub', '/a/b/id_rsa'], ['/a/xid_rsa']],
  ['/p/?', ['/p/a', '/p/é', '/p/\u{1f600}'], ['/p/ab', '/p']],
  ['/p/[a-c]x', ['/p/ax', '/p/cx'], ['/p/dx', '/p/x', '/p/-x']],
  ['/p/[!a-c]x', ['/p/dx', '/p/éx'], ['/p/ax']],
  ['/p/[^a]x', ['/p/bx'], ['/p/ax']],
  ['/p/[]a]x', ['/p/]x', '/p/ax'], ['/p/bx']],
  ['/p/[a-]x', ['/p/-x', '/p/ax'], ['/p/bx']],
  ['/p/[à-é]', ['/p/á', '/p/é'], ['/p/e', '/p/ê']],
  ['/p/[\\]]', ['/p/]'], ['/p/\\']],
  ['/p/\\*', ['/p/*'], ['/p/a', '/p/\\*']],
  ['/p/a\\?*', ['/p/a?', '/p/a?b'], ['/p/ab']],
  ['/p/**', ['/p/a', '/p/a/b'], ['/p', '/q']],
  ['/p/**/**/x', ['/p/x', '/p/a/b/x'], ['/p/y']],
  ['/**/a/**/b', ['/a/b', '/x/a/y/z/b'], ['/b', '/a', '/b/a']],
  ['/p/a**b', ['/p/ab', '/p/axyb'], ['/p/a/b']],
  ['//p//x/', ['/p/x'], ['/p']],
  ['/p/*a*b*', ['/p/ab', '/p/xaxbx', '/p/aab'], ['/p/ba', '/p/a']],
  ['/p/*/x', ['/p/a/x'], ['/p/x', '/p/a/b/x']],
]

for (const [pattern, hides, leaves] of CASES)
  test(`${pattern} stands for what it should`, () => {
    assert.equal(hidden([pattern], [...hides, ...leaves]), hides)
  })

test('a name of bytes that are no UTF-8 is matched byte by byte', () => {
  const script = `${join(BIN, 'patterns')} '/p/??' '/q/*x' -- "$(printf '/p/\\377\\376')" "$(printf '/p/\\377')" "$(printf '/q/\\377x')"`
  const marks = execute('sh', ['-c', script]).stdout.split('\n')
  assert.equal(
    marks.filter((line) => line !== '').map((line) => line.slice(0, 1)),
    ['1', '0', '1'],
  )
})

test('all patterns count, in any order, and one with ! leaves in sight', () => {
  const patterns = ['/p/**/*.pem', '!/p/**/test/**', '/p/**/.env', '!/p/keep/.env', '/q/**']
  const paths = ['/p/a.pem', '/p/test/a.pem', '/p/x/test/y/a.pem', '/p/test.pem', '/p/.env', '/p/keep/.env', '/q/a']
  const expected = ['/p/a.pem', '/p/test.pem', '/p/.env', '/q/a']
  assert.equal(hidden(patterns, paths), expected)
  assert.equal(hidden([...patterns].reverse(), paths), expected)
  // What is in a hidden directory can't be left in sight.
  assert.equal(hidden(['/p/secrets', '!/p/secrets/public'], ['/p/secrets/public']), ['/p/secrets/public'])
})

test('as many patterns as one likes', () => {
  const many = Array.from({ length: 700 }, (_, n) => `/p/**/x${n}`)
  assert.equal(hidden(many, ['/p/x0', '/p/a/x699', '/p/x700', '/p/x']), ['/p/x0', '/p/a/x699'])
  const wild = Array.from({ length: 200 }, (_, n) => `/p/**/${n}*a*`)
  assert.equal(hidden(wild, ['/p/7xa', '/p/199a', '/p/b']), ['/p/7xa', '/p/199a'])
})

test('what is no pattern is an error', () => {
  for (const [pattern, message] of [
    ['p/*', 'must be absolute'],
    ['/p/[a', "a bracket isn't closed"],
    ['/p/[', "a bracket isn't closed"],
    ['/p/[!]', "a bracket isn't closed"],
    ['/p/[a\\', "a bracket isn't closed"],
    ['/p/a\\', 'a backslash stands at the end'],
    ['/', 'names the root'],
    ['!/', 'names the root'],
  ] as const) {
    const { status, stdout } = run([pattern], ['/p/a'])
    assert.is(status, 1, pattern)
    assert.is(stdout, `${pattern}: ${message}\n`)
  }
})

test.run()
