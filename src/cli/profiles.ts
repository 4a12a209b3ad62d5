import type { HostFacts } from '../host/types.ts'
import { applyProfiles } from '../options/profile.ts'
import { applySrtSettings } from '../options/srt-file.ts'
import type { Options } from '../options/types.ts'
import type { TypedOption } from './verb.ts'

/** Adds the options of the profiles that a command line names, and then those of sandbox-runtime's settings. */
export function addProfiles(options: Options, typed: readonly TypedOption[], host: HostFacts): void {
  const files = typed.filter(({ option }) => option.name === 'profile').map(({ value }) => value)
  const later = Object.fromEntries(typed.map(({ option }) => [option.name, true]))
  if (files.length > 0) applyProfiles(options, files, later, host)
  const settings = typed.findLast(({ option }) => option.name === 'srt-settings')
  if (settings !== undefined) applySrtSettings(options, settings.value, host)
}
