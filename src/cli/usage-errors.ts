/** The messages for refused options. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { late } from '../lazy.ts'
import { synopsis, type OptionRow } from '../options/rows.ts'
import { nearest } from '../text/nearest.ts'
import { QUESTIONS, lookup } from './argv.ts'
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
  const near = nearest(word.replace(/^-+/, ''), [...optionsOf(ROWS[verb]).map((option) => option.name), ...QUESTIONS])
  const hint = word === '-h' ? 'help' : /^-v$/i.test(word) ? 'version' : near
  const list = takesBox ? 'nsbox help' : `nsbox help ${verb}`
  return new UsageError(
    `unknown option ${printable(word)}`,
    hint === undefined ? `${list} lists all options` : `the nearest is --${hint}`,
  )
}

/** NEXT: the word in the place of the value. */
export function missingValue(option: OptionRow, next: string | undefined): UsageError {
  const spelled = next === undefined ? '' : `; if ${next} is the value: --${option.name}=${next}`
  return new UsageError(`--${option.name}: the value is missing`, `${synopsis(option)}${spelled}`)
}

export function emptyValue(option: OptionRow): UsageError {
  return new UsageError(`--${option.name}: empty value ''`, synopsis(option))
}
