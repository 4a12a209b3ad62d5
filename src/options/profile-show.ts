/** What profiles say, all together: for people, and as one profile that says the same. */
import { absolute } from '../host/absolute.ts'
import type { HostFacts } from '../host/types.ts'
import { atHome, beginsAtHome } from './home.ts'
import { isRepeated } from './from-object.ts'
import { readEntries } from './profile.ts'
import { PRESETS } from './presets.ts'

type Host = Pick<HostFacts, 'cwd' | 'variable' | 'look'>

type ShownProfile = {
  /** The keys of a profile; lists and single values as they count. */
  content: Record<string, unknown>
  /** Paths in rules that aren't there now. */
  missing: ReadonlySet<string>
  /** What the presets among them leave open, in sentences. */
  open: readonly string[]
}

/** Throws as applyProfiles does for what isn't an option. */
export function showProfiles(words: readonly string[], host: Host): ShownProfile {
  const content: Record<string, unknown> = {}
  const missing = new Set<string>()
  const open = new Set<string>()
  for (const { profile, entries } of readEntries(words, host)) {
    for (const text of PRESETS.find(({ name }) => name === profile.id)?.open ?? []) open.add(text)
    for (const { key, value } of entries) {
      const before = content[key]
      if (key === 'env' || key === 'mounts' || isRepeated(key)) {
        const added: unknown[] = Array.isArray(value) ? value : [value]
        content[key] = [...(Array.isArray(before) ? (before as unknown[]) : []), ...added]
      } else if (value === false) delete content[key]
      else content[key] = value
      if (typeof value === 'string' && isMissing(value, host)) missing.add(value)
    }
  }
  return { content, missing, open: [...open] }
}

function isMissing(value: string, host: Host): boolean {
  const row = { name: 'profile', value: 'PATH' }
  const path = beginsAtHome(row, value) ? atHome(row, value, host.variable('HOME')) : value
  const found = host.look(absolute(path, host), false)
  return typeof found === 'object'
}
