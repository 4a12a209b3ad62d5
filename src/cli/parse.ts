/** Turns the words of a command line into the options of a box. Throws UsageError, and has no other effect. */
import { UsageError } from '../errors.ts'
import { thisHost } from '../host/bun.ts'
import type { HostFacts } from '../host/types.ts'
import { apply } from '../options/apply.ts'
import { refuseContradictions } from '../options/contradictions.ts'
import type { Options } from '../options/types.ts'
import { late, lateProfiles } from '../lazy.ts'
import type { Walked } from './verb.ts'

/**
 * The options of the box. `own` gets each option that only this verb has; the value of a flag is ''. `host`: where
 * profiles are looked for.
 */
export function readOptions(
  { typed }: Walked,
  own?: (name: string, value: string) => void,
  host: HostFacts = thisHost(),
): Options {
  const options: Options = {}
  let profiled = 0
  for (const { option } of typed)
    if (option.name === 'profile' || option.name === 'srt-settings') {
      lateProfiles().addProfiles(options, typed, host)
      profiled = options.mounts?.length ?? 0
      break
    }
  for (const { option, value, own: isOwn } of typed) {
    if (isOwn) own?.(option.name, value)
    else apply(options, option.name, value)
  }
  if (profiled > 0) lateProfiles().composeBehind(options, profiled)
  refuseContradictions(options)
  return options
}

/**
 * The words of a command. There may be none where the root has a command of its own: an image's, or the shell of a
 * directory. `usage`: how the verb is used.
 */
export function readCommand(
  verb: string,
  { typed, rest: words }: Walked,
  usage: string,
  { root, image }: Pick<Options, 'root' | 'image'>,
): string[] {
  if (words[0] === '') throw new UsageError("command: empty value ''")
  if (words.length === 0 && root === undefined && image === undefined) throw late().noCommand(verb, usage, typed)
  return [...words]
}
