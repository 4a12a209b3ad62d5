// runs once
/** The lists of tests that scripts name: each word of them is part of a test file's path. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute } from '../helpers/nsbox.ts'

const TOP = resolve(import.meta.dir, '../..')
const FILES = (readdirSync(join(TOP, 'test'), { recursive: true }) as string[]).filter((name) =>
  name.endsWith('.test.ts'),
)

/** The words of a list, and the file that has it. */
const LISTS: [file: string, list: RegExp][] = [
  ['scripts/fresh.sh', /\bT="?([^"\n]+)"?$/gm],
  ['Makefile', /^PLAIN_TESTS := (.*)$/gm],
]

for (const [file, list] of LISTS)
  test(`each word of a list of tests in ${file} matches a test file`, () => {
    const words = [...readFileSync(join(TOP, file), 'utf8').matchAll(list)].flatMap(([, found = '']) =>
      found.split(' '),
    )
    assert.ok(words.length > 0, 'a list')
    assert.equal(
      words.filter((word) => !FILES.some((name) => name.includes(word))),
      [],
    )
  })

test('the runner refuses a word that no test file has', () => {
  const { status, stderr } = execute(process.execPath, [join(TOP, 'scripts/test.ts'), 'runner/words', 'policy-gone/'])
  assert.equal([status, stderr], [2, 'test: no file below test/ has policy-gone/ in its path\n'])
})

test.run()
