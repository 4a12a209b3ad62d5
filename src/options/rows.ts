/** The option table with choices, for help, completions, the library and all else that a start doesn't need. */
import { CAPABILITIES, LIMITS } from '../plan/constants.ts'
import { CHANGES, HOST_FILES_WITH, PULL, SHAREABLE } from './apply.ts'
import { TABLE, type OptionRow } from './table.ts'

export { GROUPS, type OptionRow } from './table.ts'

const CAPABILITY_NAMES = [...CAPABILITIES, 'all']
/** They stand apart from the table, or each start would have to make these lists. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  changes: CHANGES,
  pull: PULL,
  'host-files': HOST_FILES_WITH,
  share: SHAREABLE,
  net: ['host', 'none', 'user'],
  seccomp: ['default', 'socketcall', 'none'],
  'cap-add': CAPABILITY_NAMES,
  'cap-drop': CAPABILITY_NAMES,
  ulimit: LIMITS.map((name) => `${name}=`),
}

export const OPTIONS: readonly OptionRow[] = TABLE.map((row: OptionRow) => {
  const choices = CHOICES[row.name]
  return choices === undefined ? row : { ...row, choices }
})

/** How an option is written in help: "--root DIR", "--overlay[=DIR]", "--ro". */
export function synopsis(option: OptionRow): string {
  const name = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`
  if (option.value === undefined) return name
  return option.alone === undefined ? `${name} ${option.value}` : `${name}[=${option.value}]`
}
