/** The option table as objects, for help, completions, the library and all else that a start doesn't need. */
import { CAPABILITIES, LIMITS } from '../plan/constants.ts'
import { SHAREABLE } from './apply.ts'
import { optionOf, TABLE, type OptionRow as PlainRow, type Row } from './table.ts'

export { GROUPS } from './table.ts'

/** `choices`: words that the value may be or start with, for completions. */
export type OptionRow = PlainRow & { choices?: readonly string[] }

const CAPABILITY_NAMES = [...CAPABILITIES, 'all']
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  share: SHAREABLE,
  net: ['host', 'none'],
  seccomp: ['default', 'none'],
  'cap-add': CAPABILITY_NAMES,
  'cap-drop': CAPABILITY_NAMES,
  ulimit: LIMITS.map((name) => `${name}=`),
}

export const OPTIONS: readonly OptionRow[] = rowsOf(TABLE)

/** Rows as objects, each with the words of `choices` under its name. */
export function rowsOf(
  rows: readonly Row[],
  choices: Readonly<Record<string, readonly string[]>> = CHOICES,
): OptionRow[] {
  return rows.map((row) => {
    const option: OptionRow = optionOf(row)
    const words = choices[option.name]
    if (words !== undefined) option.choices = words
    return option
  })
}

/** How an option is written in help: "--root DIR", "--overlay[=DIR]", "--ro". */
export function synopsis(option: OptionRow): string {
  const name = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`
  if (option.value === undefined) return name
  return option.alone === undefined ? `${name} ${option.value}` : `${name}[=${option.value}]`
}
