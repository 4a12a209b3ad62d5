// runs once
/**
 * Command lines as people type them who come from other launchers, or mistype: each gets the message and the hint of
 * wrong-lines.txt. `NSBOX_WRITE=1 make test T=wrong-lines` writes what is said now.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { knownWord, knownWords } from '../../src/cli/known-words.ts'
import { OPTIONS } from '../../src/options/rows.ts'
import { execute, NSBOX } from '../helpers/nsbox.ts'

const TABLE = join(import.meta.dir, 'wrong-lines.txt')

/** Splits a command line of the table at blanks that are in no quotes. */
const words = (line: string) => [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')

const blockOf = (line: string) => `$ ${line}\n${execute(NSBOX, words(line).slice(1), { cwd: '/' }).stderr}`

const text = readFileSync(TABLE, 'utf8')
const lines = [...text.matchAll(/^\$ (.*)$/gm)].map(([, line = '']) => line)

test('each line gets the message and the way out that the table shows', () => {
  assert.ok(lines.length >= 120, `${lines.length} lines`)
  const now = lines.map(blockOf).join('\n')
  if (process.env.NSBOX_WRITE === '1') writeFileSync(TABLE, now)
  assert.is(now, readFileSync(TABLE, 'utf8'))
})

test('no line is left without a hint, but where the message names all choices or the form', () => {
  for (const block of readFileSync(TABLE, 'utf8').trimEnd().split('\n\n'))
    assert.match(block, /^\$ .*\nnsbox: .*(?:\nhint: .*|must be .*)$/)
})

test('no word of other launchers is an option of ours, and each way names options that there are', () => {
  const ours = OPTIONS.map(({ name }) => name)
  for (const word of knownWords()) {
    assert.not(ours.includes(word), word)
    for (const [, name = ''] of (knownWord(word) ?? '').matchAll(/--([a-z0-9-]+)/g))
      assert.ok([...ours, 'version', 'help', 'plan'].includes(name), `${word}: --${name}`)
  }
  assert.is(new Set(knownWords()).size, knownWords().length)
})

test.run()
