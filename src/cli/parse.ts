/** From the words that were given to the options of a box. Throws UsageError, and does nothing else. */
import { UsageError } from '../errors.ts'
import { apply } from '../options/apply.ts'
import { refuseContradictions } from '../options/contradictions.ts'
import type { Options } from '../options/types.ts'
import type { Walked } from './verb.ts'

/** The box that the options add up to. `own` gets each option that is the verb's alone; the value of a flag is ''. */
export function readOptions({ given }: Walked, own?: (name: string, value: string) => void): Options {
  const options: Options = {}
  for (const one of given) {
    if (one.own) own?.(one.option.name, one.value)
    else apply(options, one.option.name, one.value)
  }
  refuseContradictions(options)
  return options
}

/** A command has at least one word. `usage`: how the verb is used. */
export function readCommand(verb: string, words: readonly string[], usage: string): string[] {
  if (words[0] === '') throw new UsageError("command: empty value ''")
  if (words.length === 0) throw new UsageError(`${verb}: no command`, usage)
  return [...words]
}
