/** The options of each verb, for help, completions, the manual and messages. */
import { OPTIONS, type OptionRow } from '../options/rows.ts'
import { QUESTIONS } from './argv.ts'
import type { Verb, VerbName } from './verb.ts'

export type Rows = Readonly<Record<VerbName, Verb>>

/** What every verb answers in place of its work, as rows of help, completions and the manual. */
export const QUESTION_ROWS: readonly OptionRow[] = QUESTIONS.map(({ name, short }) => ({
  name,
  short,
  group: 'reporting',
  doc: name === 'help' ? "print the help; behind a verb, that verb's" : 'print the version',
}))

/** All options that a verb takes. */
export function optionsOf({ takes, own = [] }: Verb): OptionRow[] {
  return takes === undefined ? [...own] : [...OPTIONS.filter(({ name, group }) => takes(name, group)), ...own]
}

/** Every option, each once: those of a box, then those of single verbs. */
export function allOptions(rows: Rows): OptionRow[] {
  return [...OPTIONS, ...Object.values(rows).flatMap(({ own = [] }) => own)]
}
