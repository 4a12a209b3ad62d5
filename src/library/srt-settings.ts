/** The settings of sandbox-runtime as options of a box. */
import { UsageError } from '../errors.ts'
import { hostOfProgram } from '../host/node.ts'
import { srtContent, srtContext } from '../options/srt.ts'
import type { BoxOptions } from './box-options.ts'
import { inProgram } from './options.ts'

/**
 * Options of a box that permit what SETTINGS of sandbox-runtime do: `box(srtSettings(settings))`. Relative paths start
 * from the current directory, and what it holds of git's hooks and the like stays read-only. Throws UsageError, with a
 * JSON pointer, for an unknown key, and for what nsbox can't do.
 */
export function srtSettings(settings: object): BoxOptions {
  const context = srtContext(hostOfProgram(), (pointer, what, hint) => {
    throw new UsageError(`srtSettings: ${pointer}: ${what}`, hint === undefined ? undefined : inProgram(hint))
  })
  return srtContent(settings, context)
}
