/**
 * `nsbox rootfs build DIR PROGRAM|PATH...`: a root directory from the host's own programs, with what they need to start.
 * No program is executed, so what programs open by name at run time isn't all found: `--with` adds the usual, the rest
 * is named as well, and the report says what reading shows of it.
 */

import { accessSync, constants, lstatSync, realpathSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import type { RootfsOptions } from './choices.ts'
import { Closure } from './closure.ts'
import { Placer } from './copy.ts'
import { verifyDescriptors } from '../host/directory.ts'
import { isLoadable } from './elf.ts'
import { digestOf, type Entry, Manifest } from './manifest.ts'
import { noticeLine } from './report.ts'
import { review } from './review.ts'
import { SETS } from './sets.ts'
import { listSets } from './list-sets.ts'
import { Trees } from './trees.ts'

const USAGE = 'nsbox rootfs build DIR PROGRAM|PATH...'
/** Scripts use /bin/sh also on hosts with a merged /usr. */
const ALIASES = ['/bin', '/sbin']

export function rootfsCommand(words: readonly string[], how: RootfsOptions, out: (line: string) => void): void {
  if (how.list && words.length === 1 && words[0] === 'build') return listSets(out)
  const { dir, named } = read(words)
  const say = how.quiet ? () => {} : out
  verifyDescriptors('rootfs')
  // Everything is looked up before anything is written, so that a missing library leaves no half of a root.
  const { closure, entries, lines } = collect(dir, named, how)
  const digest = write(dir, entries, how)
  for (const line of lines) say(line)
  say(`${summary(entries)}, ${digest}`)
  for (const notice of closure.report.notices()) say(noticeLine(notice))
}

type Collected = { closure: Closure; entries: Entry[]; lines: string[] }

/** All that goes into the root, and a line for each name of the command line. */
function collect(dir: string, named: readonly string[], how: RootfsOptions): Collected {
  const closure = new Closure(process.env['PATH'], how.without)
  const trees = new Trees(closure, dir)
  // Programs come first: libraries that are opened later are searched as the first program's are.
  const sorted = named.map((name) => ({ name, kind: classify(name) }))
  const lines: string[] = []
  for (const { name } of sorted.filter(({ kind }) => kind === 'program')) {
    const before = closure.files.size
    const path = closure.program(name)
    const needed = closure.files.size - before - 1
    lines.push(printable(needed > 0 ? `${path} and ${count(needed, 'file')} that it needs` : path))
  }
  for (const { name, kind } of sorted.filter(({ kind }) => kind !== 'program')) {
    const path = resolve(name)
    const before = closure.files.size
    if (kind === 'data') closure.files.add(path)
    else trees.add(path)
    lines.push(printable(kind === 'data' ? path : `${path} with ${count(closure.files.size - before, 'file')}`))
  }
  for (const extra of new Set(how.with)) {
    const before = closure.files.size
    SETS[extra].add({ closure, trees }, process.env)
    if (closure.files.size === before) closure.report.add('brings nothing from this host', `--with ${extra}`)
  }
  const manifest = new Manifest()
  for (const path of [...closure.files, ...closure.directories, ...aliases(closure.files)]) manifest.add(path)
  trees.finish(manifest)
  const entries = manifest.entries()
  review(closure, entries, process.env, how.by ?? 'copy')
  return { closure, entries, lines }
}

/** Writes the root; returns its digest. */
function write(dir: string, entries: readonly Entry[], how: RootfsOptions): string {
  const placer = new Placer(dir, how.by ?? 'copy')
  try {
    placer.place(entries)
    return digestOf(entries, placer.contents)
  } catch (error) {
    placer.undo()
    throw error
  } finally {
    placer.close()
  }
}

/** A word without a slash is looked up in PATH. A file that can't be started, and is no library, is data. */
function classify(name: string): 'program' | 'directory' | 'data' {
  if (!name.includes('/')) return 'program'
  const path = resolve(name)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat?.isDirectory()) return 'directory'
  if (!stat?.isFile() || (stat.mode & 0o111) !== 0) return 'program'
  try {
    accessSync(path, constants.R_OK)
  } catch {
    // The program's own error says what is wrong.
    return 'program'
  }
  return isLoadable(path) ? 'program' : 'data'
}

function summary(entries: readonly Entry[]): string {
  const files = entries.filter(({ kind }) => kind === 'file')
  const bytes = files.reduce((sum, { stat }) => sum + stat.size, 0)
  const links = entries.filter(({ kind }) => kind === 'link').length
  return [count(files.length, 'file'), count(links, 'link'), count(bytes, 'byte')].join(', ')
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

/** The links /bin and /sbin, where they lead to a directory with one of the files. */
function aliases(files: Set<string>): string[] {
  const dirs = new Set([...files].map((path) => realpathSync(dirname(path))))
  return ALIASES.filter(
    (path) => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() && dirs.has(realpathSync(path)),
  )
}

function read([verb, dir, ...named]: readonly string[]): { dir: string; named: string[] } {
  if (verb !== 'build')
    throw new UsageError(
      verb === undefined ? 'rootfs: what to do is missing' : `rootfs: unknown: ${printable(verb)}`,
      USAGE,
    )
  if (dir === undefined) throw new UsageError('rootfs build: DIR is missing', USAGE)
  if (dir === '') throw new UsageError("rootfs build: DIR is empty: ''", USAGE)
  if (named.length === 0) throw new UsageError('rootfs build: PROGRAM is missing', USAGE)
  if (named.includes('')) throw new UsageError("rootfs build: PROGRAM is empty: ''", USAGE)
  return { dir, named }
}
