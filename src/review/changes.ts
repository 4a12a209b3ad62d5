/** Compares what a box has changed with what the host has now. */
import {
  closeSync,
  constants,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  type BigIntStats,
  lstatSync,
} from 'node:fs'
import { hostPath } from '../host/bun.ts'
import { codeOf } from '../host/errno.ts'
import { fromBytes } from '../text/bytes.ts'
import { literal, rule, type Rule } from './patterns.ts'
import type { ReviewPlace, ReviewRecord } from './record.ts'
import type { Change, FileType } from './types.ts'
import type { Upper } from './upper.ts'

/** Paths of one place: of the host, and of the changes. */
type Walk = {
  upper: string
  started: bigint
  rules: { rule: Rule; by: string }[]
  isRoot: boolean
  found: Change[]
}

/** The changes of a place, a directory before what is in it. STATE: the directory that has them. */
export function changesOf(place: ReviewPlace, state: string, top: Upper, record: ReviewRecord): Change[] {
  const walk: Walk = {
    upper: `${state}/upper`,
    started: BigInt(record.started),
    rules: record.held.map(({ pattern, by }) => ({ rule: rule(pattern), by })),
    isRoot: process.getuid?.() === 0,
    found: [],
  }
  below(walk, top, place.path === '/' ? '' : place.path, '', 'merged')
  return walk.found
}

/**
 * How a directory of the box relates to the host's: it shows what the host has but for its own changes, or hides it,
 * or the host has none.
 */
type Relation = 'merged' | 'hides' | 'alone'

function below(walk: Walk, entry: Upper, above: string, inside: string, relation: Relation): void {
  for (const [name, child] of entry.children) compare(walk, child, `${above}/${name}`, `${inside}/${name}`, relation)
  if (relation === 'hides')
    for (const name of entriesOf(above)) if (!entry.children.has(name)) remove(walk, `${above}/${name}`)
}

function compare(walk: Walk, entry: Upper, path: string, inside: string, relation: Relation): void {
  const host = relation === 'alone' ? undefined : look(path)
  if (entry.kind === 'whiteout') {
    if (host !== undefined) remove(walk, path)
    return
  }
  const type = entry.kind === 'hides' ? 'directory' : entry.kind
  const was = host === undefined ? undefined : typeOf(host)
  if (type === 'special') {
    if (was === undefined) add(walk, { path, kind: 'added', type, held: 'it is a device, a socket or a fifo' })
    return
  }
  const isNew = was === undefined || was !== type
  const { attributes, equal } = entry
  if (isNew || attributes.length > 0 || differs(walk, type, path, walk.upper + inside, host as BigIntStats)) {
    const change: Change = { path, kind: was === undefined ? 'added' : 'changed', type }
    if (was !== undefined && was !== type) change.was = was
    // A file comes to the host as a new one, which has none.
    const all = type === 'file' ? [...attributes, ...equal] : attributes
    if (all.length > 0) change.attributes = all
    if (relation === 'merged' && was === undefined && wasThere(walk, entry, path))
      change.conflict = 'missing on the host, where the directory has changed since'
    add(walk, change, host)
  }
  if (type !== 'directory') return
  const next = isNew ? 'alone' : entry.kind === 'hides' || relation === 'hides' ? 'hides' : 'merged'
  below(walk, entry, path, inside, next)
}

/**
 * Whether the host may have had what is missing at PATH now when the box started. The box may have renamed what was
 * copied: that is certain only where the directory on the host is as it was.
 */
function wasThere(walk: Walk, { copied }: Upper, path: string): boolean {
  return copied === true && (look(path.slice(0, path.lastIndexOf('/')) || '/')?.ctimeNs ?? 0n) >= walk.started
}

function remove(walk: Walk, path: string): void {
  const host = look(path)
  if (host !== undefined) add(walk, { path, kind: 'removed', type: typeOf(host) }, host)
}

/** HOST: what the host has at the path, which the change replaces or removes. */
function add(walk: Walk, change: Change, host?: BigIntStats): void {
  const replaces = host !== undefined && (change.kind === 'removed' || change.was !== undefined)
  const names = replaces && host.isDirectory() ? [change.path, ...allBelow(change.path)] : [change.path]
  const held = change.held ?? heldBy(walk, change, names)
  if (held !== undefined) change.held = held
  if (host !== undefined) {
    const newer = names.find((path) => (look(path)?.ctimeNs ?? 0n) >= walk.started)
    if (newer !== undefined && !(host.isDirectory() && change.type === 'directory' && !replaces))
      change.conflict = newer === change.path ? 'changed on the host since' : `${newer} changed on the host since`
  }
  walk.found.push(change)
}

function heldBy({ rules }: Walk, { path, kind, type }: Change, names: readonly string[]): string | undefined {
  for (const { rule: at, by } of rules) {
    const inside = names.find(at.names)
    if (inside !== undefined) return inside === path ? by : `${inside} is in it: ${by}`
    // A link in the place of a directory would lead the rule elsewhere.
    if (kind !== 'removed' && type !== 'directory' && at.needs(path)) return `it would lead elsewhere: ${by}`
  }
  return undefined
}

function allBelow(path: string): string[] {
  const found: string[] = []
  for (const name of entriesOf(path)) {
    const child = `${path}/${name}`
    found.push(child)
    if (look(child)?.isDirectory()) found.push(...allBelow(child))
  }
  return found
}

function entriesOf(path: string): string[] {
  try {
    return readdirSync(hostPath(path), { encoding: 'buffer' }).map((name) => fromBytes(name))
  } catch (error) {
    // What its owner can't list, apply can't remove either, and says so.
    if (['ENOENT', 'ENOTDIR', 'EACCES'].includes(codeOf(error))) return []
    throw error
  }
}

function look(path: string): BigIntStats | undefined {
  try {
    return lstatSync(hostPath(path), { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return undefined
    throw error
  }
}

function typeOf(stat: BigIntStats): FileType {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  return stat.isSymbolicLink() ? 'link' : 'special'
}

const MODE = 0o7777n

/** Whether the box has something else there than the host, of the same type. */
function differs(walk: Walk, type: FileType, path: string, mine: string, host: BigIntStats): boolean {
  const own = look(mine)
  if (own === undefined) return true
  if (walk.isRoot && (own.uid !== host.uid || own.gid !== host.gid)) return true
  if (type === 'link') return !linkTarget(path).equals(linkTarget(mine))
  if ((own.mode & MODE) !== (host.mode & MODE)) return true
  return type === 'file' && (own.size !== host.size || !isSameContent(path, mine))
}

const linkTarget = (path: string): Buffer => readlinkSync(hostPath(path), { encoding: 'buffer' })

const PIECE = 1 << 18

function isSameContent(a: string, b: string): boolean {
  const files: number[] = []
  try {
    for (const path of [a, b])
      files.push(openSync(hostPath(path), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK))
    const [one, other] = [Buffer.alloc(PIECE), Buffer.alloc(PIECE)]
    for (;;) {
      const length = readSync(files[0] as number, one, 0, PIECE, null)
      const more = readSync(files[1] as number, other, 0, PIECE, null)
      if (length !== more || !one.subarray(0, length).equals(other.subarray(0, more))) return false
      if (length === 0) return true
    }
  } catch (error) {
    // A file that its owner may not read: its content can't be told apart.
    if (codeOf(error) === 'EACCES') return false
    throw error
  } finally {
    for (const fd of files) closeSync(fd)
  }
}

/** The changes that PATTERNS name, absolute globs, and the directories that those need. */
export function only(changes: readonly Change[], patterns: readonly string[]): Change[] {
  const rules = patterns.map(rule)
  const named = changes.filter(({ path }) => rules.some(({ names }) => names(path)))
  return changes.filter(
    (change) =>
      named.includes(change) ||
      (change.type === 'directory' &&
        change.kind !== 'removed' &&
        named.some(({ path }) => rule(literal(change.path)).names(path))),
  )
}
