/** README.zh.md has the same parts as README.md: a change of one that the other lacks fails here. */
// runs once
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { blocksOf, headingsOf, proseOf, textOf } from '../helpers/documents.ts'

const [english, chinese] = [textOf('README.md'), textOf('README.zh.md')]
const each = <T>(of: (text: string) => T): [T, T] => [of(english), of(chinese)]

test('the same headings, at the same levels', () => {
  const [ours, theirs] = each((text) => headingsOf(text).map(({ level }) => level))
  assert.equal(theirs, ours)
  assert.ok(ours.length >= 9)
})

test('the same blocks of code, byte for byte', () => {
  const parts = (path: string) => blocksOf(path).map(({ language, words, code }) => ({ language, words, code }))
  assert.equal(parts('README.zh.md'), parts('README.md'))
})

test('the same tables: rows, columns, and what stands in them as code', () => {
  const cells = (text: string) =>
    [...proseWithCode(text).matchAll(/^\|(.*)\|$/gm)].map(([, row = '']) => row.replaceAll('\\|', '').split('|').length)
  const code = (text: string) =>
    [...proseWithCode(text).matchAll(/^\|.*\|$/gm)].map(([row]) => [...row.matchAll(/`[^`]+`/g)].map(([word]) => word))
  const [ours, theirs] = each(cells)
  assert.equal(theirs, ours)
  const [ourCode, theirCode] = each(code)
  assert.equal(theirCode, ourCode)
})

test('the same lists and the same code in the text', () => {
  const [ours, theirs] = each((text) => [...proseWithCode(text).matchAll(/^- \*\*/gm)].length)
  assert.is(theirs, ours)
  const words = (text: string) =>
    [...new Set([...proseWithCode(text).matchAll(/`[^`\n]+`/g)].map(([word]) => word))].sort()
  const [ourWords, theirWords] = each(words)
  assert.equal(theirWords, ourWords)
})

test('the same links, but for that to the other language', () => {
  const [ours, theirs] = each((text) =>
    [...proseOf(text).matchAll(/\]\(([^)]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !target.startsWith('README')),
  )
  assert.equal(theirs, ours)
  assert.match(english, '[中文](README.zh.md)')
  assert.match(chinese, '[English](README.md)')
})

/** The text without its blocks. */
function proseWithCode(text: string): string {
  return text.replace(/^```[^]*?^```$/gm, '')
}

test.run()
