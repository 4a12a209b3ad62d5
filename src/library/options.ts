/** Reads the library's options: the command line's, from the same table, with names in camel case. */
import { SandboxError, UsageError } from '../errors.ts'
import { apply as applyNamed } from '../options/apply.ts'
import { refuseContradictions } from '../options/contradictions.ts'
import { OPTIONS, type OptionRow } from '../options/rows.ts'
import type { Options } from '../options/types.ts'
import { hostOfProgram } from '../host/node.ts'
import { atHome, beginsAtHome } from '../options/home.ts'
import { nearest } from '../text/nearest.ts'
import { printable } from '../text/printable.ts'
import type { BoxOptions } from './box-options.ts'
import { kindOf, readMounts } from './mounts.ts'
import { camel, FOR_THE_COMMAND_LINE, takesNumber } from '../text/camel-case.ts'

/**
 * Adds the options of a program to `before`: a single value replaces, a list adds, false takes back. Throws UsageError,
 * which names the key. Keys count in their order in the object.
 */
export function readOptions(boxOptions: BoxOptions, before: Options = {}): Options {
  if (typeof boxOptions !== 'object' || boxOptions === null || Array.isArray(boxOptions)) {
    throw new UsageError(`options: must be an object, not ${kindOf(boxOptions)}`)
  }
  const draft = { options: structuredClone(before) }
  for (const [key, value] of Object.entries(boxOptions)) {
    if (value === undefined) continue
    if (key === 'mounts') (draft.options.mounts ??= []).push(...readMounts(value))
    else if (key === 'env' && isRecord(value)) setAll(draft.options, value)
    else withName(() => apply(draft, rowOf(key), key, value))
  }
  withName(() => refuseContradictions(draft.options))
  return draft.options
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

const ROWS: ReadonlyMap<string, OptionRow> = new Map(
  OPTIONS.filter(({ name }) => !FOR_THE_COMMAND_LINE.includes(name)).map((row) => [camel(row.name), row]),
)

function rowOf(key: string): OptionRow {
  const found = ROWS.get(key)
  if (found !== undefined) return found
  const near = nearest(key, [...ROWS.keys(), 'mounts'])
  throw new UsageError(`unknown option ${printable(key)}`, near === undefined ? undefined : `the nearest is ${near}`)
}

function apply(draft: { options: Options }, row: OptionRow, key: string, value: unknown): void {
  if (value === false && !row.repeat && (row.value === undefined || row.alone !== undefined))
    return takeBack(draft.options, row)
  const values = Array.isArray(value) && row.repeat ? (value as unknown[]) : [value]
  for (const one of values) applyNamed(draft.options, row.name, valueText(row, key, one))
}

/** False removes an option, but has to be kept where boxes have the option by default. */
function takeBack(options: Options, { sets }: OptionRow): void {
  if (sets === 'dieWithParent' || sets === 'hostFiles') options[sets] = false
  else delete options[sets as keyof Options]
}

function valueText(row: OptionRow, key: string, value: unknown): string {
  if (value === true && row.value === undefined) return ''
  if (value === true && row.alone !== undefined) return row.alone === true ? '' : row.alone
  const isNumber = typeof value === 'number' && Number.isFinite(value) && takesNumber(row.value ?? '')
  if (row.value !== undefined && (isNumber || (typeof value === 'string' && value !== '')))
    return textOf(row, String(value))
  const wanted =
    row.value === undefined ? 'true or false' : row.value === 'TIME' ? "text such as '10s'" : `text (${row.value})`
  throw new UsageError(`${key}: must be ${wanted}, not ${kindOf(value)}`)
}

const textOf = (row: OptionRow, value: string): string =>
  beginsAtHome(row, value) ? atHome(row, value, hostOfProgram().variable('HOME')) : value

/** Rewrites the table's messages, which name options of the command line. */
function withName(body: () => void): void {
  try {
    body()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(inProgram(error.message), error.hint === undefined ? undefined : inProgram(error.hint))
  }
}

/** Rewrites `--die-with-parent` as dieWithParent, and `--cwd /` as cwd: '/'. */
export function inProgram(text: string): string {
  return text.replace(/--([a-z0-9-]+)(?: ('.*?'|\/[^\s,:;]*))?/g, (match, name: string, value: string | undefined) => {
    if (!ROWS.has(camel(name))) return match
    return value === undefined ? camel(name) : `${camel(name)}: ${value.startsWith("'") ? value : `'${value}'`}`
  })
}

/** The same for the hints of a SandboxError. */
export function withHintInProgram<T>(body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw error instanceof SandboxError && error.hint !== undefined
      ? Object.assign(error, { hint: inProgram(error.hint) })
      : error
  }
}
