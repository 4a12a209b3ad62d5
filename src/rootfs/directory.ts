/**
 * Directories held open, and what is done in them by one name at a time. /proc/self/fd/N is the directory itself, wherever
 * its path leads by now: neither Node nor Bun has the calls that take a descriptor and a name, openat(2) and the like.
 */

import { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readlinkSync, rmdirSync, type Stats, statSync, unlinkSync } from 'node:fs'
import { SandboxError } from '../errors.ts'

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
/** open(2), the same on all machines that nsbox runs on. It asks for no permission to read what is opened. */
const O_PATH = 0o10000000

export class Directory {
  readonly #fd: number

  private constructor(path: string, nofollow: number) {
    this.#fd = openSync(path, O_PATH | O_DIRECTORY | nofollow)
  }

  /** Throws ENOTDIR where the last component is a link and `follow` is false. */
  static open(path: string, follow: boolean): Directory {
    return new Directory(path, follow ? 0 : O_NOFOLLOW)
  }

  /** Throws ENOTDIR for a link. NAME: one component, and neither "." nor "..". */
  enter(name: string): Directory {
    return new Directory(this.at(name), O_NOFOLLOW)
  }

  /** Enters it, and makes it first where it is missing, with exactly this mode. */
  enterOrMake(name: string, mode: number): { directory: Directory; made: boolean } {
    try {
      return { directory: this.enter(name), made: false }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
    // By the umask, and not by chmod(2) afterwards: by then somebody may have put another directory there.
    const umask = process.umask(0)
    try {
      mkdirSync(this.at(name), { mode })
    } finally {
      process.umask(umask)
    }
    return { directory: this.enter(name), made: true }
  }

  /** For calls that take a path and don't follow its last component. */
  at(name: string): string {
    return `/proc/self/fd/${this.#fd}/${name}`
  }

  look(name: string): Stats | undefined {
    return lstatSync(this.at(name), { throwIfNoEntry: false })
  }

  /** A descriptor of a new file, to be written to. Nobody else can open the file yet. */
  create(name: string): number {
    return openSync(this.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  }

  /** A file, a link, or an empty directory. */
  remove(name: string): void {
    if (this.look(name)?.isDirectory()) rmdirSync(this.at(name))
    else unlinkSync(this.at(name))
  }

  /** Where it is now. */
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

/** Throws SandboxError where /proc is missing or is that of other processes: no directory can be held then. */
export function verifyDescriptors(): void {
  const root = Directory.open('/', true)
  try {
    if (root.isSame(root.at('.'))) return
  } catch {
    // Nothing there.
  } finally {
    root.close()
  }
  throw new SandboxError({ step: 'rootfs', what: 'shows no open files of this process', path: '/proc/self/fd', hint: 'mount -t proc proc /proc' })
}
