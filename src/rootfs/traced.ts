/** Puts into a root what a command used, as far as it is this host's and the command could read it. */
import { accessSync, constants, lstatSync, realpathSync, type Stats } from 'node:fs'
import { dirname, normalize } from 'node:path'
import { codeOf } from '../host/errno.ts'
import { printable } from '../text/printable.ts'
import type { Closure } from './closure.ts'
import type { Manifest } from './manifest.ts'
import { shebang } from './scripts.ts'
import type { Use } from './use.ts'

/**
 * Directories that a root gets empty: those of the kernel, and those of temporary files. `made`:
 * commands make files there, whose names say nothing.
 */
const APART: readonly { directory: string; hint: string; made?: true }[] = [
  { directory: '/proc', hint: 'where a box has its own' },
  { directory: '/dev', hint: 'where a box has its own' },
  { directory: '/sys', hint: '--ro-bind /sys' },
  { directory: '/run', hint: '--tmpfs /run, or --bind of what is needed', made: true },
  { directory: '/tmp', hint: '--tmpfs /tmp', made: true },
]

/** The directory of APART that a path without links and dots is in. */
export function apartFrom(path: string): string | undefined {
  return APART.find(({ directory }) => path === directory || path.startsWith(`${directory}/`))?.directory
}

/** The kernel follows this many scripts that interpret each other. */
const MAX_SCRIPTS = 4
const READABLE_BY_ALL = 0o004

export class TracedFiles {
  readonly #closure: Closure
  /** DIR of the build: what a command finds there isn't put into it again. */
  readonly #target: string | undefined
  readonly #home: string | undefined
  /** Paths as they were used, and whether a link at their end was followed. */
  readonly #paths = new Map<string, boolean>()
  readonly #lacking: { name: string; needer: string }[] = []

  constructor(closure: Closure, target: string | undefined, home: string | undefined) {
    this.#closure = closure
    this.#target = target === undefined ? undefined : unlessGone(() => realpathSync(target))
    this.#home = home === undefined || home === '/' ? undefined : unlessGone(() => realpathSync(home))
  }

  /** Adds what was used; what the host doesn't have is the command's own. */
  add(uses: readonly Use[]): void {
    const inputs = withoutOwn(uses)
    // What one process has opened another may look at.
    for (const kind of ['open', 'run', 'look'] as const) for (const use of inputs) if (use.kind === kind) this.#add(use)
    for (const { kind, path } of inputs) {
      if (kind === 'make') this.#add({ kind: 'look', path: dirname(path), follow: true, found: true, changed: false })
    }
  }

  #add(use: Use): void {
    const { report } = this.#closure
    if (!use.path.isWellFormed()) return report.add('has a name that is not UTF-8, and is not in the root', use.path)
    const plain = normalize(use.path)
    const early = apartFrom(plain)
    const real = early === undefined ? realOf(use) : undefined
    // The command may have made the link itself, or it leads elsewhere here: the file that was opened is needed.
    if (use.real !== undefined && use.real !== real && use.real !== use.path)
      this.#add({ ...use, path: use.real, follow: true })
    if (early !== undefined) return this.#apart(early, plain)
    if (real === undefined || this.#isTarget(real)) return
    const late = apartFrom(real)
    if (late !== undefined) return this.#apart(late, real)
    if (use.real !== undefined && use.real !== real) {
      // Something else is there by now, which the command may not have been allowed to read.
      return report.add('leads elsewhere than when it was opened, and is not in the root', `${use.path} -> ${use.real}`)
    }
    const stat = unlessGone(() => lstatSync(real))
    if (stat !== undefined) this.#take(use, real, stat, 0)
  }

  #take(use: Use, real: string, stat: Stats, scripts: number): void {
    const { report, files, directories } = this.#closure
    if (stat.isSymbolicLink()) return void this.#paths.set(use.path, false)
    if (stat.isDirectory()) {
      directories.add(real)
      return void this.#paths.set(use.path, true)
    }
    if (!stat.isFile()) return report.add('is a socket, FIFO or device, and is not in the root', real)
    // As it was used, where that is plain: libraries have the same name as the search for them gives.
    const file = normalize(use.path) === use.path ? use.path : real
    if (!files.has(file) && !this.#isReadable(use, real, stat)) return
    this.#paths.set(use.path, true)
    if (this.#home !== undefined && real.startsWith(`${this.#home}/`))
      report.add('is in your home directory, and now in the root', real)
    this.#closure.content(file, (name, needer) => this.#lacking.push({ name, needer }))
    if (use.kind === 'run') this.#interpreter(use, real, scripts)
  }

  /**
   * The copy is made with our rights. So what the command has not opened itself has to be readable for all, if it may
   * have had fewer rights.
   */
  #isReadable({ kind, changed }: Use, real: string, { mode }: Stats): boolean {
    const { report } = this.#closure
    if (kind !== 'open' && changed && (mode & READABLE_BY_ALL) === 0) {
      report.add('was found by a process that may not have been able to read it, and is not in the root', real)
      return false
    }
    try {
      accessSync(real, constants.R_OK)
      return true
    } catch (error) {
      report.add(`cannot be read, and is not in the root (${codeOf(error)})`, real)
      return false
    }
  }

  /** The kernel opens a script's interpreter itself. */
  #interpreter(use: Use, script: string, scripts: number): void {
    const [interpreter] = unlessGone(() => shebang(script)) ?? []
    if (interpreter === undefined || !interpreter.startsWith('/') || scripts === MAX_SCRIPTS) return
    const real = unlessGone(() => realpathSync(interpreter))
    const stat = real === undefined ? undefined : unlessGone(() => lstatSync(real))
    if (real === undefined || stat === undefined || apartFrom(real) !== undefined) return
    this.#take({ ...use, path: interpreter, real: undefined }, real, stat, scripts + 1)
  }

  #isTarget(real: string): boolean {
    return this.#target !== undefined && (real === this.#target || real.startsWith(`${this.#target}/`))
  }

  #apart(directory: string, path: string): void {
    const { report, directories } = this.#closure
    if (unlessGone(() => lstatSync(directory))?.isDirectory() !== true) return
    directories.add(directory)
    const { hint, made } = APART.find((row) => row.directory === directory) ?? {}
    // The numbers of processes and descriptors are another run's.
    const isOwn = made === true && unlessGone(() => lstatSync(path)) === undefined
    const shown = (isOwn ? directory : path)
      .replace(/^\/proc\/\d+/, '/proc/PID')
      .replace(/\/(fd|fdinfo|task)\/\d+/, '/$1/N')
    report.add(`is used, and not copied; the root has an empty ${directory}`, shown, hint)
  }

  /** Adds all paths as they were used, with the links on them; the manifest has all files by now. */
  finish(manifest: Manifest): void {
    for (const [path, follow] of this.#paths) manifest.add(path, follow)
    for (const { name, needer } of this.#lacking)
      this.#closure.report.add(`needs ${printable(name)}, which was not found`, needer)
  }
}

/**
 * What was found, without what the command had put there itself before: this host may have another file at the path.
 * What it only looked at and put there later is no input either. The uses are in the order in which they came first.
 */
function withoutOwn(uses: readonly Use[]): Use[] {
  const own = new Set<string>()
  const isOwn = (place: string | undefined): boolean => {
    for (let at = place ?? '/'; at !== '/'; at = dirname(at)) if (own.has(at)) return true
    return false
  }
  const inputs = uses.flatMap((use) => {
    const { kind, path, real, found } = use
    if (!found) return []
    if (kind === 'make') return [use]
    if (kind === 'replace') {
      const place = real ?? realOf(use)
      if (place !== undefined) own.add(place)
      return []
    }
    if (own.size === 0 || !(isOwn(realOf(use)) || isOwn(placeOf(path)))) return [use]
    // By a link of its own it may have opened a file of this host.
    return real === undefined || isOwn(real) ? [] : [{ ...use, path: real, follow: true }]
  })
  return inputs.filter((use) => use.kind !== 'look' || !own.has(realOf(use) ?? '/'))
}

const placeOf = (path: string): string | undefined => unlessGone(() => nameIn(path))

/** Where the path leads on this host; undefined: nothing is there. */
const realOf = ({ path, follow }: Use): string | undefined =>
  unlessGone(() => (follow ? realpathSync(path) : nameIn(path)))

/** The path itself where its end is a link: only the links before that are followed. */
function nameIn(path: string): string {
  const name = path.replace(/\/+$/, '').split('/').at(-1) ?? ''
  if (name === '' || name === '.' || name === '..' || path.endsWith('/')) return realpathSync(path)
  const directory = realpathSync(dirname(path))
  return directory === '/' ? `/${name}` : `${directory}/${name}`
}

/** The result, or undefined where the file isn't there or can't be reached. */
function unlessGone<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
