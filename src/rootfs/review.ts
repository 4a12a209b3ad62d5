/** Looks through a root that is to be written, and reports what it lacks as far as reading shows it. */
import { readFileSync, realpathSync } from 'node:fs'
import { basename } from 'node:path'
import { withCapabilities } from './capabilities.ts'
import type { Method } from './choices.ts'
import type { Closure } from './closure.ts'
import { summarize, textsOf } from './data-paths.ts'
import { INTERPRETERS, OPENING, STARTING, WATCHED } from './imports.ts'
import { type Entry, SETID } from './manifest.ts'

type Environment = Record<string, string | undefined>

/** Paths of the kernel's files, as a program that reads them holds them. */
const KERNEL_FILES = [
  { text: '/dev/null', directory: '/dev', option: '--dev' },
  { text: '/proc/', directory: '/proc', option: '--proc' },
]
/** A larger program isn't searched for texts. */
const MAX_SEARCHED = 256 << 20

/** `by`: a hard link keeps capabilities, since it is the host's own file. */
export function review(closure: Closure, entries: readonly Entry[], env: Environment, by: Method): void {
  reviewImports(closure, entries)
  reviewInterpreters(closure, entries)
  reviewPrograms(closure, entries)
  reviewTexts(closure, entries)
  reviewPrivileges(closure, entries, by)
  const libraries = env['LD_LIBRARY_PATH'] ?? ''
  if (libraries !== '') closure.report.add('LD_LIBRARY_PATH is set, and is not used to find libraries', libraries)
}

function reviewImports({ elves, report }: Closure, entries: readonly Entry[]): void {
  for (const { says, symbols, covered, hint, glibcOnly } of WATCHED) {
    if (entries.some(({ path, kind }) => kind !== 'directory' && covered?.test(path))) continue
    for (const [path, { elf, musl }] of elves) {
      if (glibcOnly && musl) continue
      if (elf.imports.some((name) => symbols.includes(name))) report.add(says, path, hint)
    }
  }
}

/** An interpreter without its standard library starts, and fails at the first import, or warns at each start. */
function reviewInterpreters({ elves, report }: Closure, entries: readonly Entry[]): void {
  for (const path of elves.keys()) {
    const known = INTERPRETERS.find(({ name }) => name.test(basename(path)))
    if (known !== undefined && !entries.some((entry) => known.covered.test(entry.path)))
      report.add(`is an interpreter, and its ${known.set} library is not in the root`, path, `--with ${known.set}`)
  }
}

/** Reports data and libraries that programs and their libraries name and the root lacks. Files in named directories would name much that nobody uses. */
function reviewTexts(closure: Closure, entries: readonly Entry[]): void {
  const { started, elves, report } = closure
  const present = new Set(entries.map(({ path }) => path))
  const isPresent = (path: string): boolean => present.has(path) || present.has(realpathSync(path))
  const lacking = new Set<string>()
  for (const file of started) {
    const elf = elves.get(file)?.elf
    if (elf?.soname?.startsWith('libc.')) continue
    const { paths, libraries } = textsOf(file)
    for (const path of paths) if (!isPresent(path)) lacking.add(path)
    if (elf === undefined || !elf.imports.some((name) => OPENING.includes(name))) continue
    for (const name of libraries) {
      const path = closure.locate(name, file)
      if (path !== undefined && !isPresent(path))
        report.add('is a library that a program names and may open, and is not in the root', path, 'name it too')
    }
  }
  for (const data of summarize([...lacking]))
    report.add('is named by a program, is here, and is not in the root', data, 'name it too, or use a set')
}

function reviewPrograms({ elves, report, scripts, programs }: Closure, entries: readonly Entry[]): void {
  const directories = new Set(entries.map(({ path }) => path))
  for (const path of scripts) report.add('is a script; what it starts or loads is not followed', path, 'name that too')
  for (const path of programs) {
    const elf = elves.get(path)?.elf
    if (elf === undefined || elf.soname !== undefined) continue
    if (elf.needed.length === 0 && elf.type === 2)
      report.add('is linked statically, so reading does not show what it opens', path)
    if (elf.imports.some((name) => STARTING.includes(name)))
      report.add('can start other programs, which reading does not show', path, 'name those that you need too')
    const lacking = KERNEL_FILES.filter(({ directory }) => !directories.has(directory))
    const bytes = lacking.length === 0 ? undefined : contentOf(path)
    for (const { text, directory, option } of lacking) {
      if (bytes?.includes(text))
        report.add(`names ${text}, and the root has no ${directory}`, path, `run it with ${option}`)
    }
  }
}

function contentOf(path: string): Buffer | undefined {
  const bytes = readFileSync(path)
  return bytes.length > MAX_SEARCHED ? undefined : bytes
}

function reviewPrivileges({ report }: Closure, entries: readonly Entry[], by: Method): void {
  const executable = entries.filter(({ kind, stat }) => kind === 'file' && (stat.mode & 0o111) !== 0)
  for (const { path, stat } of executable) {
    if ((stat.mode & SETID) !== 0) report.add('is setuid or setgid here, and is not in the root', path)
  }
  if (by === 'hardlink') return
  const capable = withCapabilities(executable.map(({ path }) => path))
  if (capable === undefined)
    report.add('this host has no getcap, so capabilities of files are not seen; a copy does not keep them', 'getcap')
  for (const path of capable ?? []) report.add('has capabilities here, which a copy does not keep', path)
}
