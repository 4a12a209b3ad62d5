/** The options of each verb as objects, for help, completions, the manual and messages. */
import { OPTIONS, rowsOf, type OptionRow } from '../options/rows.ts'
import type { Verb, VerbName } from './verb.ts'

export type Rows = Readonly<Record<VerbName, Verb>>

/** The options that only this verb has. */
export function ownOptions({ own = [], choices = {} }: Verb): OptionRow[] {
  return rowsOf(own, choices)
}

/** All options that a verb takes. */
export function optionsOf(verb: Verb): OptionRow[] {
  const { takes } = verb
  return [...(takes === undefined ? [] : OPTIONS.filter(({ name, group }) => takes(name, group))), ...ownOptions(verb)]
}

/** Every option, each once: those of a box, then those of single verbs. */
export function allOptions(rows: Rows): OptionRow[] {
  return [...OPTIONS, ...Object.values(rows).flatMap(ownOptions)]
}
