/**
 * One walk over the command line. The words stay as they were typed: `--hostname 007` is the text 007.
 *
 * The command line is declared on cac, which makes its help and refuses what this walk can't read (`declare.ts`). The walk
 * itself is not cac's: that makes a number of 007 and "0" of an empty value, loses the order of repeated options among each
 * other, reads the command's own options as ours, and takes a start 1 ms to load. A test gives both the same command lines.
 */
import { printable, UsageError } from '../errors.ts'
import { OPTIONS, synopsis, VERB_OPTIONS, type OptionRow } from './options.ts'

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
  if (verb === 'doctor' || verb === 'help') return walkPlain(verb, argv.slice(start))
  const given: Given[] = []
  const words: string[] = []
  let at = start
  while (at < argv.length) {
    const word = argv[at] as string
    if (word === '--') return { verb, given, rest: [...words, ...argv.slice(at + 1)] }
    if (!isOption(word)) {
      // What is no command has no options of its own.
      if (verb !== 'rootfs' && (verb !== 'enter' || words.length > 0)) break
      words.push(word)
      at++
      continue
    }
    const asked = ASKED.find((name) => word === `--${name}`)
    if (asked !== undefined) return { verb, given, rest: [], asked }
    const [found, next] = take(argv, at, verb)
    given.push(found)
    at = next
  }
  refuseDetachedValue(given.at(-1), argv, at)
  return { verb, given, rest: [...words, ...argv.slice(at)] }
}

function verbOf(argv: readonly string[]): [Verb, number] {
  const first = argv[0] ?? ''
  const verb = VERBS.find((name) => name === first)
  return verb === undefined ? ['run', 0] : [verb, 1]
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
  const equals = word.indexOf('=')
  const option = find(equals < 0 ? word : word.slice(0, equals), verb)
  if (equals >= 0) return [{ option, value: attached(option, word.slice(equals + 1)) }, at + 1]
  if (option.value === undefined) return [{ option, value: '' }, at + 1]
  if (option.alone !== undefined) return [{ option, value: option.alone === true ? '' : option.alone }, at + 1]
  return [{ option, value: following(option, argv[at + 1], verb) }, at + 2]
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

/** Of a running box the command alone is still open. */
const OF_A_COMMAND = OPTIONS.filter(({ group, name }) => name === 'timeout' || (group === 'process' && name !== 'no-init') || group === 'reporting')

/** What makes a box is for all other verbs but rootfs, which makes none. */
export function optionsOf(verb: string): readonly OptionRow[] {
  return [...(verb === 'rootfs' ? [] : verb === 'enter' ? OF_A_COMMAND : OPTIONS), ...(VERB_OPTIONS[verb] ?? [])]
}

export function lookup(word: string, verb: string): OptionRow | undefined {
  return optionsOf(verb).find((option) => word === `--${option.name}` || (option.short !== undefined && word === `-${option.short}`))
}

function attached(option: OptionRow, value: string): string {
  if (option.value === undefined) throw new UsageError(`--${option.name}: takes no value, but has '${printable(value)}'`)
  return filled(option, value)
}

/** The next word as the value, also where it starts with a dash, but not where it is one of our own options. */
function following(option: OptionRow, next: string | undefined, verb: Verb): string {
  const ours = next === '--' || lookup(next?.replace(/=.*$/s, '') ?? '', verb) !== undefined
  if (next === undefined || ours) throw refuse().missingValue(option, verb, next)
  return filled(option, next)
}

function filled(option: OptionRow, value: string): string {
  if (value === '') throw new UsageError(`--${option.name}: empty value ''`, synopsis(option))
  return value
}

/** `--proc /proc bash`: no directory is a command, so /proc was meant as the value. */
function refuseDetachedValue(last: Given | undefined, argv: readonly string[], at: number): void {
  const { name, alone } = last?.option ?? {}
  if (typeof alone !== 'string' || argv[at] !== alone || argv[at - 1] !== `--${name}`) return
  throw new UsageError(`--${name}: ${alone} would be the command`, `--${name} alone means ${alone}; any other: --${name}=DIR`)
}
