/**
 * Places host files in a directory, under the same paths. Each component of a path is walked as the kernel would: a link
 * becomes the same link, and the walk goes on to where it points. Hence all that is written lies below directories that
 * were looked at and are real ones, however hostile the links that were there before.
 */

import {
  chmodSync, closeSync, constants, copyFileSync, fchmodSync, futimesSync, linkSync, lstatSync, mkdirSync, openSync,
  readlinkSync, readSync, realpathSync, renameSync, rmdirSync, rmSync, type Stats, symlinkSync, unlinkSync, writeSync
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { printable, SandboxError } from '../errors.ts'
import type { Method } from './choices.ts'
import { failed } from './elf.ts'

/** As the kernel: links on the way of one path. */
const MAX_LINKS = 40
/** Permissions and the sticky bit; setuid and setgid stay behind. */
const MODE = 0o1777
const SETID = 0o6000

export class Placer {
  readonly #root: string
  readonly #by: Method
  /** Real host paths that are done. */
  readonly #done = new Set<string>()
  /** What was not there before, in its order. */
  readonly #made: string[] = []
  files = 0
  links = 0
  bytes = 0

  constructor(dir: string, by: Method) {
    this.#by = by
    try {
      const first = mkdirSync(dir, { recursive: true })
      this.#root = realpathSync(dir)
      if (first !== undefined) this.#made.push(...between(realpathSync(first), this.#root))
    } catch (error) {
      throw failed('cannot make the directory', dir, error)
    }
    if (this.#root === '/') throw new SandboxError({ step: 'rootfs', what: "a root cannot be built over the host's own", path: dir })
  }

  /** Takes back what was made, after a failure. A file that was replaced stays the new one. */
  undo(): void {
    for (const path of this.#made.reverse()) {
      try {
        if (look(path)?.isDirectory()) rmdirSync(path)
        else unlinkSync(path)
      } catch {
        // Somebody else has put something in it: it is theirs now.
      }
    }
  }

  /** The file or the empty directory at the absolute `path`, with all links that lead there. */
  place(path: string): void {
    const todo = path.split('/').reverse()
    let here = ''
    let hops = 0
    while (todo.length > 0) {
      const name = todo.pop() ?? ''
      if (name === '' || name === '.') continue
      if (name === '..') {
        here = here.slice(0, Math.max(0, here.lastIndexOf('/')))
        continue
      }
      const source = `${here}/${name}`
      const stat = look(source)
      if (stat === undefined) throw failed('file of the host is gone', source, noEntry())
      if (stat.isSymbolicLink()) {
        if (++hops > MAX_LINKS) throw new SandboxError({ step: 'rootfs', what: 'too many links on the way', path })
        const target = readlinkSync(source)
        this.#link(source, target)
        if (target.startsWith('/')) here = ''
        todo.push(...target.split('/').reverse())
      } else if (stat.isDirectory()) {
        this.#directory(source, stat)
        here = source
      } else {
        this.#file(source, stat)
        return
      }
    }
  }

  #link(source: string, target: string): void {
    if (this.#done.has(source)) return
    const path = this.#root + source
    const there = look(path)
    if (there === undefined) attempt('cannot make the link', path, () => (symlinkSync(target, path), this.#made.push(path)))
    else if (!there.isSymbolicLink()) throw inTheWay(path, `the host has a link to ${target} there`)
    else if (readlinkSync(path) !== target) throw inTheWay(path, `it is a link to ${readlinkSync(path)}, not to ${target}`)
    this.links++
    this.#done.add(source)
  }

  #directory(source: string, stat: Stats): void {
    if (this.#done.has(source)) return
    const path = this.#root + source
    const there = look(path)
    if (there !== undefined && !there.isDirectory()) throw inTheWay(path, 'the host has a directory there')
    // The owner may write, or an ordinary user could not fill a directory that is 0555 on the host.
    if (there === undefined) attempt('cannot make the directory', path, () => (mkdirSync(path), this.#made.push(path), chmodSync(path, (stat.mode & MODE) | 0o700)))
    this.#done.add(source)
  }

  #file(source: string, stat: Stats): void {
    if (this.#done.has(source)) return
    const path = this.#root + source
    if (!stat.isFile()) throw new SandboxError({ step: 'rootfs', what: 'not a regular file', path: source })
    const there = look(path)
    if (there !== undefined && !there.isFile()) throw inTheWay(path, 'the host has a file there')
    // A hard link shares the host's mode: setuid can only be dropped from a copy.
    const by = this.#by === 'hardlink' && (stat.mode & SETID) !== 0 ? 'copy' : this.#by
    // Two names of one file: rename would do nothing, and leave the temporary one.
    const same = there !== undefined && there.dev === stat.dev && there.ino === stat.ino
    if (by !== 'hardlink' || !same) replace(source, path, stat, by)
    if (there === undefined) this.#made.push(path)
    this.files++
    this.bytes += stat.size
    this.#done.add(source)
  }
}

/** The directories from FIRST down to LAST. */
function between(first: string, last: string): string[] {
  return last.length <= first.length ? [first] : [...between(first, dirname(last)), last]
}

/** The new file under another name first: who looks sees the old one or the new one, never a part. */
function replace(source: string, path: string, stat: Stats, by: Method): void {
  const temporary = `${dirname(path)}/.nsbox-${randomBytes(8).toString('hex')}`
  try {
    if (by === 'hardlink') linkSync(source, temporary)
    else if (by === 'reflink') reflink(source, temporary, stat)
    else copy(source, temporary, stat)
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    const hint = by === 'copy' ? undefined : '--by copy works everywhere'
    throw failed(`cannot ${by === 'copy' ? 'copy' : `make a ${by} of`} ${source} to`, path, error, hint)
  }
}

/** Written under a mode that is nobody else's; the host's mode comes when the content is there. */
function copy(source: string, path: string, stat: Stats): void {
  const from = openSync(source, 'r')
  try {
    const to = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
    try {
      const buffer = Buffer.allocUnsafe(1 << 20)
      for (let length = readSync(from, buffer); length > 0; length = readSync(from, buffer)) {
        for (let at = 0; at < length;) at += writeSync(to, buffer, at, length - at)
      }
      finish(to, stat)
    } finally {
      closeSync(to)
    }
  } finally {
    closeSync(from)
  }
}

function reflink(source: string, path: string, stat: Stats): void {
  copyFileSync(source, path, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE)
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  try {
    finish(fd, stat)
  } finally {
    closeSync(fd)
  }
}

function finish(fd: number, stat: Stats): void {
  fchmodSync(fd, stat.mode & MODE)
  futimesSync(fd, stat.atimeMs / 1000, stat.mtimeMs / 1000)
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    throw failed('cannot look at', path, error)
  }
}

function attempt(what: string, path: string, action: () => void): void {
  try {
    action()
  } catch (error) {
    throw failed(what, path, error)
  }
}

function noEntry(): Error {
  return Object.assign(new Error('ENOENT: no such file or directory'), { code: 'ENOENT' })
}

function inTheWay(path: string, why: string): SandboxError {
  return new SandboxError({ step: 'rootfs', what: `something else is in the way (${printable(why)})`, path, hint: 'build in a new directory, or remove it' })
}
