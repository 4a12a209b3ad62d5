/** What the readers of both kinds of profile share. */
import { printable } from '../text/printable.ts'

/** The text of a profile can't be read; `message` has the place. */
export class ProfileTextError extends Error {}

/** A table or an object. It has no prototype, so that no key means more than itself. */
export type ProfileTable = Record<string, unknown>

/** No option needs more than three levels. */
export const MAX_PROFILE_DEPTH = 16

/** Throws ProfileTextError. `line` and `column` count from 1. */
export function failAt(line: number, column: number, what: string): never {
  throw new ProfileTextError(`line ${line}, column ${column}: ${what}`)
}

/** What is wrong with a text as a key or as a value of an option; undefined: nothing. */
export function faultOfText(text: string): string | undefined {
  if (text.includes('\0')) return 'a NUL character'
  return text.isWellFormed() ? undefined : 'no such character'
}

/** What is wrong with a number as a value of an option; undefined: nothing. */
export function faultOfNumber(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'no option is infinite or no number'
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return 'a number that is too large'
  return undefined
}

/** A key in a message. */
export const quotedKey = (key: string): string => `"${printable(key)}"`

/** A key in a JSON pointer. */
export const pointerPart = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')
