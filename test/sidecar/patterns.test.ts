/** Patterns for paths: what they stand for, one by one and together. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { areHiding } from '../../src/text/glob.ts'
import { BIN, execute } from '../helpers/nsbox.ts'

const run = (patterns: readonly string[], paths: readonly string[]) =>
  execute(join(BIN, 'patterns'), [...patterns, '--', ...paths])

/** Of PATHS those that the patterns hide. */
const hidden = (patterns: readonly string[], paths: readonly string[]): string[] =>
  run(patterns, paths)
    .stdout.split('\n')
    .filter((line) => line.startsWith('1 '))
    .map((line) => line.slice(2))

/** Patterns, with paths that each hides, and paths that it doesn't: for nsbox-hide and for the front end. */
const CASES = JSON.parse(readFileSync(new URL('../fixtures/patterns.json', import.meta.url), 'utf8')) as {
  pattern: string
  hides: string[]
  leaves: string[]
}[]

for (const { pattern, hides, leaves } of CASES)
  test(`${pattern} stands for what it should`, () => {
    assert.equal(hidden([pattern], [...hides, ...leaves]), hides)
    assert.equal(
      [...hides, ...leaves].filter((path) => areHiding([pattern], path)),
      hides,
    )
  })

test('nsbox-hide and the front end agree about patterns and paths by chance', () => {
  let state = 9
  // As in mulberry32, but simpler: the quality of the numbers doesn't matter.
  const next = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (state >>> 8) % below
  }
  const text = (pieces: readonly string[], most: number): string =>
    Array.from({ length: 1 + next(most) }, () => pieces[next(pieces.length)]).join('')
  const pieces = [
    'a',
    'b',
    'é',
    '*',
    '**',
    '?',
    '[a-b]',
    '[!a]',
    '[]a]',
    '\\*',
    '\\\\',
    '{',
    '(',
    '+',
    '!',
    '/',
    '/',
    '[',
    ']',
  ]
  for (let round = 0; round < 40; round++) {
    const patterns = Array.from({ length: 1 + next(3) }, () => `${next(4) === 0 ? '!' : ''}/${text(pieces, 7)}`)
    const paths = Array.from(
      { length: 60 },
      () => `/${text(['a', 'b', 'é', '*', '[', ']', '{', '(', '!', '\\', '/', '/'], 6)}`,
    )
    const { status, stdout } = run(patterns, paths)
    // The program fails where one of them is not a valid pattern.
    if (status !== 0) continue
    const marks = stdout.split('\n').filter((line) => line !== '')
    const wrong = paths.filter((path, n) => marks[n]?.startsWith('1') !== areHiding(patterns, path))
    assert.equal(wrong, [], patterns.join(' '))
  }
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
