/** The table of docs/programs-in-roots.md: its rows are what a run of all cases has shown. */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Case, Result, Row, Way } from './case.ts'
import { CASES } from './cases.ts'
import { absence, numbersOf, runCases } from './guest.ts'
import { guideFault } from './guide.ts'

const FILE = new URL('../../docs/programs-in-roots.md', import.meta.url)

const HEAD = `# Programs in a root of their own

What \`nsbox rootfs build\` finds of programs from Debian 12's packages. Each does its job in a box that has only that root, and directly, both
with an empty environment, and is said to work where exit status, output and the files that it makes are equal. The root is built by \`nsbox rootfs
build ./r PROGRAMS\`; in the fourth column with the words there too; in the last by \`nsbox rootfs build ./r --trace -- JOB\`, without any other
word. The box is \`nsbox --root ./r --proc --dev --tmpfs /tmp --bind ./work:/work\`. A row whose job doesn't work has the line of the report that
says so. [The guide](guides/roots.md) is about how to get from that line to the words.

This file is written by \`make programs-table\`; a test compares its rows with what it sees.

| program | job | by reading alone | works with | by \`--trace\` alone |
| --- | --- | --- | --- | --- |
`

/** The table's line for a case. */
export function lineOf({ program, job, programs, more = [] }: Case, { reading, more: fuller, trace }: Row): string {
  const words = (list: readonly string[]): string => `\`${list.join(' ').replace('aarch64', 'x86_64')}\``
  const found = `${words(programs)}: ${textOf(reading)}`
  const needs =
    fuller === undefined ? '' : fuller === 'works' ? words(more) : `not with ${words(more)}: ${textOf(fuller)}`
  return `| ${program} | ${job} | ${found} | ${needs} | ${textOf(trace)} |`
}

function textOf(way: Way): string {
  if (way === 'works') return 'works'
  return 'said' in way ? `*${way.said.replace('aarch64', 'x86_64')}*` : 'fails in silence'
}

/** What is wrong with the result of a case; undefined where the report was right and the job works in some way. */
export function fault(one: Case, result: Result, document: string): string | undefined {
  if ('skipped' in result) return undefined
  if ('failed' in result) return result.failed
  const ways = [result.row.reading, result.row.more, result.row.trace].filter((way) => way !== undefined)
  for (const way of ways)
    if (typeof way === 'object' && 'silent' in way) return `fails, and no line of the report said so: ${way.silent}`
  if (!ways.includes('works')) return 'works in no way'
  const line = lineOf(one, result.row)
  return document.includes(`${line}\n`) ? undefined : `docs/programs-in-roots.md lacks this row: ${line}`
}

export const documented = (): string => readFileSync(FILE, 'utf8')

/** The whole document, from the results of all cases. */
export const documentOf = (results: readonly Result[]): string =>
  HEAD + results.map((result, n) => rowOf(CASES[n] as Case, result)).join('')

/** Tries all cases and the guide's commands; `--write` also writes the document. */
function main(write: boolean): number {
  const guest = 'all-programs-root'
  const missing = absence(guest)
  if (missing !== undefined) {
    console.error(`skipped: all programs in roots of their own: ${missing}`)
    return 0
  }
  const results = runCases(guest, numbersOf(guest))
  const document = documentOf(results)
  if (write) writeFileSync(FILE, document)
  const faults = results.flatMap((result, n) => {
    const { program, job } = CASES[n] as Case
    if ('skipped' in result) console.log(`skipped: ${program}: ${job}: ${result.skipped}`)
    const wrong = fault(CASES[n] as Case, result, documented())
    return wrong === undefined ? [] : [`${program}: ${job}: ${wrong}`]
  })
  const skipped = results.filter((result) => 'skipped' in result).length
  const passed = results.length - skipped - faults.length
  if (faults.length === 0 && skipped === 0 && document !== documented())
    faults.push('docs/programs-in-roots.md is not what this run would write: make programs-table')
  for (const kind of ['everyday', 'all'] as const) {
    const wrong = guideFault(guest, kind)
    if (wrong !== undefined) faults.push(`docs/guides/roots.md: ${wrong}`)
  }
  for (const wrong of faults) console.log(`FAIL ${wrong}`)
  console.log(`${passed} programs passed, ${faults.length} failed, ${skipped} skipped`)
  return faults.length > 0 ? 1 : 0
}

function rowOf(one: Case, result: Result): string {
  return 'row' in result ? `${lineOf(one, result.row)}\n` : ''
}

if (import.meta.main) process.exit(main(process.argv.includes('--write')))
