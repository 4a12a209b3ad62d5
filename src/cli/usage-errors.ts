/** The messages for refused options. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { late } from '../lazy.ts'
import { synopsis, type OptionRow } from '../options/rows.ts'
import { nearest } from '../text/nearest.ts'
import { QUESTIONS, lookup } from './argv.ts'
import { knownWord } from './known-words.ts'
import { optionsOf } from './verb-options.ts'
import { VERBS, type VerbName } from './verb.ts'

export function unknownOption(word: string, verb: VerbName): UsageError {
  const { ROWS } = late()
  const question = QUESTIONS.find((name) => word === `--${name}`)
  if (question !== undefined) return new UsageError(`--${question}: takes no value`)
  const isBoxOption = lookup(word, { words: 0, takes: () => true }) !== undefined
  if (isBoxOption && verb === 'enter')
    return new UsageError(
      `${word}: the box is made already`,
      'nsbox help enter lists the options of a command that enters a box',
    )
  const takesBox = ROWS[verb].takes !== undefined
  const owner = VERBS.find((name) => lookup(word, { words: 0, own: ROWS[name].own ?? [] }) !== undefined)
  if (owner !== undefined && takesBox)
    return new UsageError(`${word}: only nsbox ${owner} takes it`, `nsbox help ${owner}`)
  return new UsageError(`unknown option ${printable(word)}`, hintFor(word.replace(/^-+/, ''), verb))
}

/**
 * The way out for a word without its dashes: one of our options in another case, cut off, or with one dash; then what
 * stands for the option of another launcher; then the option that is nearest.
 */
function hintFor(name: string, verb: VerbName): string {
  const row = late().ROWS[verb]
  const names = [...optionsOf(row).map((option) => option.name), ...QUESTIONS]
  const lower = name.toLowerCase().replaceAll('_', '-')
  const list = row.takes === undefined ? `nsbox help ${verb}` : 'nsbox help'
  if (names.includes(lower)) return `it is spelled --${lower}`
  if (name === 'V') return 'nsbox --version'
  const known = row.takes === undefined ? undefined : knownWord(name)
  if (known !== undefined) return known
  const longer = lower.length < 2 ? [] : names.filter((candidate) => candidate.startsWith(lower))
  const [only] = longer
  if (longer.length === 1) return `options are not cut off: --${only}`
  const near = nearest(lower, names)
  if (near !== undefined) return `the nearest is --${near}`
  if (longer.length > 1) return `these begin so: ${longer.map((candidate) => `--${candidate}`).join(', ')}`
  return `${list} lists all options`
}

export function missingValue(option: OptionRow, next: string | undefined): UsageError {
  const spelled = next === undefined ? '' : `; if ${next} is the value: --${option.name}=${next}`
  return new UsageError(`--${option.name}: the value is missing`, `${synopsis(option)}${spelled}`)
}

export function emptyValue(option: OptionRow): UsageError {
  return new UsageError(`--${option.name}: empty value ''`, synopsis(option))
}
