import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { literal, realPattern, rule } from '../../src/review/patterns.ts'

const NAMED: readonly [pattern: string, path: string, named: boolean][] = [
  ['/p/.env', '/p/.env', true],
  ['/p/.env', '/p/.env/below', true],
  ['/p/.env', '/p/.env2', false],
  ['/p/**/.env', '/p/.env', true],
  ['/p/**/.env', '/p/a/.b/.env', true],
  ['/p/**/.env', '/p/a/.env/x/y', true],
  ['/p/*.pem', '/p/a.pem', true],
  ['/p/*.pem', '/p/a/b.pem', false],
  ['/p/?.[ch]', '/p/a.c', true],
  ['/p/?.[ch]', '/p/ab.c', false],
  ['/', '/anything/at all', true],
  [literal('/p/a[1]*{x}'), '/p/a[1]*{x}', true],
  [literal('/p/a[1]*{x}'), '/p/a1y{x}', false],
  [literal('/p/(a|b)\\c!'), '/p/(a|b)\\c!', true],
]

for (const [pattern, path, named] of NAMED)
  test(`${pattern} ${named ? 'names' : "doesn't name"} ${path}`, () => {
    assert.is(rule(pattern).names(path), named)
  })

const NEEDED: readonly [pattern: string, path: string, needed: boolean][] = [
  ['/p/.git/hooks', '/p/.git', true],
  ['/p/.git/hooks', '/p', true],
  ['/p/.git/hooks', '/p/.git/hooks', false],
  ['/p/.git/hooks', '/p/other', false],
  ['/p/**/.git/hooks', '/p/a/b/.git', true],
  // Or no link could be applied at all.
  ['/p/**/.git/hooks', '/p/a/b', false],
]

for (const [pattern, path, needed] of NEEDED)
  test(`what ${pattern} names ${needed ? 'may' : "can't"} lie below ${path}`, () => {
    assert.is(rule(pattern).needs(path), needed)
  })

test('a word is relative to the directory, and a link on the way is followed', () => {
  assert.is(realPattern('*.pem', '/proc/self'), `/proc/${process.pid}/*.pem`)
  assert.is(realPattern('./a/../b', '/nowhere'), '/nowhere/b')
  assert.is(realPattern('/x/**', '/nowhere'), '/x/**')
  assert.is(realPattern('/proc/self/nothing', '/'), `/proc/${process.pid}/nothing`)
})

test.run()
