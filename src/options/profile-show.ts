/** What profiles say, all together: for people, and as one profile that says the same. */
import { absolute } from '../host/absolute.ts'
import { atHome, beginsAtHome } from './home.ts'
import { composeMounts } from './compose-mounts.ts'
import { isRepeated } from './from-object.ts'
import { optionsOf, readEntries } from './profile.ts'
import type { ProfileEntry, ReadProfile } from './profile-chain.ts'
import { PRESETS, type ProfileHost } from './presets.ts'
import type { MountRequest } from './types.ts'

type ShownProfile = {
  /** The keys of a profile; lists and single values as they count. */
  content: Record<string, unknown>
  /** Paths in rules that aren't there now. */
  missing: ReadonlySet<string>
  /** What the presets among them leave open, in sentences. */
  open: readonly string[]
}

/** Throws as applyProfiles does for what isn't an option. */
export function showProfiles(words: readonly string[], host: ProfileHost): ShownProfile {
  const content: Record<string, unknown> = {}
  const missing = new Set<string>()
  const open = new Set<string>()
  const mounts: Mounts = { keys: new Set(), given: [], composed: [] }
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
    addMounts(mounts, profile, entries, host)
  }
  return { content: withComposed(content, mounts), missing, open: [...open] }
}

/** The mounts of profiles. `keys`: those that ask for them. */
type Mounts = { keys: Set<string>; given: MountRequest[]; composed: MountRequest[] }

function addMounts(mounts: Mounts, profile: ReadProfile, entries: readonly ProfileEntry[], host: ProfileHost): void {
  const added: MountRequest[] = []
  for (const entry of entries) {
    const { mounts: own = [] } = optionsOf(profile, [entry], host)
    if (own.length > 0) mounts.keys.add(entry.key)
    added.push(...own)
  }
  mounts.given.push(...added)
  mounts.composed = composeMounts(mounts.composed, added)
}

/** Where profiles replace mounts of others, one list has all of them, in their order. */
function withComposed(content: Record<string, unknown>, { keys, given, composed }: Mounts): Record<string, unknown> {
  if (given.length === composed.length && given.every((mount, n) => mount === composed[n])) return content
  const others = Object.entries(content).filter(([key]) => !keys.has(key))
  return { ...Object.fromEntries(others), mounts: composed }
}

function isMissing(value: string, host: ProfileHost): boolean {
  const row = { name: 'profile', value: 'PATH' }
  const path = beginsAtHome(row, value) ? atHome(row, value, host.variable('HOME')) : value
  const found = host.look(absolute(path, host), false)
  return typeof found === 'object'
}
