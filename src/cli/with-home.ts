import { thisHost } from '../host/bun.ts'
import { atHome, beginsAtHome } from '../options/home.ts'
import type { OptionRow } from '../options/rows.ts'

/** The value of an option as it was typed, with the caller's home in the place of `~`. */
export function withHome(option: OptionRow, value: string): string {
  return beginsAtHome(option, value) ? atHome(option, value, thisHost().variable('HOME')) : value
}
