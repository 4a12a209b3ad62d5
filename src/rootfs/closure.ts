/** All files that programs need to start: the loader's own search, done by reading. */

import { accessSync, constants, existsSync, openSync, readSync, closeSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { type Elf, failed, readElf } from './elf.ts'
import { type Loader, readLoader } from './ldcache.ts'

/** A program or library as the loader knows it. */
type Loaded = { path: string; elf: Elf; origin: string; parent?: Loaded }

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'
/** The kernel follows this many scripts that interpret each other. */
const MAX_SCRIPTS = 4
/** The kernel reads no more of a script's first line. */
const LINE = 256
/** musl's loader is these libraries itself. */
const MUSL_OWN = /^lib(c|pthread|rt|m|dl|util|xnet)\./
const PLATFORM: Record<number, string> = { 3: 'i686', 22: 's390x', 62: 'x86_64', 183: 'aarch64' }

export class Closure {
  /** Host paths as they are opened; the copy keeps the links on them. */
  readonly files = new Set<string>()
  /** Directories that the root needs, even empty. */
  readonly directories = new Set<string>()
  /** The loader and the kind of the first dynamic program, which added libraries must fit. */
  first: { elf: Elf; loader: Loader } | undefined
  readonly #path: string
  readonly #elves = new Map<string, Elf | undefined>()
  readonly #loaders = new Map<string, Loader>()

  constructor(path: string | undefined) {
    this.#path = path ?? DEFAULT_PATH
  }

  /** Adds a program and what it needs; returns its host path. */
  program(name: string): string {
    const path = name.includes('/') ? resolve(name) : this.#lookUp(name)
    this.#add(path, 0)
    return path
  }

  /** Adds a library that programs open by themselves. False when it is of another kind than the programs. */
  library(path: string): boolean {
    const elf = this.#read(path)
    if (this.first === undefined || elf === undefined || !fits(elf, this.first.elf)) return false
    if (!this.files.has(path)) this.#libraries({ path, elf, origin: dirname(path) }, this.first.loader)
    this.files.add(path)
    return true
  }

  #add(path: string, scripts: number, why?: string): void {
    const elf = this.#program(path, why)
    if (elf === undefined) return this.#script(path, scripts, why)
    if (this.files.has(path)) return
    this.files.add(path)
    const { interpreter } = elf
    if (interpreter !== undefined) this.#interpreter(interpreter, path, elf)
    else if (elf.needed.length === 0) return
    const loader = this.#loader(interpreter, elf)
    this.first ??= { elf, loader }
    this.#libraries({ path, elf, origin: dirname(realpathSync(path)) }, loader)
  }

  #program(path: string, why?: string): Elf | undefined {
    try {
      const stat = statSync(path)
      if (!stat.isFile()) throw refusal('program is not a regular file', path, why)
      const elf = this.#read(path)
      // A library that programs open later may be named as well; it needn't be executable.
      if ((stat.mode & 0o111) === 0 && elf?.type !== 3) throw refusal('program is not executable', path, why)
      return elf
    } catch (error) {
      throw failed('program cannot be read', path, error, why)
    }
  }

  #script(path: string, scripts: number, why?: string): void {
    const [interpreter, argument] = shebang(path)
    if (interpreter === undefined) throw refusal('neither an ELF program nor a script that starts with #!', path, why)
    if (!interpreter.startsWith('/')) {
      throw new SandboxError({
        step: 'rootfs',
        what: `the script's interpreter is not an absolute path: ${printable(interpreter)}`,
        path,
      })
    }
    if (scripts === MAX_SCRIPTS)
      throw new SandboxError({ step: 'rootfs', what: 'interpreters of scripts are nested too deeply', path })
    const known = this.files.has(path)
    this.files.add(path)
    const reason = `${printable(path)} is a script for it`
    this.#add(interpreter, scripts + 1, reason)
    // env starts a new program, so the kernel counts anew; "known" ends a circle of such scripts.
    const name = basename(interpreter) === 'env' && !known ? envProgram(argument) : undefined
    if (name === undefined) return
    this.#add(name.includes('/') ? resolve('/', name) : this.#lookUp(name, reason), 0, reason)
  }

  #lookUp(name: string, why?: string): string {
    for (const dir of this.#path.split(':')) {
      const path = resolve(dir, name)
      try {
        accessSync(path, constants.X_OK)
        if (statSync(path).isFile()) return path
      } catch {
        // The next directory may have it.
      }
    }
    throw new SandboxError({
      step: 'rootfs',
      what: 'program not found in PATH',
      path: name,
      hint: why ?? 'a path with a slash is taken as it is',
    })
  }

  #interpreter(interpreter: string, path: string, elf: Elf): void {
    const refuse = (why: string): SandboxError =>
      refusal(`loader ${printable(interpreter)} of the program ${why}`, path)
    if (!interpreter.startsWith('/')) throw refuse('is not an absolute path')
    if (!existsSync(interpreter)) throw refuse('does not exist')
    const own = this.#read(interpreter)
    if (own === undefined || !fits(own, elf)) throw refuse('is for another machine')
    this.files.add(interpreter)
  }

  #loader(interpreter: string | undefined, elf: Elf): Loader {
    const key = interpreter ?? `${elf.bits} ${elf.machine}`
    const loader = this.#loaders.get(key) ?? readLoader(interpreter, elf)
    this.#loaders.set(key, loader)
    return loader
  }

  /** Breadth first, like the loader: the first library of a name serves everything that needs the name later. */
  #libraries(main: Loaded, loader: Loader): void {
    const names = new Set<string>()
    const interpreter = main.elf.interpreter
    if (interpreter !== undefined)
      names.add(this.#read(interpreter)?.soname ?? basename(interpreter)).add(basename(interpreter))
    const queue: Loaded[] = [main]
    for (const needer of queue) {
      for (const name of needer.elf.needed) {
        if (names.has(name) || (loader.musl && MUSL_OWN.test(name))) continue
        const found = this.#find(name, needer, loader)
        names.add(name)
        for (const { path, elf } of found) {
          if (elf.soname !== undefined) names.add(elf.soname)
          this.files.add(path)
          queue.push({ path, elf, origin: dirname(path), parent: needer })
        }
      }
    }
  }

  /** The library, followed by its variants for some processors. */
  #find(name: string, needer: Loaded, loader: Loader): { path: string; elf: Elf }[] {
    const foreign: string[] = []
    const take = (path: string): { path: string; elf: Elf }[] => {
      if (!path.startsWith('/') || !existsSync(path) || !statSync(path).isFile()) return []
      const elf = this.#read(path)
      if (elf !== undefined && fits(elf, needer.elf)) return [{ path, elf }]
      foreign.push(path)
      return []
    }
    if (name.includes('/')) {
      const found = take(expand(name, needer, loader))
      if (found.length > 0) return this.#noteOrigin(name, found)
      throw missing(name, needer, foreign)
    }
    for (const [text, dir] of searchPath(needer, loader)) {
      const found = take(`${dir}/${name}`)
      if (found.length > 0) return this.#noteOrigin(text, found)
    }
    const found = this.#findBySystem(name, needer, loader, take)
    if (found.length === 0) throw missing(name, needer, foreign)
    return found
  }

  /**
   * glibc's loader reads /proc/self/exe for the program's place, and the box gets a /proc only where its root has the
   * directory.
   */
  #noteOrigin<T>(text: string, found: T): T {
    if (ORIGIN.test(text)) this.directories.add('/proc')
    return found
  }

  #findBySystem<T extends { path: string }>(
    name: string,
    needer: Loaded,
    loader: Loader,
    take: (path: string) => T[],
  ): T[] {
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
    if (found.some(({ path }) => !isUsual(path, loader))) this.files.add(loader.config)
    return found
  }

  #read(path: string): Elf | undefined {
    if (!this.#elves.has(path)) this.#elves.set(path, readElf(path))
    return this.#elves.get(path)
  }
}

function fits(elf: Elf, model: Elf): boolean {
  return elf.bits === model.bits && elf.machine === model.machine && elf.little === model.little
}

function isUsual(path: string, loader: Loader): boolean {
  const dir = dirname(path).replace(/\/glibc-hwcaps\/[^/]+$/, '')
  return loader.defaults.includes(dir)
}

function missing(name: string, needer: Loaded, foreign: string[]): SandboxError {
  const hint = foreign[0] === undefined ? undefined : `${printable(foreign[0])} is for another machine`
  return refusal(`library ${printable(name)} not found, needed by`, needer.path, hint)
}

function refusal(what: string, path: string, hint?: string): SandboxError {
  return new SandboxError(hint === undefined ? { step: 'rootfs', what, path } : { step: 'rootfs', what, path, hint })
}

const ORIGIN = /\$(\{ORIGIN\}|ORIGIN(?!\w))/

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

/** The interpreter and its single argument, as the kernel reads them. */
function shebang(path: string): [string?, string?] {
  const fd = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(LINE)
    const line = bytes.toString('utf8', 0, readSync(fd, bytes, 0, LINE, 0)).split(/[\n\0]/, 1)[0] ?? ''
    const match = /^#![ \t]*([^ \t]+)[ \t]*(.*?)[ \t]*$/.exec(line)
    return match === null ? [] : [match[1] ?? '', match[2] ?? '']
  } finally {
    closeSync(fd)
  }
}

/** The program that `env ARGUMENT` starts. Without -S the whole argument is one word. */
function envProgram(argument: string | undefined): string | undefined {
  const strings = /^(?:-[0iv]*S|--split-string[= ])[ \t]*(.*)$/.exec(argument ?? '')?.[1]
  if (strings === undefined) return argument === undefined || /^$|^-|=/.test(argument) ? undefined : argument
  const words = strings.split(/[ \t]+/).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'))
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (/^-[uCa]$/.test(word)) i++
    else if (word !== '' && !word.startsWith('-') && !word.includes('=')) return word
  }
  return undefined
}
