/** Whole directories of the host: what of them belongs into a root, and a line for each thing that doesn't. */
import { accessSync, constants, lstatSync, readdirSync, realpathSync, type Stats, statSync } from 'node:fs'
import { basename } from 'node:path'
import { printable } from '../text/printable.ts'
import type { Closure } from './closure.ts'
import { codeOf } from '../host/errno.ts'
import { failed } from './elf.ts'
import type { Manifest } from './manifest.ts'

/** `device`: the walk stays on this file system. */
type How = { device: number; follow: boolean }

/** The finds of the walk; `finish` turns them into entries when all trees are walked. */
export class Trees {
  readonly #closure: Closure
  /** DIR, as device and file number: a root isn't copied into itself. */
  readonly #target: Stats | undefined = undefined
  /** Links, and whether the file that they lead to is wanted. */
  readonly #links = new Map<string, boolean>()
  readonly #walked = new Set<string>()
  readonly #lacking: { name: string; needer: string }[] = []

  constructor(closure: Closure, target: string | undefined) {
    this.#closure = closure
    try {
      this.#target = target === undefined ? undefined : statSync(target)
    } catch {
      // It isn't there yet, or can't be reached, which the build itself reports.
    }
  }

  /**
   * Adds everything below the directory. Links in it are kept; `follow` also adds the files that they lead to. It is for
   * directories of packages: in others a link could bring any file of the host.
   */
  add(path: string, follow = false): void {
    const top = attempt(path, () => realpathSync(path))
    this.#closure.directories.add(path)
    if (this.#walked.has(top)) return
    this.#walk(top, { device: attempt(path, () => lstatSync(top)).dev, follow })
  }

  #walk(dir: string, how: How): void {
    this.#walked.add(dir)
    const { report } = this.#closure
    let names: string[]
    try {
      names = readdirSync(dir).sort()
    } catch (error) {
      report.add(`cannot be listed, and is empty in the root (${codeOf(error) ?? 'error'})`, dir)
      return
    }
    for (const name of names) {
      const path = dir === '/' ? `/${name}` : `${dir}/${name}`
      const stat = lstatSync(path, { throwIfNoEntry: false })
      if (stat === undefined) report.add('has gone, or its name is not UTF-8; it is not in the root', path)
      else if (stat.isDirectory()) this.#enter(path, stat, how)
      else this.#leaf(path, stat, how)
    }
  }

  #enter(path: string, stat: Stats, how: How): void {
    const { report } = this.#closure
    if (stat.dev === this.#target?.dev && stat.ino === this.#target.ino)
      report.add('is the root that is being built, and is not copied into itself', path)
    else if (stat.dev !== how.device) report.add('is another file system, and is not in the root', path, 'name it too')
    else this.#walk(path, how)
  }

  #leaf(path: string, stat: Stats, { follow }: How): void {
    const { report } = this.#closure
    if (stat.isSymbolicLink()) this.#links.set(path, follow)
    else if (!stat.isFile()) report.add(`is a ${kindOf(stat)}, and is not in the root`, path)
    else {
      try {
        accessSync(path, constants.R_OK)
      } catch (error) {
        report.add(`cannot be read, and is not in the root (${codeOf(error) ?? 'error'})`, path)
        return
      }
      this.#closure.content(path, (name, needer) => this.#lacking.push({ name, needer }))
    }
  }

  /** Adds the directories and links to the manifest, which has all files by now, and reports where links end. */
  finish(manifest: Manifest): void {
    const { report, files } = this.#closure
    for (const path of this.#walked) {
      manifest.add(path)
      manifest.keepTimes(path)
    }
    for (const [path, follow] of this.#links)
      manifest.add(path, follow && statSync(path, { throwIfNoEntry: false })?.isFile() === true)
    for (const path of this.#links.keys()) {
      try {
        const end = realpathSync(path)
        if (!manifest.has(end))
          report.add(
            'is a link out of its directory, and what it leads to is not in the root',
            `${path} -> ${end}`,
            'name that too',
          )
      } catch (error) {
        if (codeOf(error) === 'ELOOP') report.add('is a link in a circle, as on this host', path)
        else report.add('is a link to nothing, as on this host', path)
      }
    }
    const present = new Set([...files].map((path) => basename(path)))
    for (const { name, needer } of this.#lacking) {
      if (!present.has(basename(name))) report.add(`needs ${printable(name)}, which was not found`, needer)
    }
  }
}

function kindOf(stat: Stats): string {
  if (stat.isFIFO()) return 'FIFO'
  return stat.isSocket() ? 'socket' : 'device'
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    throw failed('cannot read the directory', path, error)
  }
}
