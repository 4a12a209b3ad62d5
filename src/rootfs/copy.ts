/**
 * Writes the entries of a manifest into a directory, under the same paths. Each directory of the root is entered from
 * its open parent, and never through a link. So everything is written inside the root, even with hostile links in it,
 * or if somebody swaps its directories meanwhile.
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
  lutimesSync,
  openSync,
  readlinkSync,
  readSync,
  renameSync,
  type Stats,
  symlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { createHash, randomBytes } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import type { Method } from './choices.ts'
import { Directory } from '../host/directory.ts'
import { failed } from './elf.ts'
import { type Entry, MODE, modeOf, SETID } from './manifest.ts'

/** One for all files: with many small ones, making it would be most of the work. */
const BUFFER = Buffer.allocUnsafe(1 << 20)

const CHANGING = 'something changes it while the root is built'

/** A file of the host, as it was when the root's names were gathered. */
type Source = { path: string; stat: Stats }

/** A directory of the root, and its path there: "" for the root itself. */
type Place = { directory: Directory; path: string }

export class Placer {
  readonly #root: Place
  /** DIR, for messages. */
  readonly #dir: string
  readonly #by: Method
  /** The open directories from the root down to that of the last entry. */
  readonly #way: Place[]
  /** The SHA-256 of each file, by its path. */
  readonly contents = new Map<string, string>()
  /** Paths that we have made in the root, in their order. */
  readonly #made: string[] = []
  /** The directories that we have made down to the root, in their order. */
  readonly #above: { parent: Directory; name: string }[] = []

  constructor(dir: string, by: Method) {
    this.#by = by
    // With a slash at the end the kernel would follow a link.
    const plain = dir.replace(/\/+$/, '') || '/'
    try {
      this.#root = { directory: this.#openOrMake(plain, false), path: '' }
      this.#dir = this.#root.directory.path()
      this.#way = [this.#root]
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
    this.#leave(0)
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

  /** Places all entries, which are sorted: a directory stands before what is in it. */
  place(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const here = this.#reach(dirname(entry.path))
      if (entry.kind === 'link') this.#link(here, entry)
      else if (entry.kind === 'file') this.#file(here, entry)
      else this.#way.push({ directory: this.#directory(here, entry), path: entry.path })
    }
    // Each new name in a directory changes its time, so the times come last.
    for (const entry of entries) if (entry.kind === 'directory' && entry.timed) this.#setTimes(entry)
  }

  /** Enters the directory, which is in the root already, from the directories that are open. */
  #reach(path: string): Place {
    const plain = path === '/' ? '' : path
    let depth = this.#way.length
    while (depth > 1 && !`${plain}/`.startsWith(`${this.#way[depth - 1]?.path}/`)) depth--
    this.#leave(depth)
    let here = this.#way.at(-1) ?? this.#root
    for (const name of plain.slice(here.path.length).split('/')) {
      if (name === '') continue
      const next = `${here.path}/${name}`
      const parent = here.directory
      here = { directory: this.#attempt('cannot enter the directory', next, () => parent.enter(name)), path: next }
      this.#way.push(here)
    }
    return here
  }

  #leave(depth: number): void {
    while (this.#way.length > depth) this.#way.pop()?.directory.close()
  }

  #setTimes({ path, stat }: Entry): void {
    const { directory } = this.#reach(path)
    this.#attempt('cannot set the time of', path, () =>
      utimesSync(directory.at('.'), stat.atimeMs / 1000, stat.mtimeMs / 1000),
    )
  }

  #link({ directory }: Place, { path, target, stat }: Entry & { kind: 'link' }): void {
    const name = basename(path)
    const there = this.#look(directory, name, path)
    if (there === undefined) {
      this.#attempt('cannot make the link', path, () => {
        symlinkSync(target, directory.at(name))
        this.#made.push(path)
        lutimesSync(directory.at(name), stat.atimeMs / 1000, stat.mtimeMs / 1000)
      })
    } else if (!there.isSymbolicLink()) throw this.#inTheWay(path, `the host has a link to ${target} there`)
    else {
      const present = this.#attempt('cannot read the link', path, () => readlinkSync(directory.at(name)))
      if (present !== target) throw this.#inTheWay(path, `it is a link to ${present}, not to ${target}`)
    }
  }

  #directory({ directory }: Place, entry: Entry): Directory {
    const { path } = entry
    try {
      const entered = directory.enterOrMake(basename(path), modeOf(entry))
      if (entered.made) this.#made.push(path)
      return entered.directory
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'ENOTDIR' || code === 'ELOOP') throw this.#inTheWay(path, 'the host has a directory there')
      throw failed(
        'cannot make the directory',
        this.#dir + path,
        error,
        code === 'EEXIST' || code === 'ENOENT' ? CHANGING : undefined,
      )
    }
  }

  #file({ directory }: Place, { path, stat }: Entry): void {
    const name = basename(path)
    const there = this.#look(directory, name, path)
    if (there !== undefined && !there.isFile()) throw this.#inTheWay(path, 'the host has a file there')
    // Only a copy can drop setuid: a hard link shares the host's mode, and a clone has it for a moment.
    const by = (stat.mode & SETID) !== 0 ? 'copy' : this.#by
    // For two names of one file rename does nothing, and would leave the temporary name.
    const same = there !== undefined && there.dev === stat.dev && there.ino === stat.ino
    if (by !== 'hardlink' || !same) this.#replace({ path, stat }, directory, name, by)
    if (there === undefined) this.#made.push(path)
    if (!this.contents.has(path)) this.contents.set(path, hashOf(path))
  }

  /** Makes the new file under another name first, so that a reader sees the old file or the new one, never a part. */
  #replace({ path: source, stat }: Source, directory: Directory, name: string, by: Method): void {
    const temporary = `.nsbox-${randomBytes(8).toString('hex')}`
    try {
      if (by === 'hardlink') {
        linkSync(source, directory.at(temporary))
        refuseAnother(source, directory.look(temporary), stat)
      } else this.contents.set(source, fill({ path: source, stat }, directory.create(temporary), by))
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

/**
 * Fills a new file, of which only we have a descriptor, with the content and the mode of a host file. Returns the
 * content's SHA-256.
 */
function fill(source: Source, to: number, by: Method): string {
  try {
    const { from, stat } = openFile(source.path, source.stat)
    try {
      // FICLONE takes the new file's descriptor, since its name may lead to another file by now.
      if (by === 'reflink')
        copyFileSync(`/proc/self/fd/${from}`, `/proc/self/fd/${to}`, constants.COPYFILE_FICLONE_FORCE)
      const { hash } = copy(from, by === 'reflink' ? undefined : to)
      fchmodSync(to, stat.mode & MODE)
      futimesSync(to, stat.atimeMs / 1000, stat.mtimeMs / 1000)
      return hash
    } finally {
      closeSync(from)
    }
  } finally {
    closeSync(to)
  }
}

/** The SHA-256 of a host file. */
export function hashOf(path: string): string {
  try {
    const { from } = openFile(path)
    try {
      return copy(from, undefined).hash
    } finally {
      closeSync(from)
    }
  } catch (error) {
    throw failed('cannot read the file', path, error)
  }
}

/**
 * Opens a regular file of the host, and never through a link as its last component. `known`: the file that must be
 * there, since it alone was found fit for the root.
 */
export function openFile(path: string, known?: Stats): { from: number; stat: Stats } {
  const from = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const stat = fstatSync(from)
  try {
    if (!stat.isFile()) throw new SandboxError({ step: 'rootfs', what: 'not a regular file', path })
    if (known !== undefined) refuseAnother(path, stat, known)
    return { from, stat }
  } catch (error) {
    closeSync(from)
    throw error
  }
}

function refuseAnother(path: string, stat: Stats | undefined, known: Stats): void {
  if (stat?.dev === known.dev && stat.ino === known.ino) return
  const hint = 'build it again when nothing changes it'
  throw new SandboxError({ step: 'rootfs', what: 'another file took its place while the root was built', path, hint })
}

/** Reads all of a file, writes it to `to` where that is given, and returns its SHA-256 and its length in bytes. */
export function copy(from: number, to: number | undefined): { hash: string; length: number } {
  const hash = createHash('sha256')
  let total = 0
  for (let length = readSync(from, BUFFER); length > 0; length = readSync(from, BUFFER)) {
    hash.update(BUFFER.subarray(0, length))
    total += length
    for (let at = 0; to !== undefined && at < length;) at += writeSync(to, BUFFER, at, length - at)
  }
  return { hash: hash.digest('hex'), length: total }
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
