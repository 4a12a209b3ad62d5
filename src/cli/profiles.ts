import { thisHost } from '../host/bun.ts'
import { applyProfiles } from '../options/profile.ts'
import type { Options } from '../options/types.ts'
import type { TypedOption } from './verb.ts'

/** Adds the options of the profiles that a command line names. */
export function addProfiles(options: Options, typed: readonly TypedOption[]): void {
  const files = typed.filter(({ option }) => option.name === 'profile').map(({ value }) => value)
  const later = Object.fromEntries(typed.map(({ option }) => [option.name, true]))
  applyProfiles(options, files, later, thisHost())
}
