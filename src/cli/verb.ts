/**
 * The shape of a verb. Each is one file in src/verbs/, with all that the command line, help, manual and completions
 * need.
 */
import { UsageError } from '../errors.ts'
import type { Group, OptionRow } from '../options/table.ts'

/**
 * All verbs, in the order of help. A name is a verb only as the very first word; src/verbs/rows.ts has the row of each.
 */
export const VERBS = [
  'run',
  'plan',
  'explain',
  'why',
  'profile',
  'bake',
  'enter',
  'ps',
  'changes',
  'apply',
  'rootfs',
  'image',
  'doctor',
  'help',
] as const
export type VerbName = (typeof VERBS)[number]

/** One option as typed; `value` is '' for a flag, and for an option whose value was left out. */
export type TypedOption = { option: OptionRow; value: string; own: boolean }

export type Walked = {
  /** The options in the order in which they stand. */
  typed: TypedOption[]
  /** The verb's own words, then the command with its arguments. */
  rest: string[]
  /** Where in `rest` stands what follows `--`; absent without that word. */
  behind?: number
  /** `--help` or `--version` stood among our options; nothing behind it was read. */
  question?: 'help' | 'version'
}

/** The part of a verb that the walk over the command line needs. A verb without options has only words. */
export type Syntax = {
  /** Whether it takes an option of the table; absent: it takes none. */
  takes?(name: string, group: Group): boolean
  /** Its own options. */
  own?: readonly OptionRow[]
  /** An option of the table that is a question of the verb's own where no value stands behind it. */
  asks?: string
  /**
   * How many words stand before the command, with options anywhere among them; Infinity for a verb without a command.
   */
  words: number
}

export type Verb<Request = unknown> = Syntax & {
  /** Its usage, without the program's name. */
  usage: string
  /** One sentence, lower case, no full stop. */
  doc: string
  /** Whole command lines. */
  examples: readonly string[]
  /** Throws UsageError, and does nothing else. */
  parse(walked: Walked): Request
  /** The exit status. */
  run(request: Request): number | Promise<number>
}

/** Hides the type of the request, so that all verbs fit into one list: `run` takes what `parse` returns. */
export function verb<Request>(row: Verb<Request>): Verb {
  return row as unknown as Verb
}

/** The verb that the command line begins with; undefined where it begins with an option or a command. */
export function verbOf(argv: readonly string[]): VerbName | undefined {
  if (argv.length === 0)
    throw new UsageError('no command', 'nsbox COMMAND [ARG...] runs one in a box; nsbox help lists verbs and options')
  const [first] = argv
  for (const name of VERBS) if (name === first) return name
  return undefined
}
