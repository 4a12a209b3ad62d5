/** docs/SECURITY.md names a test for each promise, and each such test exists under that title. */
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const top = resolve(import.meta.dir, '../..')
const text = readFileSync(join(top, 'docs/SECURITY.md'), 'utf8')

/** Files in backquotes, each with the titles behind it, up to the next file. */
const named = [...text.matchAll(/`(test\/[\w/.-]+\.ts)`([^`|]*)/g)].map(([, file = '', titles = '']) => ({
  file,
  titles: [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
}))

/** Titles of the tests of a file, as they stand in it. */
function titlesIn(file: string): string[] {
  const source = readFileSync(join(top, file), 'utf8')
  return [...source.matchAll(/^ *\w+\(\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`([^`]*)`)/gm)].map((match) =>
    (match[1] ?? match[2] ?? match[3] ?? '').replaceAll('\\', ''),
  )
}

test('each test that the page names is there', () => {
  assert.ok(named.length > 40, String(named.length))
  for (const { file, titles } of named) {
    assert.ok(existsSync(join(top, file)), file)
    assert.ok(titles.length > 0, `no title behind ${file}`)
    const there = titlesIn(file)
    for (const title of titles)
      assert.ok(
        there.some((one) => one.startsWith(title)),
        `${file} has no test “${title}”`,
      )
  }
})

test('each row of its tables names one', () => {
  for (const heading of ['What it promises', 'Known failures of such tools']) {
    const table = text.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
    const rows = table
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .slice(2)
    assert.ok(rows.length > 15, `${heading}: ${rows.length}`)
    for (const row of rows) assert.match(row, /`test\/[^`]+` “/)
  }
})

test('the number of attempts is that of the program', () => {
  const count = Number(/makes (\d+) attempts/.exec(text)?.[1])
  assert.is([...readFileSync(join(top, 'test/c/attack.c'), 'utf8').matchAll(/\bTRY\((\w+)\)/g)].length - 1, count)
})

test.run()
