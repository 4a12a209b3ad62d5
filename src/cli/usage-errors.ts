/**
 * Options that are refused. cac checks them, and the sentence is cac's. It sees a label in place of a name that the table does
 * not have: of `--no-such` it would say "--such", of `-root` "-r", and `--mapRoot` it would take.
 */
import { printable, UsageError } from '../errors.ts'
import { ASKED, lookup, type Verb } from './argv.ts'
import { declare } from './cac.ts'
import { nearest } from '../text/nearest.ts'
import { optionsOf, synopsis, VERB_OPTIONS, type OptionRow } from '../options/rows.ts'

const LABEL = '--@0'

export function unknownOption(word: string, verb: Verb): UsageError {
  if (verb === 'enter' && lookup(word, 'run') !== undefined) return new UsageError(`${word}: the box is made already`, 'nsbox help enter lists what a command that enters it may have')
  const other = Object.keys(VERB_OPTIONS).find((name) => lookup(word, name) !== undefined)
  if (other !== undefined && verb !== 'rootfs') return new UsageError(`${word}: only nsbox ${other} takes it`, `nsbox help ${other}`)
  const near = nearest(word.replace(/^-+/, ''), [...optionsOf(verb).map((option) => option.name), ...ASKED])
  const hint = word === '-h' ? 'help' : /^-v$/i.test(word) ? 'version' : near
  const all = verb === 'rootfs' ? 'nsbox help rootfs' : 'nsbox help'
  return new UsageError(verdict(verb, LABEL).replace(LABEL, () => printable(word)), hint === undefined ? `${all} lists all options` : `the nearest is --${hint}`)
}

/** NEXT: the word that stands in the place of the value. */
export function missingValue(option: OptionRow, verb: Verb, next: string | undefined): UsageError {
  const spelled = next === undefined ? '' : `; if ${next} is the value: --${option.name}=${next}`
  return new UsageError(verdict(verb, `--${option.name}`), `${synopsis(option)}${spelled}`)
}

export function emptyValue(option: OptionRow): UsageError {
  return new UsageError(`--${option.name}: empty value ''`, synopsis(option))
}

/** What cac says against this option, as our messages are: lower case, no marks. */
function verdict(verb: Verb, word: string): string {
  const cli = declare()
  cli.parse(['', 'nsbox', verb, word], { run: false })
  try {
    cli.matchedCommand?.checkUnknownOptions()
    cli.matchedCommand?.checkOptionValue()
  } catch (error) {
    return (error as Error).message.replaceAll('`', '').replace(/^[A-Z]/, (letter) => letter.toLowerCase())
  }
  throw new Error(`cac takes ${word}`)
}
