/** Options of a box from an object: those of the command line, from the same table, with names in camel case. */
import { UsageError } from '../errors.ts'
import { camel, FOR_THE_COMMAND_LINE, takesNumber } from '../text/camel-case.ts'
import { nearest } from '../text/nearest.ts'
import { printable } from '../text/printable.ts'
import { apply as applyNamed } from './apply.ts'
import { atHome, beginsAtHome } from './home.ts'
import { kindOf, readMounts } from './mount-list.ts'
import { OPTIONS, type OptionRow } from './rows.ts'
import type { Options } from './types.ts'

/** Rows by their names in an object. */
export const ROWS_BY_KEY: ReadonlyMap<string, OptionRow> = new Map(
  OPTIONS.filter(({ name }) => !FOR_THE_COMMAND_LINE.includes(name)).map((row) => [camel(row.name), row]),
)

/** Whether each entry of a list counts for itself. */
export const isRepeated = (key: string): boolean => ROWS_BY_KEY.get(key)?.repeat === true

/**
 * Applies a key of an object: a single value replaces, a list adds, false takes back. Throws UsageError, with names as
 * on the command line. `home`: the caller's home directory.
 */
export function applyKey(options: Options, key: string, value: unknown, home: () => string | undefined): void {
  if (key === 'mounts') (options.mounts ??= []).push(...readMounts(value))
  else if (key === 'env' && isRecord(value)) setAll(options, value)
  else applyRow(options, rowOf(key), key, value, home)
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function setAll(options: Options, values: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === undefined) continue
    if (name === '' || name.includes('='))
      throw new UsageError(`env: '${printable(name)}' can't be the name of a variable`)
    if (typeof value !== 'string') throw new UsageError(`env.${printable(name)}: must be text, not ${kindOf(value)}`)
    ;(options.env ??= []).push({ type: 'set', name, value })
  }
}

function rowOf(key: string): OptionRow {
  const found = ROWS_BY_KEY.get(key)
  if (found !== undefined) return found
  const near = nearest(key, [...ROWS_BY_KEY.keys(), 'mounts'])
  throw new UsageError(`unknown option ${printable(key)}`, near === undefined ? undefined : `the nearest is ${near}`)
}

function applyRow(options: Options, row: OptionRow, key: string, value: unknown, home: () => string | undefined): void {
  if (value === false && !row.repeat && (row.value === undefined || row.alone !== undefined))
    return takeBack(options, row)
  const values = Array.isArray(value) && row.repeat ? (value as unknown[]) : [value]
  // No socket of the host's is something to ask for; no entry of another list is as good as no list.
  if (values.length === 0 && row.sets === 'sockets') options.sockets ??= []
  for (const one of values) {
    const text = valueText(row, key, one)
    applyNamed(options, row.name, beginsAtHome(row, text) ? atHome(row, text, home()) : text)
  }
}

/** False removes an option, but has to be kept where boxes have the option by default. */
function takeBack(options: Options, { sets }: OptionRow): void {
  if (sets === 'dieWithParent' || sets === 'hostFiles' || sets === 'ro') options[sets] = false
  else delete options[sets as keyof Options]
}

function valueText(row: OptionRow, key: string, value: unknown): string {
  if (value === true && row.value === undefined) return ''
  if (value === true && row.alone !== undefined) return row.alone === true ? '' : row.alone
  const isNumber = typeof value === 'number' && Number.isFinite(value) && takesNumber(row.value ?? '')
  if (row.value !== undefined && (isNumber || (typeof value === 'string' && value !== ''))) return String(value)
  const wanted =
    row.value === undefined ? 'true or false' : row.value === 'TIME' ? "text such as '10s'" : `text (${row.value})`
  throw new UsageError(`${key}: must be ${wanted}, not ${kindOf(value)}`)
}
