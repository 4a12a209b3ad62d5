/**
 * `nsbox rootfs build DIR PROGRAM|PATH...`: a root from the host's own programs, with what they need to start. No program
 * is executed, so what programs open by name at run time isn't all found: `--with` adds the usual, the rest is named as
 * well, and the report says what reading shows of it.
 */

import { UsageError } from '../errors.ts'
import { verifyDescriptors } from '../host/directory.ts'
import { printable } from '../text/printable.ts'
import type { RootfsOptions } from './choices.ts'
import { collect, type Collected, type Named } from './collect.ts'
import { hashOf, Placer } from './copy.ts'
import { listSets } from './list-sets.ts'
import { digestOf, type Entry } from './manifest.ts'
import { noticeLine } from './report.ts'
import { writeTar } from './tar.ts'

const USAGE = 'nsbox rootfs build DIR|-o FILE.tar PROGRAM|PATH...'

export function rootfsCommand(words: readonly string[], how: RootfsOptions, out: (line: string) => void): void {
  if (how.list && words.length === 1 && words[0] === 'build') return listSets(out)
  const { dir, named } = read(words, how)
  verifyDescriptors('rootfs')
  const found = collect(dir, named, how)
  const digest = digestOf(found.entries, write(dir, found.entries, how))
  if (how.json) out(json(dir, how, found, digest))
  else if (!how.quiet) for (const line of report(how, found, digest)) out(line)
}

/** Writes the root, or with --dry-run only reads the files. Returns the SHA-256 of each file by its path. */
function write(dir: string | undefined, entries: readonly Entry[], how: RootfsOptions): ReadonlyMap<string, string> {
  if (how.dryRun) return new Map(entries.filter(({ kind }) => kind === 'file').map(({ path }) => [path, hashOf(path)]))
  if (how.output !== undefined) return writeTar(how.output, entries)
  const placer = new Placer(dir ?? '', how.by ?? 'copy')
  try {
    placer.place(entries)
    return placer.contents
  } catch (error) {
    placer.undo()
    throw error
  } finally {
    placer.close()
  }
}

function report(how: RootfsOptions, { named, entries, notices }: Collected, digest: string): string[] {
  const { files, links, bytes } = sums(entries)
  return [
    ...(how.dryRun ? entries.map(entryLine) : []),
    ...named.map(namedLine),
    `${count(files, 'file')}, ${count(links, 'link')}, ${count(bytes, 'byte')}, ${digest}`,
    ...notices.map(noticeLine),
  ]
}

function entryLine(entry: Entry): string {
  if (entry.kind === 'link') return printable(`${entry.path} -> ${entry.target}`)
  return printable(entry.kind === 'directory' ? `${entry.path}/` : entry.path)
}

function namedLine({ kind, path, files }: Named): string {
  if (kind === 'directory') return printable(`${path} with ${count(files, 'file')}`)
  return printable(files > 1 ? `${path} and ${count(files - 1, 'file')} that it needs` : path)
}

/** One line. Characters that a terminal could take for commands are escapes. */
function json(
  dir: string | undefined,
  { output, dryRun = false }: RootfsOptions,
  { named, entries, notices }: Collected,
  digest: string,
): string {
  const list = entries.map((entry) => ({
    path: entry.path,
    kind: entry.kind,
    target: entry.kind === 'link' ? entry.target : undefined,
  }))
  const value = { root: dir ?? output, dryRun, digest, ...sums(entries), named, notes: notices, entries: list }
  return JSON.stringify(value).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function sums(entries: readonly Entry[]): { files: number; links: number; bytes: number } {
  const files = entries.filter(({ kind }) => kind === 'file')
  const links = entries.filter(({ kind }) => kind === 'link').length
  return { files: files.length, links, bytes: files.reduce((sum, { stat }) => sum + stat.size, 0) }
}

function count(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`
}

/** With -o there is no DIR. */
function read([verb, ...words]: readonly string[], how: RootfsOptions): { dir: string | undefined; named: string[] } {
  if (verb !== 'build')
    throw new UsageError(
      verb === undefined ? 'rootfs: the action is missing' : `rootfs: unknown: ${printable(verb)}`,
      USAGE,
    )
  if (how.output !== undefined) {
    if (how.by !== undefined) throw new UsageError('rootfs build: --by is for a DIR, and -o writes an archive', USAGE)
    return { dir: undefined, named: programs(words) }
  }
  const [dir, ...named] = words
  if (dir === undefined) throw new UsageError('rootfs build: DIR is missing', USAGE)
  if (dir === '') throw new UsageError("rootfs build: DIR is empty: ''", USAGE)
  return { dir, named: programs(named) }
}

function programs(named: string[]): string[] {
  if (named.length === 0) throw new UsageError('rootfs build: PROGRAM is missing', USAGE)
  if (named.includes('')) throw new UsageError("rootfs build: PROGRAM is empty: ''", USAGE)
  return named
}
