/** Prints the result for a person: tables on the terminal, and the section of docs/benchmarks.md. */
import type { Spread } from './pace.ts'
import type { Part, Result, Row, Target } from './result.ts'

const plain = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(value < 1 ? 3 : 2)

const UNITS = { us: 'microseconds', kB: 'kB', '1/s': 'per second' }

/** Columns as wide as their contents, with numbers to the right. */
function table(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)))
  const line = (row: readonly string[]) =>
    row
      .map((text, i) => (right.includes(i) ? text.padStart(widths[i] ?? 0) : text.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd()
  return rows.map(line).join('\n')
}

const between = ({ low, high }: Spread): string => `${plain(low)}-${plain(high)}`
const nameOf = ({ name, release }: Row): string => (release === undefined ? name : `${name} ${release}`)

function partText(part: Part): string {
  const head = ['', 'median', 'quartiles', part.reference === undefined ? '' : `/ ${part.reference}`, '']
  const rows = part.rows.map((row) => [
    nameOf(row),
    plain(row.spread.median),
    between(row.spread),
    row.ratio === undefined ? '' : plain(row.ratio.median),
    row.does ?? '',
  ])
  return `${part.title} (${UNITS[part.unit]}; ${part.rounds} rounds)\n${table([head, ...rows], [1, 2, 3])}\n`
}

function mountsText({ byMounts }: Result): string {
  const counts = byMounts[0]?.times.map(([count]) => count) ?? []
  const rows = byMounts.map(({ name, times }) => [name, ...times.map(([, time]) => plain(time / 1000))])
  return `start by number of binds (milliseconds, median)\n${table(
    [['', ...counts.map(String)], ...rows],
    counts.map((_, i) => i + 1),
  )}\n`
}

const verdict = ({ met, value }: Target): string =>
  met === null ? (value === null ? 'not measured' : 'not judged') : met ? 'met' : 'MISSED'
const bound = ({ atLeast, bound }: Target): string => `${atLeast ? '>=' : '<='} ${bound}`

function targetsText({ targets }: Result): string {
  const rows = targets.map((target) => [
    target.text,
    target.value === null ? '-' : plain(target.value),
    `${bound(target)}${target.unit ? ` ${target.unit}` : ''}`,
    verdict(target),
  ])
  return `what is asked for\n${table([['', 'is', 'bound', ''], ...rows], [1])}\n`
}

export function machineText({ date, machine, quick }: Result): string {
  const { kernel, processor, cores, memory, user } = machine
  return `${date}, Linux ${kernel}, ${processor}, ${cores} cores, ${memory} GiB, as ${user === 'root' ? 'root' : 'an ordinary user'}${quick ? '; QUICK: too few rounds for figures' : ''}`
}

export function resultText(result: Result): string {
  return [
    machineText(result),
    '',
    ...result.parts.map(partText),
    ...(result.byMounts.length > 0 ? [mountsText(result)] : []),
    targetsText(result),
    ...result.absent.map(({ name, why }) => `not in the tables: ${name}: ${why}`),
  ].join('\n')
}

/** The tables of docs/benchmarks.md: what all rows of a table are compared with, and how the table calls it. */
const COMPARED: readonly (readonly [reference: string, text: string])[] = [
  ['baked box', 'what a baked box of nsbox takes'],
  ['first start', 'what the first start of a command line takes'],
  ['image', 'what nsbox takes in that image'],
]

function ratiosText({ parts }: Result, [reference, text]: (typeof COMPARED)[number]): string[] {
  const compared = parts.filter((part) => part.reference === reference && part.unit === 'us')
  const rows = compared.flatMap(({ rows, title }) =>
    rows
      .filter(({ name }) => name !== reference)
      .map(
        (row) =>
          `| ${title}: ${nameOf(row)} | ${row.ratio === undefined ? '' : plain(row.ratio.median)} | ${row.does ?? ''} |`,
      ),
  )
  if (rows.length === 0) return []
  const beside = reference === 'baked box' ? 'beside that box it does' : 'it does'
  return [`| how many times ${text} | | ${beside} |`, '| --- | --- | --- |', ...rows, '']
}

/** Only ratios, since times depend on the machine. */
export function readmeText(result: Result): string {
  const rounds = Math.max(0, ...result.parts.map((part) => part.rounds))
  return [
    `Whole processes, in turn, median of the ratios of ${rounds} rounds or fewer; the command is a static program that does nothing. ${machineText(result)}.`,
    '',
    ...COMPARED.flatMap((compared) => ratiosText(result, compared)),
    '| what was to be reached | is | bound | |',
    '| --- | --- | --- | --- |',
    ...result.targets.map(
      (target) =>
        `| ${target.text} | ${target.value === null ? '-' : plain(target.value)} | ${bound(target)}${target.unit ? ` ${target.unit}` : ''} | ${verdict(target).toLowerCase()} |`,
    ),
    '',
    ...(result.absent.length > 0
      ? [`Not compared: ${result.absent.map(({ name, why }) => `${name} (${why})`).join(', ')}.`, '']
      : []),
  ].join('\n')
}
