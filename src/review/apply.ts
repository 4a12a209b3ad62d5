/**
 * Brings changes of a box to the host. What the box has written is a stranger's: no link is followed, neither among
 * the changes nor on the host, devices and set-user-ID bits stay behind, and a file is replaced as a whole.
 */
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  futimesSync,
  lchownSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  symlinkSync,
  type Stats,
  writeSync,
} from 'node:fs'
import { hostPath } from '../host/bun.ts'
import { codeOf } from '../host/errno.ts'
import { Directory } from '../host/directory.ts'
import { fromBytes } from '../text/bytes.ts'
import type { Change } from './types.ts'
import { reviewFailure } from './places.ts'

/** Where the changes of one place lie and go. */
type Target = {
  /** The place on the host. */
  path: string
  /** The directory of the overlay that has the changes. */
  upper: string
}

/** Carries out CHANGES of a place, in their order. Throws SandboxError; what was done by then stays, whole. */
export function applyTo(target: Target, changes: readonly Change[]): void {
  for (const change of changes)
    try {
      applyOne(target, change)
    } catch (error) {
      throw reviewFailure(change.kind === 'removed' ? 'remove' : 'write', change.path, error)
    }
}

function applyOne({ path: top, upper }: Target, change: Change): void {
  const { path, kind, type, was } = change
  const inside = path.slice(top === '/' ? 1 : top.length + 1)
  const end = inside.lastIndexOf('/')
  const [above, name] = [inside.slice(0, Math.max(0, end)), inside.slice(end + 1)]
  using to = Opened.at(top, above)
  if (kind === 'removed') return removeAll(to.directory, name)
  using from = Opened.at(upper, above)
  if (was === 'directory' && type !== 'directory') removeAll(to.directory, name)
  if (type === 'directory') return putDirectory(from.directory, to.directory, name, change)
  put(to.directory, name, (draft) =>
    type === 'link'
      ? putLink(from.directory, to.directory, name, draft)
      : putFile(from.directory, to.directory, name, draft, change),
  )
}

/** A directory that is closed at the end of its block. */
class Opened {
  readonly directory: Directory
  private constructor(directory: Directory) {
    this.directory = directory
  }

  /** The directory INSIDE of TOP, on a path without links. */
  static at(top: string, inside: string): Opened {
    let directory = Directory.open(top, true)
    for (const name of inside.split('/').filter((part) => part !== '')) {
      const above = directory
      try {
        directory = above.enter(name)
      } finally {
        above.close()
      }
    }
    return new Opened(directory)
  }

  [Symbol.dispose](): void {
    this.directory.close()
  }
}

function removeAll(directory: Directory, name: string): void {
  const stats = directory.look(name)
  if (stats === undefined) return
  if (stats.isDirectory()) {
    const inner = directory.enter(name)
    try {
      for (const child of readdirSync(inner.at('.'), { encoding: 'buffer' })) removeAll(inner, fromBytes(child))
    } finally {
      inner.close()
    }
  }
  directory.remove(name)
}

const isRoot = (): boolean => process.getuid?.() === 0
/**
 * The permissions; a directory may also pass its group on. Those of the group are the mask of an ACL where there is
 * one: without the ACL, which stays behind, they would give more than it did.
 */
const bits = ({ mode }: Stats, isDirectory: boolean, { attributes }: Change): number =>
  mode & (isDirectory ? 0o3777 : 0o777) & (attributes?.includes(ACL) ? 0o7707 : 0o7777)
const ACL = 'system.posix_acl_access'

function putDirectory(from: Directory, to: Directory, name: string, change: Change): void {
  const stats = from.look(name) as Stats
  if (change.was !== undefined) removeAll(to, name)
  const { directory } = to.enterOrMake(name, bits(stats, true, change))
  try {
    if (isRoot()) chownSync(directory.self(), stats.uid, stats.gid)
    chmodSync(directory.self(), bits(stats, true, change))
  } finally {
    directory.close()
  }
}

/** Makes NAME under another name first, so that nobody finds half of it. */
function put(to: Directory, name: string, make: (draft: string) => void): void {
  const draft = `.nsbox-${Buffer.from(crypto.getRandomValues(new Uint8Array(6))).toString('hex')}`
  try {
    make(draft)
    renameSync(hostPath(to.at(draft)), hostPath(to.at(name)))
  } catch (error) {
    if (to.look(draft) !== undefined) to.remove(draft)
    throw error
  }
}

function putLink(from: Directory, to: Directory, name: string, draft: string): void {
  const target = from.target(name)
  if (target === undefined) throw Object.assign(new Error('no link'), { code: 'EINVAL' })
  symlinkSync(hostPath(target), to.at(draft))
  const { uid, gid } = from.look(name) as Stats
  if (isRoot()) lchownSync(to.at(draft), uid, gid)
}

function putFile(from: Directory, to: Directory, name: string, draft: string, change: Change): void {
  const source = openSource(from, name)
  try {
    const stats = fstatSync(source)
    if (!stats.isFile()) throw Object.assign(new Error('no file'), { code: 'EINVAL' })
    const copy = to.create(draft)
    try {
      copyAll(source, copy)
      if (isRoot()) fchownSync(copy, stats.uid, stats.gid)
      fchmodSync(copy, bits(stats, false, change))
      futimesSync(copy, stats.atimeMs / 1000, stats.mtimeMs / 1000)
    } finally {
      closeSync(copy)
    }
  } finally {
    closeSync(source)
  }
}

const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

/** The caller's own file may be one that nobody may read. */
function openSource(from: Directory, name: string): number {
  try {
    return openSync(hostPath(from.at(name)), FLAGS)
  } catch (error) {
    const { mode } = from.look(name) as Stats
    if (codeOf(error) !== 'EACCES') throw error
    chmodSync(hostPath(from.at(name)), (mode & 0o777) | 0o400)
    try {
      return openSync(hostPath(from.at(name)), FLAGS)
    } finally {
      chmodSync(hostPath(from.at(name)), mode & 0o777)
    }
  }
}

const PIECE = 1 << 20

function copyAll(from: number, to: number): void {
  const piece = Buffer.allocUnsafe(PIECE)
  for (let length = readSync(from, piece, 0, PIECE, null); length > 0; length = readSync(from, piece, 0, PIECE, null))
    for (let done = 0; done < length;) done += writeSync(to, piece, done, length - done)
}
