/**
 * Open directories, and calls on one name in them. They use /proc/self/fd/N, which is the directory itself wherever its
 * path leads by now, since neither Node nor Bun has openat(2) and its like.
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  readSync,
  rmdirSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs'
import { SandboxError } from '../errors.ts'
import type { Step } from '../plan/steps.ts'
import { fromBytes } from '../text/bytes.ts'
import { hostPath } from './bun.ts'
import { codeOf } from './errno.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
/** open(2), the same on all of nsbox's machines. O_PATH needs no permission to read. */
const O_PATH = 0o10000000

/** Something that was opened with O_PATH: it can be looked at, and read by opening it anew (`contentOf`). */
export type Entry = { fd: number; stats: Stats }

/** Opens a path, following links. Throws where nothing is there. */
export function openEntry(path: string): Entry {
  const fd = openSync(hostPath(path), O_PATH)
  return { fd, stats: fstatSync(fd) }
}

/** The first MAX bytes of a regular file: the very one that was opened, wherever its name leads by now. */
export function contentOf({ fd }: Entry, max: number): Buffer {
  const readable = openSync(`/proc/self/fd/${fd}`, O_RDONLY | O_NONBLOCK)
  try {
    const content = Buffer.allocUnsafe(max)
    let length = 0
    for (let count = -1; count !== 0 && length < max; length += count)
      count = readSync(readable, content, length, max - length, null)
    return content.subarray(0, length)
  } finally {
    closeSync(readable)
  }
}

export class Directory {
  readonly #fd: number

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Opens a path. Throws ENOTDIR where the last component is a link and `follow` is false. */
  static open(path: string, follow: boolean): Directory {
    return new Directory(openSync(hostPath(path), O_PATH | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW)))
  }

  /** Takes over an entry that is a directory. */
  static of({ fd }: Entry): Directory {
    return new Directory(fd)
  }

  /** Opens a directory in this one. Throws ENOTDIR for a link. NAME: one component, and neither "." nor "..". */
  enter(name: string): Directory {
    return Directory.open(this.at(name), false)
  }

  /** Opens NAME, whatever it is, without following or touching it; undefined where there is no such name. */
  entry(name: string): Entry | undefined {
    let fd: number
    try {
      fd = openSync(hostPath(this.at(name)), O_PATH | O_NOFOLLOW)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined
      throw error
    }
    return { fd, stats: fstatSync(fd) }
  }

  /** Where the link NAME leads; undefined where it is no link any more. */
  target(name: string): string | undefined {
    try {
      return fromBytes(readlinkSync(hostPath(this.at(name)), { encoding: 'buffer' }))
    } catch (error) {
      if (codeOf(error) === 'EINVAL' || codeOf(error) === 'ENOENT') return undefined
      throw error
    }
  }

  /** Enters NAME. If it is missing, makes it first, with exactly this mode. */
  enterOrMake(name: string, mode: number): { directory: Directory; made: boolean } {
    try {
      return { directory: this.enter(name), made: false }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    // The umask is lifted, since a chmod(2) afterwards could reach a directory that somebody has put there instead.
    const umask = process.umask(0)
    try {
      mkdirSync(this.at(name), { mode })
    } finally {
      process.umask(umask)
    }
    return { directory: this.enter(name), made: true }
  }

  /** The path of NAME, for calls that don't follow the last component. */
  at(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`
  }

  /** A path that leads to the directory itself, also where it may not be searched. */
  self(): string {
    return `/proc/self/fd/${this.#fd}`
  }

  look(name: string): Stats | undefined {
    return lstatSync(this.at(name), { throwIfNoEntry: false })
  }

  /** A descriptor to write a new file. Nobody else can open the file yet. */
  create(name: string): number {
    return openSync(this.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  }

  /** Removes a file, a link, or an empty directory. */
  remove(name: string): void {
    if (this.look(name)?.isDirectory()) rmdirSync(this.at(name))
    else unlinkSync(this.at(name))
  }

  /** The directory's present path. */
  path(): string {
    return readlinkSync(`/proc/self/fd/${this.#fd}`)
  }

  stats(): Stats {
    return fstatSync(this.#fd)
  }

  isSame(path: string): boolean {
    const [a, b] = [this.stats(), statSync(path)]
    return a.dev === b.dev && a.ino === b.ino
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/**
 * Throws SandboxError where /proc is missing or shows other processes: then no directory can be named by its
 * descriptor.
 */
export function verifyDescriptors(step: Step): void {
  const root = Directory.open('/', true)
  try {
    if (root.isSame(root.at('.'))) return
  } catch {
    // Without /proc the lookup fails, and so do we, below.
  } finally {
    root.close()
  }
  throw new SandboxError({
    step,
    what: 'shows no open files of this process',
    path: '/proc/self/fd',
    hint: 'mount -t proc proc /proc',
  })
}
