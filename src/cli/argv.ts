/**
 * Walks over the command line once. The words stay as they were typed: `--hostname 007` is the text 007.
 *
 * cac (cac.ts) knows the same options and makes the help, but doesn't walk: it turns 007 into a number and an empty
 * value into "0", loses the order among repeated options, reads the command's own options as ours, and takes 1 ms to
 * load. A test gives both the same command lines.
 */
import { UsageError } from '../errors.ts'
import { late } from '../lazy.ts'
import { TABLE, type OptionRow } from '../options/table.ts'
import type { TypedOption, Syntax, VerbName, Walked } from './verb.ts'

/** What may be asked in the place of an option, and the letter that stands for it. */
export const QUESTIONS = [
  { name: 'help', short: 'h' },
  { name: 'version', short: 'V' },
] as const

/** `argv`: what follows the verb. */
export function walk(argv: readonly string[], verb: VerbName, syntax: Syntax): Walked {
  if (syntax.takes === undefined && syntax.own === undefined) return walkPlain(argv)
  const typed: TypedOption[] = []
  const words: string[] = []
  let at = 0
  while (at < argv.length) {
    const word = argv[at] as string
    if (word === '--') return { typed, rest: [...words, ...argv.slice(at + 1)], behind: words.length }
    if (!isOption(word)) {
      if (words.length >= syntax.words) break
      words.push(word)
      at++
      continue
    }
    for (const question of QUESTIONS) if (isNamed(question, word)) return { typed, rest: [], question: question.name }
    const [found, next] = take(argv, at, verb, syntax)
    typed.push(found)
    at = next
  }
  refuseDetachedValue(typed[typed.length - 1], argv, at)
  return { typed, rest: [...words, ...argv.slice(at)] }
}

function walkPlain(argv: readonly string[]): Walked {
  return argv[0] === '--help' || argv[0] === '-h'
    ? { typed: [], rest: [], question: 'help' }
    : { typed: [], rest: [...argv] }
}

/** A dash alone isn't an option. */
function isOption(word: string): boolean {
  return word.startsWith('-') && word !== '-'
}

/** The option at this index with its value, and the index of the next word. */
function take(argv: readonly string[], at: number, verb: VerbName, syntax: Syntax): [TypedOption, number] {
  const word = argv[at] as string
  const name = nameIn(word)
  const found = lookup(name, syntax)
  if (found === undefined) throw late().unknownOption(name, verb, word, argv[at + 1])
  const { option } = found
  if (name !== word) return [{ ...found, value: attached(option, word.slice(name.length + 1)) }, at + 1]
  if (option.value === undefined) return [{ ...found, value: '' }, at + 1]
  if (option.alone !== undefined) return [{ ...found, value: option.alone === true ? '' : option.alone }, at + 1]
  if (option.name === syntax.asks && isNoValue(argv[at + 1], syntax)) return [{ option, value: '', own: true }, at + 1]
  return [{ ...found, value: following(option, argv[at + 1], syntax) }, at + 2]
}

/** The option's name, without a value in the same word. */
function nameIn(word: string): string {
  const equals = word.indexOf('=')
  return equals < 0 ? word : word.slice(0, equals)
}

/** Looks up WORD, a name without a value, among the options of a verb. */
export function lookup(word: string, { takes, own = [] }: Syntax): { option: OptionRow; own: boolean } | undefined {
  for (const option of own) if (isNamed(option, word)) return { option, own: true }
  if (takes === undefined) return undefined
  for (const option of TABLE)
    if (isNamed(option, word) && takes(option.name, option.group)) return { option, own: false }
  return undefined
}

function isNamed({ name, short }: Pick<OptionRow, 'name' | 'short'>, word: string): boolean {
  return word === `--${name}` || (short !== undefined && word === `-${short}`)
}

function attached(option: OptionRow, value: string): string {
  if (option.value === undefined) throw late().unwantedValue(option, value)
  return filled(option, value)
}

/** The next word is the value, even if it starts with a dash, unless it is one of our own options. */
function following(option: OptionRow, next: string | undefined, syntax: Syntax): string {
  if (isNoValue(next, syntax)) throw late().missingValue(option, next)
  return filled(option, next)
}

function isNoValue(next: string | undefined, syntax: Syntax): next is undefined {
  return next === undefined || next === '--' || (isOption(next) && lookup(nameIn(next), syntax) !== undefined)
}

function filled(option: OptionRow, value: string): string {
  if (value === '') throw late().emptyValue(option)
  return value[0] === '~' ? late().withHome(option, value) : value
}

/** Refuses `--proc /proc bash`: a directory can't be the command, so /proc must be meant as the value. */
function refuseDetachedValue(last: TypedOption | undefined, argv: readonly string[], at: number): void {
  const { name, alone } = last?.option ?? {}
  if (typeof alone !== 'string' || argv[at] !== alone || argv[at - 1] !== `--${name}`) return
  throw new UsageError(
    `--${name}: ${alone} would be the command`,
    `--${name} alone means ${alone}; any other: --${name}=DIR`,
  )
}
