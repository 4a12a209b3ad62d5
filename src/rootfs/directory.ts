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
  rmdirSync,
  type Stats,
  statSync,
  unlinkSync,
} from 'node:fs'
import { SandboxError } from '../errors.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
/** open(2), the same on all of nsbox's machines. O_PATH needs no permission to read. */
const O_PATH = 0o10000000

export class Directory {
  readonly #fd: number

  private constructor(path: string, nofollow: number) {
    this.#fd = openSync(path, O_PATH | O_DIRECTORY | nofollow)
  }

  /** Opens a path. Throws ENOTDIR where the last component is a link and `follow` is false. */
  static open(path: string, follow: boolean): Directory {
    return new Directory(path, follow ? 0 : O_NOFOLLOW)
  }

  /** Opens a directory in this one. Throws ENOTDIR for a link. NAME: one component, and neither "." nor "..". */
  enter(name: string): Directory {
    return new Directory(this.at(name), O_NOFOLLOW)
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

  isSame(path: string): boolean {
    const [a, b] = [fstatSync(this.#fd), statSync(path)]
    return a.dev === b.dev && a.ino === b.ino
  }

  close(): void {
    closeSync(this.#fd)
  }
}

/** Throws SandboxError where /proc is missing or shows other processes: then no directory can be named by its descriptor. */
export function verifyDescriptors(): void {
  const root = Directory.open('/', true)
  try {
    if (root.isSame(root.at('.'))) return
  } catch {
    // Without /proc the lookup fails, and so do we, below.
  } finally {
    root.close()
  }
  throw new SandboxError({
    step: 'rootfs',
    what: 'shows no open files of this process',
    path: '/proc/self/fd',
    hint: 'mount -t proc proc /proc',
  })
}
