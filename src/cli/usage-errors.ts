/** The messages for refused options. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { late } from '../lazy.ts'
import { synopsis, type OptionRow } from '../options/rows.ts'
import { nearest } from '../text/nearest.ts'
import { quote } from '../text/quote.ts'
import { QUESTIONS, lookup } from './argv.ts'
import { knownWord } from './known-words.ts'
import { optionsOf } from './verb-options.ts'
import { VERBS, type TypedOption, type VerbName } from './verb.ts'

/** `word`: the option's name; `typed`: with a value in the same word; `next`: the word behind it. */
export function unknownOption(word: string, verb: VerbName, typed = word, next?: string): UsageError {
  const { ROWS } = late()
  const question = QUESTIONS.find(({ name, short }) => word === `--${name}` || word === `-${short}`)
  if (question !== undefined)
    return new UsageError(
      `--${question.name}: takes no value`,
      question.name === 'help' ? 'nsbox help VERB' : 'nsbox --version',
    )
  const isBoxOption = lookup(word, { words: 0, takes: () => true }) !== undefined
  if (isBoxOption && verb === 'enter')
    return new UsageError(
      `${word}: the box is made already`,
      'nsbox help enter lists the options of a command that enters a box',
    )
  const takesBox = ROWS[verb].takes !== undefined
  const owners = VERBS.filter((name) => lookup(word, { words: 0, own: ROWS[name].own ?? [] }) !== undefined)
  const [owner] = owners
  if (owner !== undefined && owners.length === 1)
    return new UsageError(`${word}: only nsbox ${owner} takes it`, `nsbox help ${owner}`)
  if (owner !== undefined && takesBox)
    return new UsageError(
      `${word}: an option of nsbox ${owners.join(', ')}`,
      `nsbox help ${verb} lists those of nsbox ${verb}`,
    )
  if (isBoxOption && !takesBox)
    return new UsageError(
      `${word}: an option of boxes, and nsbox ${verb} makes none`,
      `nsbox help ${verb} lists its options`,
    )
  return new UsageError(`unknown option ${printable(word)}`, hintFor(word, verb, typed, next))
}

/** For `-u1000` and `-qr`: the same with each letter in a word of its own. */
function joinedLetters(word: string, verb: VerbName): string | undefined {
  const [, letter, rest] = /^-(\w)([^-].*)$/su.exec(word) ?? []
  if (letter === undefined || rest === undefined) return undefined
  const { ROWS } = late()
  const option = lookup(`-${letter}`, ROWS[verb])?.option
  if (option === undefined) return undefined
  if (option.value !== undefined) return `the value is a word of its own: -${letter} ${printable(rest)}`
  return lookup(`-${rest[0]}`, ROWS[verb]) === undefined
    ? undefined
    : `each letter is a word of its own: -${letter} -${printable(rest)}`
}

/**
 * The way out for a word: one of our options in another case, cut off, or with one dash; then what stands for the
 * option of another launcher; then letters that are joined; then the option that is nearest.
 */
function hintFor(word: string, verb: VerbName, typed: string, next: string | undefined): string {
  const row = late().ROWS[verb]
  const names = [...optionsOf(row).map((option) => option.name), ...QUESTIONS.map((question) => question.name)]
  const name = word.replace(/^-+/, '')
  const lower = name.toLowerCase().replaceAll('_', '-')
  const list = row.takes === undefined ? `nsbox help ${verb}` : 'nsbox help'
  if (names.includes(lower)) return `it is spelled --${lower}`
  const attached = typed === word ? undefined : typed.slice(word.length + 1)
  const known = row.takes === undefined ? undefined : knownWord(name, attached, next)
  if (known !== undefined) return known
  const joined = joinedLetters(typed, verb)
  // No name of an option has a digit, a slash or the like in it, but for --argv0.
  if (joined !== undefined && /[^a-z-]/i.test(typed.slice(1))) return joined
  const longer = lower.length < 2 ? [] : names.filter((candidate) => candidate.startsWith(lower))
  const [only] = longer
  if (longer.length === 1) return `options are not cut off: --${only}`
  const near = nearest(lower, names)
  if (near !== undefined) return `the nearest is --${near}`
  if (longer.length > 1) return `these begin so: ${longer.map((candidate) => `--${candidate}`).join(', ')}`
  return joined ?? `${list} lists all options`
}

export function missingValue(option: OptionRow, next: string | undefined): UsageError {
  const spelled = next === undefined ? '' : `; if ${next} is the value: --${option.name}=${next}`
  return new UsageError(`--${option.name}: the value is missing`, `${synopsis(option)}${spelled}`)
}

export function emptyValue(option: OptionRow): UsageError {
  return new UsageError(`--${option.name}: empty value ''`, synopsis(option))
}

export function unwantedValue(option: OptionRow, value: string): UsageError {
  return new UsageError(`--${option.name}: takes no value, but has '${printable(value)}'`, wayWithout(option, value))
}

/** For a verb whose command is missing; the last word may have become the value of an option. */
export function noCommand(verb: string, usage: string, typed: readonly TypedOption[]): UsageError {
  const { option, value = '' } = typed[typed.length - 1] ?? {}
  const took =
    option?.value === undefined || value === '' || option.alone !== undefined
      ? ''
      : `; ${quote(value)} is the value of --${option.name}`
  return new UsageError(`${verb}: no command`, `${usage}${took}`)
}

function wayWithout({ name }: OptionRow, value: string): string {
  if (name === 'ro' && /^[~./]/.test(value)) return `--ro is about the root; of a directory: --ro-bind ${quote(value)}`
  return /^(?:false|no|off|0)$/i.test(value) ? `leave out --${name}` : `--${name}`
}
