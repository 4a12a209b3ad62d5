/** The option table as objects: for help, completions, the library, and all else that a start has no need of. */
import { CAPABILITIES, LIMITS } from '../plan/constants.ts'
import { EXTRAS, METHODS } from '../rootfs/choices.ts'
import { SHAREABLE } from './apply.ts'
import { optionOf, ownRows, TABLE, takes, VERB_TABLE, type OptionRow as Row } from './table.ts'

export { GROUPS } from './table.ts'

/** `choices`: words that the value may be or start with, for completions. */
export type OptionRow = Row & { choices?: readonly string[] }

const CAPABILITY_NAMES = [...CAPABILITIES, 'all']
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  share: SHAREABLE, net: ['host', 'none'], seccomp: ['default', 'none'], 'cap-add': CAPABILITY_NAMES, 'cap-drop': CAPABILITY_NAMES,
  ulimit: LIMITS.map((name) => `${name}=`), by: METHODS, with: EXTRAS,
}

const withChoices = (option: Row): OptionRow => ({ ...option, ...(CHOICES[option.name] && { choices: CHOICES[option.name] }) })

export const OPTIONS: readonly OptionRow[] = TABLE.map((row) => withChoices(optionOf(row)))

/** Options that one verb alone takes. */
export const VERB_OPTIONS: Readonly<Record<string, readonly OptionRow[]>> = Object.fromEntries(
  Object.keys(VERB_TABLE).map((verb) => [verb, ownRows(verb).map((row) => withChoices(optionOf(row)))]),
)

/** All that a verb takes. */
export function optionsOf(verb: string): readonly OptionRow[] {
  return [...OPTIONS.filter(({ name, group }) => takes(verb, name, group)), ...(VERB_OPTIONS[verb] ?? [])]
}

/** How an option is written in help: "--root DIR", "--overlay[=DIR]", "--ro". */
export function synopsis(option: OptionRow): string {
  const name = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`
  if (option.value === undefined) return name
  return option.alone === undefined ? `${name} ${option.value}` : `${name}[=${option.value}]`
}
