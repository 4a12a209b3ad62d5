/** The libraries of an ELF file: the loader's own search, done by reading, and what files open by name later. */

import { existsSync, statSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import type { Priority } from './choices.ts'
import { type Elf, readElf } from './elf.ts'
import { UNWINDER, UNWINDING } from './imports.ts'
import { type Loader, readLoader } from './ldcache.ts'
import type { Report } from './report.ts'

/** A program or library as the loader knows it. */
type Loaded = { path: string; elf: Elf; origin: string; parent?: Loaded }
type Found = { path: string; elf: Elf }

/** The finds of the search, by host paths as they are opened; the copy keeps the links on them. */
export type Finds = {
  files: Set<string>
  /** Directories that the root needs, even empty. */
  directories: Set<string>
  /** The ELF files among `files`, and whether musl loads them. */
  elves: Map<string, { elf: Elf; musl: boolean }>
}

/** musl's loader is these libraries itself. */
const MUSL_OWN = /^lib(c|pthread|rt|m|dl|util|xnet)\./
const PLATFORM: Record<number, string> = { 3: 'i686', 22: 's390x', 62: 'x86_64', 183: 'aarch64' }
const ORIGIN = /\$(\{ORIGIN\}|ORIGIN(?!\w))/

export class Libraries {
  readonly #finds: Finds
  readonly #report: Report
  readonly #without: readonly Priority[]
  readonly #elves = new Map<string, Elf | undefined>()
  readonly #loaders = new Map<string, Loader>()

  /** `without`: libraries of these priorities are left out where a file opens them by name. */
  constructor(finds: Finds, report: Report, without: readonly Priority[]) {
    this.#finds = finds
    this.#report = report
    this.#without = without
  }

  read(path: string): Elf | undefined {
    if (!this.#elves.has(path)) this.#elves.set(path, readElf(path))
    return this.#elves.get(path)
  }

  /** The loader at `interpreter`; without a name the one that such a file would have. */
  loader(interpreter: string | undefined, elf: Elf): Loader {
    const key = interpreter ?? `${elf.bits} ${elf.machine}`
    const loader = this.#loaders.get(key) ?? readLoader(interpreter, elf)
    this.#loaders.set(key, loader)
    return loader
  }

  /**
   * Adds a file and its libraries. Breadth first, like the loader: the first library of a name serves everything that
   * needs the name later. `lacks` is called for a library that is missing; without it that is an error.
   */
  add(main: Loaded, loader: Loader, lacks?: (name: string, needer: string) => void): void {
    const names = new Set<string>()
    const interpreter = main.elf.interpreter
    if (interpreter !== undefined) names.add(basename(interpreter))
    // Data may be a program for another system, whose loader isn't here.
    if (interpreter !== undefined && existsSync(interpreter))
      names.add(this.read(interpreter)?.soname ?? basename(interpreter))
    const queue: Loaded[] = []
    const put = (name: string, found: Found[], parent: Loaded): void => {
      names.add(name)
      for (const { path, elf } of found) {
        if (elf.soname !== undefined) names.add(elf.soname)
        queue.push(this.#note({ path, elf, origin: dirname(path), parent }, loader))
      }
    }
    queue.push(this.#note(main, loader))
    // Libraries that are opened by name come last, when all that the loader loads at the start is there.
    for (let started = 0, running = 0; running < queue.length; running++) {
      for (; started < queue.length; started++) {
        const needer = queue[started] as Loaded
        for (const name of needer.elf.needed) {
          if (names.has(name) || (loader.musl && MUSL_OWN.test(name))) continue
          const { found, foreign } = this.#find(name, needer, loader)
          if (found.length === 0 && lacks === undefined) throw missing(name, needer, foreign)
          if (found.length === 0) lacks?.(name, needer.path)
          put(name, found, needer)
        }
      }
      this.#byName(queue[running] as Loaded, main, loader, names, put)
    }
  }

  /** Where a file finds a library that it opens by name; undefined where it doesn't. */
  locate(name: string, opener: Loaded, loader: Loader): string | undefined {
    return this.#find(name, opener, loader).found[0]?.path
  }

  /** The libraries that a file opens when it runs, as far as it says so. One that is missing hinders no start. */
  #byName(
    opener: Loaded,
    main: Loaded,
    loader: Loader,
    names: ReadonlySet<string>,
    put: (name: string, found: Found[], parent: Loaded) => void,
  ): void {
    const { elf, path } = opener
    if (!loader.musl && elf.imports.some((name) => (UNWINDING as readonly string[]).includes(name))) {
      // The C library opens it, so the file's own RUNPATH has no part in the search.
      const { found } = this.#find(UNWINDER, { ...main, elf: { ...main.elf, runpath: undefined } }, loader)
      if (found.length > 0) put(UNWINDER, names.has(UNWINDER) ? [] : found, main)
      else this.#report.add(`ends threads by ${UNWINDER}, and this host has none`, path)
    }
    if (elf.opens === 'malformed') {
      this.#report.add('says in .note.dlopen which libraries it opens, and the note is malformed', path)
      return
    }
    for (const { names: choices, priority, feature } of elf.opens) {
      if (this.#without.includes(priority) || choices.some((name) => names.has(name))) continue
      const first = choices
        .map((name) => ({ name, ...this.#find(name, opener, loader) }))
        .find((c) => c.found.length > 0)
      if (first !== undefined) put(first.name, first.found, opener)
      else if (priority !== 'suggested') {
        const use = feature === '' ? priority : `${priority} for ${feature}`
        this.#report.add(`opens ${choices.join(' or ')} (${use}), which this host does not have`, path)
      }
    }
  }

  #note(loaded: Loaded, loader: Loader): Loaded {
    this.#finds.files.add(loaded.path)
    this.#finds.elves.set(loaded.path, { elf: loaded.elf, musl: loader.musl })
    return loaded
  }

  /** The library, followed by its variants for some processors; and the files of that name for other machines. */
  #find(name: string, needer: Loaded, loader: Loader): { found: Found[]; foreign: string[] } {
    const foreign: string[] = []
    const take = (path: string): Found[] => {
      if (!path.startsWith('/') || !existsSync(path) || !statSync(path).isFile()) return []
      const elf = this.read(path)
      if (elf !== undefined && fits(elf, needer.elf)) return [{ path, elf }]
      foreign.push(path)
      return []
    }
    if (name.includes('/')) return { found: this.#noteOrigin(name, take(expand(name, needer, loader))), foreign }
    for (const [text, dir] of searchPath(needer, loader)) {
      const found = take(`${dir}/${name}`)
      if (found.length > 0) return { found: this.#noteOrigin(text, found), foreign }
    }
    return { found: this.#findBySystem(name, needer, loader, take), foreign }
  }

  /**
   * glibc's loader reads /proc/self/exe for the program's place, and the box gets a /proc only where its root has the
   * directory.
   */
  #noteOrigin(text: string, found: Found[]): Found[] {
    if (found.length > 0 && ORIGIN.test(text)) this.#finds.directories.add('/proc')
    return found
  }

  #findBySystem(name: string, needer: Loaded, loader: Loader, take: (path: string) => Found[]): Found[] {
    const entries = [...(loader.cache.get(name) ?? [])].sort((a, b) => Number(a.variant) - Number(b.variant))
    const cached = entries.filter(({ path }) => !(needer.elf.noDefaults && loader.defaults.includes(dirname(path))))
    const plain = cached
      .filter((e) => !e.variant)
      .flatMap((e) => take(e.path))
      .slice(0, 1)
    const found = [...plain, ...cached.filter((e) => e.variant).flatMap((e) => take(e.path))]
    const dirs = needer.elf.noDefaults ? [] : (loader.configured ?? loader.defaults)
    for (const dir of plain.length > 0 ? [] : dirs) {
      const [first] = take(`${dir}/${name}`)
      if (first === undefined) continue
      found.unshift(first)
      break
    }
    // Without this file the loader in the box would not look there.
    if (found.some(({ path }) => !isUsual(path, loader))) this.#finds.files.add(loader.config)
    return found
  }
}

export function fits(elf: Elf, model: Elf): boolean {
  return elf.bits === model.bits && elf.machine === model.machine && elf.little === model.little
}

function isUsual(path: string, loader: Loader): boolean {
  const dir = dirname(path).replace(/\/glibc-hwcaps\/[^/]+$/, '')
  return loader.defaults.includes(dir)
}

function missing(name: string, needer: Loaded, foreign: string[]): SandboxError {
  return new SandboxError({
    step: 'rootfs',
    what: `library ${printable(name)} not found, needed by`,
    path: needer.path,
    hint: foreign[0] === undefined ? undefined : `${printable(foreign[0])} is for another machine`,
  })
}

/** Directories that the needing file and its ancestors name, each as it is written there and as it is found. */
function searchPath(needer: Loaded, loader: Loader): [string, string][] {
  const dirs: [string, string][] = []
  // With glibc a RUNPATH serves its own file only and silences every RPATH; musl makes no difference between the two.
  if (loader.musl || needer.elf.runpath === undefined) {
    for (let owner: Loaded | undefined = needer; owner !== undefined; owner = owner.parent) {
      const { rpath, runpath } = owner.elf
      dirs.push(...split(loader.musl ? (runpath ?? rpath) : runpath === undefined ? rpath : undefined, owner, loader))
    }
  } else dirs.push(...split(needer.elf.runpath, needer, loader))
  return dirs
}

function split(list: string | undefined, owner: Loaded, loader: Loader): [string, string][] {
  // Skips relative directories, which depend on the working directory at run time.
  return (list ?? '')
    .split(':')
    .map((text): [string, string] => [text, expand(text, owner, loader)])
    .filter(([, dir]) => dir.startsWith('/'))
}

function expand(text: string, owner: Loaded, loader: Loader): string {
  const values: Record<string, string> = {
    ORIGIN: owner.origin,
    LIB: loader.lib,
    PLATFORM: PLATFORM[owner.elf.machine] ?? '',
  }
  return text.replace(
    /\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM)(?!\w))/g,
    (_, a?: string, b?: string) => values[a ?? b ?? ''] ?? '',
  )
}
