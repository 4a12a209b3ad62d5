/**
 * One walk over the command line. The words stay as they were typed: `--hostname 007` is the text 007.
 *
 * The command line is declared on cac, which makes its help and refuses what this walk can't read (`declare.ts`). The walk
 * itself is not cac's: that makes a number of 007 and "0" of an empty value, loses the order of repeated options among each
 * other, reads the command's own options as ours, and takes a start 1 ms to load. A test gives both the same command lines.
 */
import { printable, UsageError } from '../errors.ts'
import { optionOf, ownRows, SHORT, TABLE, takes, type OptionRow } from './table.ts'

export const VERBS = ['run', 'plan', 'explain', 'bake', 'enter', 'rootfs', 'doctor', 'help'] as const
export type Verb = (typeof VERBS)[number]

/** One option as typed; `value` is '' for a flag, and for an option whose value was left out. */
export type Given = { option: OptionRow; value: string }

export type Walked = {
  verb: Verb
  given: Given[]
  /** The command with its arguments; for enter the process before it; for rootfs, doctor and help all other words after the verb. */
  rest: string[]
  /** `--help` or `--version` stood among our options; nothing behind it was read. */
  asked?: 'help' | 'version'
}

export const ASKED = ['help', 'version'] as const

export function walk(argv: readonly string[]): Walked {
  const [verb, start] = verbOf(argv)
  if (verb === 'help') return walkPlain(verb, argv.slice(start))
  const given: Given[] = []
  const words: string[] = []
  let at = start
  while (at < argv.length) {
    const word = argv[at] as string
    if (word === '--') return { verb, given, rest: [...words, ...argv.slice(at + 1)] }
    if (!isOption(word)) {
      // What is no command has no options of its own.
      if (verb !== 'rootfs' && verb !== 'doctor' && (verb !== 'enter' || words.length > 0)) break
      words.push(word)
      at++
      continue
    }
    for (const asked of ASKED) if (word === `--${asked}`) return { verb, given, rest: [], asked }
    const [found, next] = take(argv, at, verb)
    given.push(found)
    at = next
  }
  refuseDetachedValue(given[given.length - 1], argv, at)
  return { verb, given, rest: [...words, ...argv.slice(at)] }
}

function verbOf(argv: readonly string[]): [Verb, number] {
  const first = argv[0] as Verb
  return VERBS.includes(first) ? [first, 1] : ['run', 0]
}

function walkPlain(verb: Verb, rest: string[]): Walked {
  return rest[0] === '--help' ? { verb, given: [], rest: [], asked: 'help' } : { verb, given: [], rest }
}

/** A dash alone is a word like any other. */
function isOption(word: string): boolean {
  return word.startsWith('-') && word !== '-'
}

/** The option at this place with its value, and the place of the next word. */
function take(argv: readonly string[], at: number, verb: Verb): [Given, number] {
  const word = argv[at] as string
  const name = nameIn(word)
  const option = find(name, verb)
  if (name !== word) return [{ option, value: attached(option, word.slice(name.length + 1)) }, at + 1]
  if (option.value === undefined) return [{ option, value: '' }, at + 1]
  if (option.alone !== undefined) return [{ option, value: option.alone === true ? '' : option.alone }, at + 1]
  return [{ option, value: following(option, argv[at + 1], verb) }, at + 2]
}

/** What stands before the value, where that is in the same word. */
function nameIn(word: string): string {
  const equals = word.indexOf('=')
  return equals < 0 ? word : word.slice(0, equals)
}

function find(word: string, verb: Verb): OptionRow {
  const found = lookup(word, verb)
  if (found === undefined) throw refuse().unknownOption(word, verb)
  return found
}

/** Loaded for the first refusal. */
function refuse(): typeof import('./refuse.ts') {
  return require('./refuse.ts') as typeof import('./refuse.ts')
}

/** What WORD is among the options of a verb; it holds no value. */
export function lookup(word: string, verb: string): OptionRow | undefined {
  const name = word.startsWith('--') ? word.slice(2) : longName(word)
  for (const row of ownRows(verb)) if (row[0] === name) return optionOf(row)
  for (const row of TABLE) if (row[0] === name && takes(verb, row[0], row[1])) return optionOf(row)
  return undefined
}

function longName(word: string): string | undefined {
  for (const [letter, long] of SHORT) if (word === `-${letter}`) return long
  return undefined
}

function attached(option: OptionRow, value: string): string {
  if (option.value === undefined) throw new UsageError(`--${option.name}: takes no value, but has '${printable(value)}'`)
  return filled(option, value)
}

/** The next word as the value, also where it starts with a dash, but not where it is one of our own options. */
function following(option: OptionRow, next: string | undefined, verb: Verb): string {
  if (next === undefined || next === '--' || (isOption(next) && lookup(nameIn(next), verb) !== undefined)) throw refuse().missingValue(option, verb, next)
  return filled(option, next)
}

function filled(option: OptionRow, value: string): string {
  if (value === '') throw refuse().emptyValue(option)
  return value
}

/** `--proc /proc bash`: no directory is a command, so /proc was meant as the value. */
function refuseDetachedValue(last: Given | undefined, argv: readonly string[], at: number): void {
  const { name, alone } = last?.option ?? {}
  if (typeof alone !== 'string' || argv[at] !== alone || argv[at - 1] !== `--${name}`) return
  throw new UsageError(`--${name}: ${alone} would be the command`, `--${name} alone means ${alone}; any other: --${name}=DIR`)
}
