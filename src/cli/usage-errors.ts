/** What is said of options that are refused. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { late } from '../lazy.ts'
import { synopsis, type OptionRow } from '../options/rows.ts'
import { nearest } from '../text/nearest.ts'
import { ASKED, lookup } from './argv.ts'
import { optionsOf } from './verb-options.ts'
import { VERBS, type VerbName } from './verb.ts'

export function unknownOption(word: string, verb: VerbName): UsageError {
  const { ROWS } = late()
  const isBoxOption = lookup(word, { words: 0, takes: () => true }) !== undefined
  if (isBoxOption && verb === 'enter') return new UsageError(`${word}: the box is made already`, 'nsbox help enter lists what a command that enters it may have')
  const takesBox = ROWS[verb].takes !== undefined
  const other = VERBS.find((name) => lookup(word, { words: 0, own: ROWS[name].own ?? [] }) !== undefined)
  if (other !== undefined && takesBox) return new UsageError(`${word}: only nsbox ${other} takes it`, `nsbox help ${other}`)
  const near = nearest(word.replace(/^-+/, ''), [...optionsOf(ROWS[verb]).map((option) => option.name), ...ASKED])
  const hint = word === '-h' ? 'help' : /^-v$/i.test(word) ? 'version' : near
  const all = takesBox ? 'nsbox help' : `nsbox help ${verb}`
  return new UsageError(`unknown option ${printable(word)}`, hint === undefined ? `${all} lists all options` : `the nearest is --${hint}`)
}

/** NEXT: the word that stands where the value should be. */
export function missingValue(option: OptionRow, next: string | undefined): UsageError {
  const spelled = next === undefined ? '' : `; if ${next} is the value: --${option.name}=${next}`
  return new UsageError(`--${option.name}: the value is missing`, `${synopsis(option)}${spelled}`)
}

export function emptyValue(option: OptionRow): UsageError {
  return new UsageError(`--${option.name}: empty value ''`, synopsis(option))
}
