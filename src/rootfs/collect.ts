/** Finds all that goes into a root, before anything is written: a missing library then leaves no half of a root. */

import { accessSync, constants, lstatSync, realpathSync, type Stats, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { RootfsOptions } from './choices.ts'
import { Closure } from './closure.ts'
import { isLoadable } from './elf.ts'
import { type Entry, Manifest } from './manifest.ts'
import type { Notice, Report } from './report.ts'
import { review } from './review.ts'
import { SETS } from './sets.ts'
import { readTraceLog } from './trace-log.ts'
import { TracedFiles } from './traced.ts'
import { Trees } from './trees.ts'
import type { Use } from './use.ts'

/**
 * A word of the command line. A directory's `files` are those in it and their libraries, those of a log or of a command
 * what it used.
 */
export type Named = { kind: 'program' | 'directory' | 'data' | 'log' | 'command'; path: string; files: number }
export type Collected = {
  named: Named[]
  /** Paths of the programs that were named and can be started. */
  programs: string[]
  entries: Entry[]
  notices: Notice[]
}

/** A command that was run to see what it uses. */
export type TracedCommand = {
  command: readonly string[]
  uses: readonly Use[]
  /** Its exit status, 128 + N for signal N. */
  status: number
  signal?: NodeJS.Signals | undefined
  timedOut: boolean
  /** Paths that it could not write, as on a read-only file system. */
  readOnly: readonly string[]
  tooLong: boolean
  /** Programs of another architecture. */
  foreign: readonly string[]
}

type Job = {
  /** The root, where it is a directory. */
  dir: string | undefined
  words: readonly string[]
  cwd: string
  traced?: TracedCommand | undefined
}

/** Scripts use /bin/sh also on hosts with a merged /usr. */
const ALIASES = ['/bin', '/sbin']

/** Throws where something that is named can't be had; what a trace names and can't be had is a notice. */
export function collect({ dir, words, cwd, traced }: Job, how: RootfsOptions): Collected {
  const closure = new Closure(process.env['PATH'], how.without)
  const trees = new Trees(closure, dir)
  // Programs come first: libraries that are opened later are searched as the first program's are.
  const sorted = words.map((word) => ({ word, kind: classify(word) }))
  const named: Named[] = []
  for (const kind of ['program', 'data', 'directory'] as const) {
    for (const { word } of sorted.filter((other) => other.kind === kind)) {
      const before = closure.files.size
      const path = kind === 'program' ? closure.program(word) : resolve(word)
      if (kind === 'data') closure.files.add(path)
      if (kind === 'directory') trees.add(path)
      named.push({ kind, path, files: closure.files.size - before })
    }
  }
  for (const set of new Set(how.with)) {
    const before = closure.files.size
    SETS[set].add({ closure, trees }, process.env)
    if (closure.files.size === before) closure.report.add('brings nothing from this host', `--with ${set}`)
  }
  const used = new TracedFiles(closure, dir, process.env['HOME'])
  const use = (kind: Named['kind'], path: string, uses: readonly Use[]): void => {
    const before = closure.files.size
    used.add(uses)
    named.push({ kind, path, files: closure.files.size - before })
  }
  for (const log of how.traceLogs ?? []) use('log', resolve(log), readTraceLog(log, cwd))
  if (traced !== undefined) {
    use('command', traced.command.join(' '), traced.uses)
    reviewCommand(traced, closure.report)
  }
  const manifest = new Manifest()
  for (const path of [...closure.files, ...closure.directories, ...aliases(closure.files)]) manifest.add(path)
  used.finish(manifest)
  trees.finish(manifest)
  const entries = manifest.entries()
  review(closure, entries, process.env, how.by ?? 'copy')
  const programs = named
    .filter(({ kind, path }) => kind === 'program' && closure.elves.get(path)?.elf.soname === undefined)
    .map(({ path }) => path)
  return { named, programs, entries, notices: closure.report.notices() }
}

function reviewCommand(traced: TracedCommand, report: Report): void {
  const { command, foreign, readOnly, tooLong } = traced
  const name = command.join(' ')
  const ending = endingOf(traced)
  if (ending !== undefined) report.add(ending, name)
  for (const path of readOnly)
    report.add('could not be written by the command, since no layer takes changes there', path)
  if (tooLong) report.add('used paths longer than 4096 bytes, which are not in the root', name)
  for (const path of foreign) report.add('is a program for another architecture, and its files were not followed', path)
}

/** How a command ended that did not succeed, and what that means for the root. */
export function endingOf({ status, signal, timedOut }: Pick<TracedCommand, 'status' | 'signal' | 'timedOut'>) {
  const how = timedOut
    ? 'ran out of time'
    : signal !== undefined
      ? `was ended by ${signal}`
      : status !== 0
        ? `ended with status ${status}`
        : undefined
  return how === undefined ? undefined : `${how}; the root has what it used until then, and may lack the rest`
}

/** A word without a slash is looked up in PATH. A file that can't be started, and is no library, is data. */
function classify(word: string): Named['kind'] {
  if (!word.includes('/')) return 'program'
  const path = resolve(word)
  let stat: Stats
  try {
    stat = statSync(path)
    if (stat.isDirectory()) return 'directory'
    accessSync(path, constants.R_OK)
  } catch {
    // The program's own error says what is wrong.
    return 'program'
  }
  return !stat.isFile() || (stat.mode & 0o111) !== 0 || isLoadable(path) ? 'program' : 'data'
}

/** The links /bin and /sbin, where they lead to a directory with one of the files. */
function aliases(files: Set<string>): string[] {
  const dirs = new Set([...files].map((path) => realpathSync(dirname(path))))
  return ALIASES.filter(
    (path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() && dirs.has(realpathSync(path)),
  )
}
