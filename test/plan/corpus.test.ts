/** Every plan of the corpus through both halves: the same verdict, the same place, the same words. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { fromBytes } from '../../src/text/bytes.ts'
import { encodePlan, formatPlan } from '../../src/plan/encode.ts'
import { parsePlan } from '../../src/plan/parse.ts'
import { PlanError, validatePlan } from '../../src/plan/validate.ts'
import { SIDECAR } from '../helpers/nsbox.ts'

const top = new URL('../..', import.meta.url).pathname
const directory = `${top}test/fixtures/plans/`

type Verdict = { pointer: string; message: string }
const expected: Record<string, Verdict> = JSON.parse(readFileSync(`${directory}expected.json`, 'utf8'))
const files = readdirSync(directory)
  .filter((name) => name !== 'expected.json')
  .sort()

function refusal(read: () => unknown): Verdict | undefined {
  try {
    read()
    return undefined
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    return { pointer: error.pointer, message: error.message }
  }
}

function check(file: string): { status: number | null; stdout: string; stderr: string } {
  const { error, status, stdout, stderr } = spawnSync(SIDECAR, ['--check', '--plan', directory + file])
  if (error) throw error
  return { status, stdout: fromBytes(stdout), stderr: fromBytes(stderr) }
}

test('the sidecar can be run', () => {
  assert.ok(existsSync(SIDECAR), `${SIDECAR} is missing: run make`)
})

test('the corpus has plans of both kinds, and a verdict for each bad one', () => {
  const bad = files.filter((name) => name.startsWith('should-fail-'))
  assert.ok(bad.length >= 60, `${bad.length} bad plans`)
  assert.ok(files.length - bad.length >= 20, `${files.length - bad.length} good plans`)
  assert.equal(bad, Object.keys(expected).sort())
})

for (const file of files) {
  const verdict = expected[file]
  if (!verdict) {
    test(`${file} is taken by both halves`, () => {
      assert.ok(file.startsWith('ok-'), file)
      const plan = parsePlan(readFileSync(directory + file))
      assert.equal(parsePlan(encodePlan(plan)), plan)
      assert.equal(parsePlan(formatPlan(plan)), plan)
      assert.equal(validatePlan(plan), plan)
      assert.equal(check(file), { status: 0, stdout: '', stderr: '' })
    })
    continue
  }
  test(`${file} is refused by both halves with the same words`, () => {
    assert.equal(
      refusal(() => parsePlan(readFileSync(directory + file))),
      verdict,
    )
    const place = verdict.pointer === '' ? '' : `: ${verdict.pointer}`
    assert.equal(check(file), { status: 125, stdout: '', stderr: `nsbox: read plan: ${verdict.message}${place}\n` })
  })
}

/** The lines of the table in the README: the class, other readers' verdicts, ours, and our cases. */
const classes = readFileSync(`${top}test/fixtures/README.md`, 'utf8')
  .split('\n')
  .slice(1)
  .filter((line) => line.startsWith('| '))
  .slice(2)
  .map(
    (line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()) as [string, string, string, string],
  )

function readAs({ message }: Verdict): string {
  return message.startsWith('not valid JSON: ')
    ? 'invalid'
    : /^(duplicate key|must not contain NUL)$/.test(message)
      ? 'strict'
      : 'read'
}

for (const [name, there, here, cases] of classes) {
  test(`JSON: ${name}: ${here}`, () => {
    const allowed: Record<string, string[]> = { y: ['read', 'strict'], n: ['invalid'], i: ['read', 'invalid'] }
    assert.ok(allowed[there]?.includes(here), there)
    for (const word of cases.split(', ')) {
      const file = `${word}.json`
      assert.ok(files.includes(file), file)
      const verdict = expected[file]
      assert.is(verdict ? readAs(verdict) : 'read', here, file)
    }
  })
}

test('JSON: the classes have all cases', () => {
  const known = new Set(classes.flatMap(([, , , cases]) => cases.split(', ')))
  assert.equal(
    files.filter(
      (file) => expected[file]?.message.startsWith('not valid JSON: ') && !known.has(file.slice(0, -'.json'.length)),
    ),
    [],
  )
})

test.run()
