/** The options of each verb, for help, completions, the manual and messages. */
import { OPTIONS, type OptionRow } from '../options/rows.ts'
import type { Verb, VerbName } from './verb.ts'

export type Rows = Readonly<Record<VerbName, Verb>>

/** All options that a verb takes. */
export function optionsOf({ takes, own = [] }: Verb): OptionRow[] {
  return takes === undefined ? [...own] : [...OPTIONS.filter(({ name, group }) => takes(name, group)), ...own]
}

/** Every option, each once: those of a box, then those of single verbs. */
export function allOptions(rows: Rows): OptionRow[] {
  return [...OPTIONS, ...Object.values(rows).flatMap(({ own = [] }) => own)]
}
