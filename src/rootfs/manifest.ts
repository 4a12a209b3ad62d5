/**
 * All names of a root, before anything is written. It walks each host path as the kernel would: a link becomes the same
 * link, and the walk goes on to where it points.
 */
import { lstatSync, readlinkSync, type Stats } from 'node:fs'
import { createHash } from 'node:crypto'
import { SandboxError } from '../errors.ts'
import { failed } from './elf.ts'

/** The kernel follows this many links in one path. */
const MAX_LINKS = 40
/** Permissions and the sticky bit; setuid and setgid are not copied. */
export const MODE = 0o1777
export const SETID = 0o6000

/** A name in the root. Its path there is its path on the host, and no part of that is a link. */
export type Entry = { path: string; stat: Stats } & (
  | { kind: 'directory'; /** Its times are kept; those of a directory on the way to a file are not. */ timed: boolean }
  | { kind: 'link'; target: string }
  | { kind: 'file' }
)

export class Manifest {
  readonly #entries = new Map<string, Entry>()

  /** Adds a file, a directory or a link, with all links on its path. `follow`: also the file that a link leads to. */
  add(path: string, follow = true): void {
    const todo = path.split('/').reverse()
    let here = ''
    for (let hops = 0; todo.length > 0;) {
      const name = todo.pop() ?? ''
      if (name === '' || name === '.') continue
      if (name === '..') {
        here = here.replace(/\/[^/]*$/, '')
        continue
      }
      const source = `${here}/${name}`
      const entry = this.#entries.get(source) ?? this.#enter(source)
      if (entry.kind === 'link') {
        if (todo.length === 0 && !follow) return
        if (++hops > MAX_LINKS) throw new SandboxError({ step: 'rootfs', what: 'too many links on the way', path })
        if (entry.target.startsWith('/')) here = ''
        todo.push(...entry.target.split('/').reverse())
      } else if (entry.kind === 'directory') here = source
      else return
    }
  }

  /** Keeps the times of a directory that is there as a whole. */
  keepTimes(path: string): void {
    const entry = this.#entries.get(path)
    if (entry?.kind === 'directory') entry.timed = true
  }

  has(path: string): boolean {
    return this.#entries.has(path)
  }

  /** Sorted by path, so a directory stands before what is in it. */
  entries(): Entry[] {
    return [...this.#entries.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  }

  #enter(path: string): Entry {
    const entry = entryAt(path)
    this.#entries.set(path, entry)
    return entry
  }
}

function entryAt(path: string): Entry {
  const stat = hostCall(path, () => lstatSync(path))
  if (stat.isSymbolicLink()) return { path, stat, kind: 'link', target: hostCall(path, () => readlinkSync(path)) }
  if (stat.isDirectory()) return { path, stat, kind: 'directory', timed: false }
  if (stat.isFile()) return { path, stat, kind: 'file' }
  throw new SandboxError({ step: 'rootfs', what: 'not a regular file', path })
}

function hostCall<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw failed('cannot look at', path, error)
  }
}

/**
 * The root's digest, which equal roots share: SHA-256 over each entry's kind, mode, time (seconds since 1970), path, and
 * content or target. `contents`: the SHA-256 of each file by its path.
 */
export function digestOf(entries: readonly Entry[], contents: ReadonlyMap<string, string>): string {
  const hash = createHash('sha256')
  for (const entry of entries) hash.update(`${JSON.stringify(rowOf(entry, contents))}\n`)
  return `sha256:${hash.digest('hex')}`
}

function rowOf(entry: Entry, contents: ReadonlyMap<string, string>): unknown[] {
  const { path, kind } = entry
  if (kind === 'link') return [kind, path, secondsOf(entry), entry.target]
  if (kind === 'directory') return [kind, path, modeOf(entry), ...(entry.timed ? [secondsOf(entry)] : [])]
  return [kind, path, modeOf(entry), secondsOf(entry), contents.get(path)]
}

/**
 * The mode in the root. The owner of a directory gets all permissions, or an ordinary user could not fill one that is
 * 0555 on the host.
 */
export function modeOf({ kind, stat }: Entry): number {
  return (stat.mode & MODE) | (kind === 'directory' ? 0o700 : 0)
}

export function secondsOf({ stat }: Entry): number {
  return Math.floor(stat.mtimeMs / 1000)
}
