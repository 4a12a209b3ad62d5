/** Profiles that extend others: which of them count, in which order, and what is left of their lists. */
import { UsageError } from '../errors.ts'
import { nearest } from '../text/nearest.ts'
import { printable } from '../text/printable.ts'
import { kindOf } from './mount-list.ts'
import { isRepeated } from './from-object.ts'
import { pointerPart } from './profile-text.ts'

/** A profile as it was read. */
export type ReadProfile = {
  /** A preset's name, or the absolute path of a file. */
  name: string
  /** Tells it from all others: its name, or the file's path without links. */
  id: string
  /** Where the relative paths of the host start; absent for a preset, which has none. */
  directory?: string
  content: Readonly<Record<string, unknown>>
}

/** A value of an option, one entry of a list for itself, and where it stands. */
export type ProfileEntry = { key: string; value: unknown; pointer: string }

/** Reads the profile that WORD names. `directory`: of the profile that extends it. */
type LoadProfile = (word: string, directory?: string) => ReadProfile

/**
 * The profiles that WORDS name, each behind those that it extends. One that is named twice counts where it is named
 * first.
 */
export function chainOf(words: readonly string[], load: LoadProfile): ReadProfile[] {
  const chain = new Map<string, ReadProfile>()
  const open: ReadProfile[] = []
  const add = (profile: ReadProfile): void => {
    const way = [...open, profile].map(({ name }) => printable(name)).join(' → ')
    if (open.some(({ id }) => id === profile.id)) throw wrongAt(profile, '/extends', `extends itself: ${way}`)
    if (chain.has(profile.id)) return
    open.push(profile)
    for (const word of extended(profile)) add(load(word, profile.directory))
    open.pop()
    chain.set(profile.id, profile)
  }
  for (const word of words) add(load(word))
  return [...chain.values()]
}

function extended(profile: ReadProfile): string[] {
  const { extends: value = [] } = profile.content
  const words: unknown[] = Array.isArray(value) ? value : [value]
  for (const [n, word] of words.entries())
    if (typeof word !== 'string' || word === '')
      throw wrongAt(
        profile,
        Array.isArray(value) ? `/extends/${n}` : '/extends',
        `must be a preset or a file, not ${kindOf(word)}`,
      )
  return words as string[]
}

/** Keys that are no options. */
const ABOUT_ITSELF: readonly string[] = ['$schema', 'extends']

/**
 * What each profile of a chain adds. An entry `-X` of a list takes X out of what the profiles before have there, and
 * stands for nothing else.
 */
export function entriesOf(chain: readonly ReadProfile[]): { profile: ReadProfile; entries: ProfileEntry[] }[] {
  const all: { profile: ReadProfile; entries: ProfileEntry[] }[] = []
  for (const profile of chain) {
    const entries: ProfileEntry[] = []
    for (const [key, value] of Object.entries(profile.content)) {
      if (ABOUT_ITSELF.includes(key)) continue
      const pointer = `/${pointerPart(key)}`
      if (!isRepeated(key)) entries.push({ key, value, pointer })
      // What an empty list means is the option's affair.
      else if (Array.isArray(value) && value.length === 0) entries.push({ key, value, pointer })
      else
        for (const [n, one] of (Array.isArray(value) ? (value as unknown[]) : [value]).entries()) {
          const at = Array.isArray(value) ? `${pointer}/${n}` : pointer
          if (typeof one === 'string' && /^-./s.test(one)) takeOut(all, profile, key, one.slice(1), at)
          else entries.push({ key, value: one, pointer: at })
        }
    }
    all.push({ profile, entries })
  }
  return all
}

function takeOut(
  before: readonly { entries: ProfileEntry[] }[],
  profile: ReadProfile,
  key: string,
  value: string,
  pointer: string,
): void {
  let found = false
  for (const { entries } of before)
    for (let n = entries.length - 1; n >= 0; n--)
      if (entries[n]?.key === key && entries[n]?.value === value) {
        entries.splice(n, 1)
        found = true
      }
  if (found) return
  const there = before.flatMap(({ entries }) =>
    entries.flatMap((entry) => (entry.key === key && typeof entry.value === 'string' ? [entry.value] : [])),
  )
  const near = nearest(value, there)
  throw wrongAt(
    profile,
    pointer,
    `no profile before has '${printable(value)}' there`,
    near === undefined ? undefined : `the nearest is -${printable(near)}`,
  )
}

/** POINTER: the JSON pointer of what is wrong. */
export function wrongAt({ name }: ReadProfile, pointer: string, what: string, hint?: string): UsageError {
  return new UsageError(`--profile ${printable(name)}: ${printable(pointer)}: ${what}`, hint)
}
