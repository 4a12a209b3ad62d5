/** Which command lines have a plan that is remembered; native/remember.h says how. */
import type { Walked } from '../cli/verb.ts'
import type { Options } from '../options/types.ts'

/**
 * Whether a later start of these options may use the plan of this one, with the words of its own command. Not with a
 * variable's value, which nobody may find in a file later, and which the preset `closed` has as well; nor with a word
 * in place of the command's first one; with descriptors of the caller's, which the front end looks at; for a root's own
 * command; for an image, which somebody may have pulled anew; for a review, which is new each time; for a box that is
 * traced, whose front end stays; and with settings of sandbox-runtime, for which a whole project is searched.
 */
export function isRepeatable({ typed }: Walked, options: Options, argv: readonly string[]): boolean {
  const { image, argv0, keepFds, env = [], changes, traceDenied } = options
  if (argv.length === 0 || image !== undefined || argv0 !== undefined || keepFds !== undefined) return false
  if (changes === 'review' || traceDenied) return false
  for (const { option } of typed) if (option.name === 'srt-settings') return false
  for (const { type } of env) if (type === 'set' || type === 'file') return false
  // `--proc /proc` is an error, by the first word of the command.
  return typeof typed[typed.length - 1]?.option.alone !== 'string'
}
