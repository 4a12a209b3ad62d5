/**
 * Programs of Debian's packages do their simplest job in a root of their own, or the report of `rootfs build` says what
 * the root lacks. A dozen of them; `make test-programs` tries all.
 */
// runs once
// seconds: 600
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Case, Result } from './case.ts'
import { CASES } from './cases.ts'
import { absence, numbersOf, runCases } from './guest.ts'
import { guideFault } from './guide.ts'
import { documented, documentOf, fault } from './table.ts'

const missing = absence('programs-root')
const numbers = numbersOf('programs-root')
const results: Result[] =
  missing === undefined ? runCases('programs-root', numbers) : numbers.map(() => ({ skipped: missing }))
if (missing !== undefined) console.log(`skipped: programs in roots of their own: ${missing}`)

for (const [n, number] of numbers.entries()) {
  const one = CASES[number] as Case
  const result = results[n] as Result
  const title = `${one.program}: ${one.job}`
  if ('skipped' in result) test.skip(`${title} (${result.skipped})`, () => undefined)
  else test(title, () => assert.is(fault(one, result, documented()), undefined))
}

test('the document begins as `make programs-table` begins it, and each case has one row', () => {
  const head = documentOf([])
  assert.ok(documented().startsWith(head))
  const rows = documented().slice(head.length).trimEnd().split('\n')
  assert.equal(
    rows.map((row) => row.split(' | ').slice(0, 2).join(' | ')),
    CASES.map(({ program, job }) => `| ${program} | ${job}`),
  )
})

const title = 'the commands of docs/guides/roots.md work'
if (missing !== undefined) test.skip(`${title} (${missing})`, () => undefined)
else test(title, () => assert.is(guideFault('programs-root', 'everyday'), undefined))

test.run()
