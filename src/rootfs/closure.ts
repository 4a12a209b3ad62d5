/** All files that programs need to start, and the directories and data that are named with them; found by reading. */

import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import type { Priority } from './choices.ts'
import { type Elf, failed, isLoadable } from './elf.ts'
import type { Loader } from './ldcache.ts'
import { type Finds, fits, Libraries } from './libraries.ts'
import { Report } from './report.ts'
import { envProgram, shebang } from './scripts.ts'

const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'
/** The kernel follows this many scripts that interpret each other. */
const MAX_SCRIPTS = 4

export class Closure implements Finds {
  /** Host paths as they are opened; the copy keeps the links on them. */
  readonly files = new Set<string>()
  readonly directories = new Set<string>()
  readonly elves: Finds['elves'] = new Map()
  /** The ELF files of named programs, without those of directories and sets. */
  readonly started = new Set<string>()
  /** ELF programs that were named, or that a named script starts with. */
  readonly programs = new Set<string>()
  /** Scripts among the programs. */
  readonly scripts = new Set<string>()
  readonly report = new Report()
  /** The loader and the kind of the first dynamic program, which added libraries must fit. */
  first: { elf: Elf; loader: Loader } | undefined
  readonly #path: string
  readonly #libraries: Libraries

  constructor(path: string | undefined, without: readonly Priority[] = []) {
    this.#path = path ?? DEFAULT_PATH
    this.#libraries = new Libraries(this, this.report, without)
  }

  /** Adds a program and what it needs; returns its host path. */
  program(name: string): string {
    const path = name.includes('/') ? resolve(name) : this.#lookUp(name)
    this.#add(path, 0)
    for (const elf of this.elves.keys()) this.started.add(elf)
    return path
  }

  /** Adds a library that programs open by themselves. False when it is of another kind than the programs. */
  library(path: string): boolean {
    const elf = this.#libraries.read(path)
    if (this.first === undefined || elf === undefined || !fits(elf, this.first.elf)) return false
    if (!this.files.has(path)) this.#libraries.add({ path, elf, origin: dirname(path) }, this.first.loader)
    return true
  }

  /** Where a file of the root would find a library that it opens by name; undefined where it wouldn't. */
  locate(name: string, opener: string): string | undefined {
    const elf = this.#libraries.read(opener)
    if (this.first === undefined || elf === undefined || !fits(elf, this.first.elf)) return undefined
    return this.#libraries.locate(name, { path: opener, elf, origin: dirname(opener) }, this.first.loader)
  }

  /**
   * Adds a file of a directory: data, a library or a program. It may never be used, so what it lacks is no error:
   * `lacks` is called for each missing library.
   */
  content(path: string, lacks: (name: string, needer: string) => void): void {
    if (this.files.has(path)) return
    this.files.add(path)
    try {
      const elf = isLoadable(path) ? this.#libraries.read(path) : undefined
      if (elf === undefined) return
      const known = elf.interpreter === undefined || existsSync(elf.interpreter)
      if (elf.interpreter !== undefined && known) this.files.add(elf.interpreter)
      const model = this.first !== undefined && fits(elf, this.first.elf) ? this.first.loader : undefined
      const loader = known && elf.interpreter !== undefined ? this.#libraries.loader(elf.interpreter, elf) : model
      this.#libraries.add({ path, elf, origin: dirname(path) }, loader ?? this.#libraries.loader(undefined, elf), lacks)
    } catch (error) {
      if (!(error instanceof SandboxError) || error.code !== undefined) throw error
      this.report.add('looks like an ELF file and cannot be read as one; copied as data', path)
    }
  }

  #add(path: string, scripts: number, why?: string): void {
    const elf = this.#program(path, why)
    if (elf === undefined) return this.#script(path, scripts, why)
    this.programs.add(path)
    if (this.files.has(path) && this.elves.has(path)) return
    this.files.add(path)
    const { interpreter } = elf
    if (interpreter !== undefined) this.#interpreter(interpreter, path, elf)
    const loader = interpreter === undefined && elf.needed.length === 0 ? undefined : this.#loader(interpreter, elf)
    if (loader === undefined) this.elves.set(path, { elf, musl: false })
    else this.#libraries.add({ path, elf, origin: dirname(realpathSync(path)) }, loader)
  }

  #loader(interpreter: string | undefined, elf: Elf): Loader {
    const loader = this.#libraries.loader(interpreter, elf)
    this.first ??= { elf, loader }
    return loader
  }

  #program(path: string, why?: string): Elf | undefined {
    try {
      const stat = statSync(path)
      if (!stat.isFile()) throw refusal('program is not a regular file', path, why)
      const elf = this.#libraries.read(path)
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
    const known = this.scripts.has(path)
    this.files.add(path)
    this.scripts.add(path)
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
    const own = this.#libraries.read(interpreter)
    if (own === undefined || !fits(own, elf)) throw refuse('is for another machine')
    this.files.add(interpreter)
  }
}

function refusal(what: string, path: string, hint?: string): SandboxError {
  return new SandboxError(hint === undefined ? { step: 'rootfs', what, path } : { step: 'rootfs', what, path, hint })
}
