/**
 * Places host files in a directory, under the same paths. It walks each path as the kernel would: a link becomes the
 * same link, and the walk goes on to where it points. Each directory of the root is entered from its open parent, and
 * never through a link. So everything is written inside the root, even with hostile links in it, or if somebody swaps
 * its directories meanwhile.
 */

import {
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fstatSync,
  futimesSync,
  linkSync,
  lstatSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  type Stats,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import type { Method } from './choices.ts'
import { Directory } from '../host/directory.ts'
import { failed } from './elf.ts'

/** The kernel follows this many links in one path. */
const MAX_LINKS = 40
/** Permissions and the sticky bit; setuid and setgid are not copied. */
const MODE = 0o1777
const SETID = 0o6000
const CHANGING = 'something changes it while the root is built'

/** A directory of the root, and its path there: "" for the root itself. */
type Place = { directory: Directory; path: string }

export class Placer {
  readonly #root: Place
  /** DIR, for messages. */
  readonly #dir: string
  readonly #by: Method
  /** Real host paths that are in the root already. */
  readonly #done = new Set<string>()
  /** Paths that we have made in the root, in their order. */
  readonly #made: string[] = []
  /** The directories that we have made down to the root, in their order. */
  readonly #above: { parent: Directory; name: string }[] = []
  files = 0
  links = 0
  bytes = 0

  constructor(dir: string, by: Method) {
    this.#by = by
    // With a slash at the end the kernel would follow a link.
    const plain = dir.replace(/\/+$/, '') || '/'
    try {
      this.#root = { directory: this.#openOrMake(plain, false), path: '' }
      this.#dir = this.#root.directory.path()
    } catch (error) {
      this.undo()
      throw linkAt(plain) ?? failed('cannot make the directory', dir, error)
    }
    if (!this.#root.directory.isSame('/')) return
    throw new SandboxError({ step: 'rootfs', what: "a root cannot be built over the host's own", path: dir })
  }

  /**
   * Makes missing directories one by one below the last existing one, so that no link that comes up meanwhile is
   * followed.
   */
  #openOrMake(path: string, follow: boolean): Directory {
    try {
      return Directory.open(path, follow)
    } catch (error) {
      const [above, name] = [dirname(path), basename(path)]
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || above === path) throw error
      const parent = this.#openOrMake(above, true)
      const { directory, made } = parent.enterOrMake(name, 0o777 & ~process.umask())
      if (made) this.#above.push({ parent, name })
      return directory
    }
  }

  /** Removes what we have made, after a failure. A replaced file stays replaced. */
  undo(): void {
    for (const path of this.#made.reverse()) quietly(() => this.#remove(path))
    for (const { parent, name } of this.#above.reverse()) quietly(() => parent.remove(name))
  }

  close(): void {
    this.#root.directory.close()
    for (const { parent } of this.#above) parent.close()
  }

  #remove(path: string): void {
    const opened: Directory[] = []
    try {
      let parent = this.#root.directory
      for (const name of dirname(path)
        .split('/')
        .filter((part) => part !== ''))
        opened.push((parent = parent.enter(name)))
      parent.remove(basename(path))
    } finally {
      for (const directory of opened) directory.close()
    }
  }

  /** Places the file or the empty directory at the absolute `path`, with all links on the path. */
  place(path: string): void {
    const way = [this.#root]
    const leave = (depth: number): void => {
      while (way.length > depth) way.pop()?.directory.close()
    }
    try {
      this.#walk(path, way, leave)
    } finally {
      leave(1)
    }
  }

  /**
   * `way`: the open directories from the root down to the walk's place, so that ".." never asks the kernel for a
   * parent.
   */
  #walk(path: string, way: Place[], leave: (depth: number) => void): void {
    const todo = path.split('/').reverse()
    for (let hops = 0; todo.length > 0;) {
      const name = todo.pop() ?? ''
      if (name === '' || name === '.') continue
      if (name === '..') {
        leave(Math.max(1, way.length - 1))
        continue
      }
      const here = way.at(-1) ?? this.#root
      const source = `${here.path}/${name}`
      const stat = lookAtHost(source)
      if (stat.isSymbolicLink()) {
        if (++hops > MAX_LINKS) throw new SandboxError({ step: 'rootfs', what: 'too many links on the way', path })
        const target = readlinkSync(source)
        this.#link(here, name, target)
        if (target.startsWith('/')) leave(1)
        todo.push(...target.split('/').reverse())
      } else if (stat.isDirectory()) {
        way.push({ directory: this.#directory(here, name, stat), path: source })
      } else {
        this.#file(here, name, stat)
        return
      }
    }
  }

  #link({ directory, path }: Place, name: string, target: string): void {
    const source = `${path}/${name}`
    if (this.#done.has(source)) return
    const there = this.#look(directory, name, source)
    if (there === undefined) {
      this.#attempt('cannot make the link', source, () => symlinkSync(target, directory.at(name)))
      this.#made.push(source)
    } else if (!there.isSymbolicLink()) throw this.#inTheWay(source, `the host has a link to ${target} there`)
    else {
      const present = this.#attempt('cannot read the link', source, () => readlinkSync(directory.at(name)))
      if (present !== target) throw this.#inTheWay(source, `it is a link to ${present}, not to ${target}`)
    }
    this.links++
    this.#done.add(source)
  }

  #directory({ directory, path }: Place, name: string, stat: Stats): Directory {
    const source = `${path}/${name}`
    try {
      // The owner gets all permissions, or an ordinary user could not fill a directory that is 0555 on the host.
      const entered = directory.enterOrMake(name, (stat.mode & MODE) | 0o700)
      if (entered.made) this.#made.push(source)
      return entered.directory
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOTDIR' || code === 'ELOOP') throw this.#inTheWay(source, 'the host has a directory there')
      throw failed(
        'cannot make the directory',
        this.#dir + source,
        error,
        code === 'EEXIST' || code === 'ENOENT' ? CHANGING : undefined,
      )
    }
  }

  #file({ directory, path }: Place, name: string, stat: Stats): void {
    const source = `${path}/${name}`
    if (this.#done.has(source)) return
    if (!stat.isFile()) throw new SandboxError({ step: 'rootfs', what: 'not a regular file', path: source })
    const there = this.#look(directory, name, source)
    if (there !== undefined && !there.isFile()) throw this.#inTheWay(source, 'the host has a file there')
    // Only a copy can drop setuid: a hard link shares the host's mode, and a clone has it for a moment.
    const by = (stat.mode & SETID) !== 0 ? 'copy' : this.#by
    // For two names of one file rename does nothing, and would leave the temporary name.
    const same = there !== undefined && there.dev === stat.dev && there.ino === stat.ino
    if (by !== 'hardlink' || !same) this.#replace(source, directory, name, by)
    if (there === undefined) this.#made.push(source)
    this.files++
    this.bytes += stat.size
    this.#done.add(source)
  }

  /** Makes the new file under another name first, so that a reader sees the old file or the new one, never a part. */
  #replace(source: string, directory: Directory, name: string, by: Method): void {
    const temporary = `.nsbox-${randomBytes(8).toString('hex')}`
    try {
      if (by === 'hardlink') linkSync(source, directory.at(temporary))
      else fill(source, directory.create(temporary), by)
      renameSync(directory.at(temporary), directory.at(name))
    } catch (error) {
      quietly(() => directory.remove(temporary))
      const hint = by === 'copy' ? undefined : '--by copy works everywhere'
      throw failed(`cannot ${by === 'copy' ? 'copy' : `make a ${by} of`} ${source} to`, this.#dir + source, error, hint)
    }
  }

  #look(directory: Directory, name: string, source: string): Stats | undefined {
    return this.#attempt('cannot look at', source, () => directory.look(name))
  }

  #attempt<T>(what: string, source: string, action: () => T): T {
    try {
      return action()
    } catch (error) {
      throw failed(what, this.#dir + source, error)
    }
  }

  #inTheWay(source: string, why: string): SandboxError {
    const what = `something else is in the way (${printable(why)})`
    return new SandboxError({
      step: 'rootfs',
      what,
      path: this.#dir + source,
      hint: 'build in a new directory, or remove it',
    })
  }
}

/** Fills a new file, of which only we have a descriptor, with the content and the mode of a host file. */
function fill(source: string, to: number, by: Method): void {
  try {
    const from = openSync(source, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(from)
      if (!stat.isFile()) throw new SandboxError({ step: 'rootfs', what: 'not a regular file', path: source })
      // FICLONE takes the new file's descriptor, since its name may lead to another file by now.
      if (by === 'reflink')
        copyFileSync(`/proc/self/fd/${from}`, `/proc/self/fd/${to}`, constants.COPYFILE_FICLONE_FORCE)
      else copy(from, to)
      fchmodSync(to, stat.mode & MODE)
      futimesSync(to, stat.atimeMs / 1000, stat.mtimeMs / 1000)
    } finally {
      closeSync(from)
    }
  } finally {
    closeSync(to)
  }
}

function copy(from: number, to: number): void {
  const buffer = Buffer.allocUnsafe(1 << 20)
  for (let length = readSync(from, buffer); length > 0; length = readSync(from, buffer)) {
    for (let at = 0; at < length;) at += writeSync(to, buffer, at, length - at)
  }
}

function lookAtHost(path: string): Stats {
  try {
    return lstatSync(path)
  } catch (error) {
    throw failed('cannot look at', path, error)
  }
}

/** Refuses a link as DIR: when it is opened, it may lead anywhere. */
function linkAt(path: string): SandboxError | undefined {
  try {
    if (!lstatSync(path).isSymbolicLink()) return undefined
  } catch {
    return undefined
  }
  return new SandboxError({
    step: 'rootfs',
    what: 'is a symbolic link',
    path,
    hint: 'name the directory that it leads to',
  })
}

function quietly(action: () => void): void {
  try {
    action()
  } catch {
    // Somebody else has put something in it or has removed it, so we leave it alone.
  }
}
