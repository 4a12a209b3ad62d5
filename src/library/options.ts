/** The library's options: those of the command line, by the same table, with its names in camel case. */
import { OPTIONS, type OptionRow, type Row } from '../cli/options.ts'
import { refuseContradictions } from '../cli/parse.ts'
import { nearest } from '../cli/nearest.ts'
import { printable, UsageError } from '../errors.ts'
import type { MountRequest, Options } from '../plan/options.ts'

type Camel<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Camel<B>>}` : S
type Text = string | number
type Value<R> = R extends { value: string }
  ? (R extends { repeat: true } ? Text | readonly Text[] : Text) | (R extends { alone: string | true } ? true : never)
  : boolean

/** An option of the command line each, such as `roBind` for `--ro-bind`; values as they are typed there. */
type FromTable = { [R in Row as Camel<R['name']>]?: Value<R> | undefined }

export type BoxOptions = Omit<FromTable, 'env'> & {
  /** `NAME=VALUE` or `NAME`, as on the command line; or an object, in which undefined leaves the caller's value out. */
  env?: string | readonly string[] | Readonly<Record<string, string | undefined>> | undefined
  /** Mounts and made files in one list, where their order among each other matters. */
  mounts?: readonly MountRequest[] | undefined
}

/** Throws UsageError, which names the key. Keys count in the order in which they stand in the object. */
export function readOptions(given: BoxOptions): Options {
  const draft: { options: Options } = { options: {} }
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === false) continue
    if (key === 'mounts') (draft.options.mounts ??= []).push(...(value as MountRequest[]))
    else if (key === 'env' && isRecord(value)) setAll(draft.options, value)
    else apply(draft, rowOf(key), key, value)
  }
  refuseContradictions(draft.options)
  return draft.options
}

const isRecord = (value: unknown): value is Record<string, string | undefined> => typeof value === 'object' && value !== null && !Array.isArray(value)

function setAll(options: Options, values: Record<string, string | undefined>): void {
  for (const [name, value] of Object.entries(values)) if (value !== undefined) (options.env ??= []).push({ type: 'set', name, value })
}

function rowOf(key: string): OptionRow {
  const found = OPTIONS.find(({ name }) => camel(name) === key)
  if (found !== undefined) return found
  const near = nearest(key, [...OPTIONS.map(({ name }) => camel(name)), 'mounts'])
  throw new UsageError(`unknown option ${printable(key)}`, near === undefined ? undefined : `the nearest is ${near}`)
}

function apply(draft: { options: Options }, row: OptionRow, key: string, value: unknown): void {
  const values = Array.isArray(value) && row.repeat ? (value as unknown[]) : [value]
  for (const one of values) row.apply(draft, textOf(row, key, one))
}

function textOf(row: OptionRow, key: string, value: unknown): string {
  if (value === true && row.value === undefined) return ''
  if (value === true && row.alone !== undefined) return row.alone === true ? '' : row.alone
  if (row.value !== undefined && (typeof value === 'string' || typeof value === 'number') && value !== '') return String(value)
  const wanted = row.value === undefined ? 'true or false' : `text (${row.value})`
  throw new UsageError(`${key}: must be ${wanted}, not ${value === '' ? 'empty' : typeof value}`)
}

const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
