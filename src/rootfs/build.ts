/**
 * `nsbox rootfs build DIR PROGRAM|PATH...`: a root from the host's own programs, with what they need to start. No program
 * is executed, so what programs open by name at run time isn't all found: `--with` adds the usual, the rest is named as
 * well, and the report says what reading shows of it. boxed.ts has the builds that run programs.
 */

import { UsageError } from '../errors.ts'
import { verifyDescriptors } from '../host/directory.ts'
import { printable } from '../text/printable.ts'
import type { RootfsOptions } from './choices.ts'
import { type Check, checkLine } from './check.ts'
import { collect, type Collected, endingOf, type Named, type TracedCommand } from './collect.ts'
import { hashOf, Placer } from './copy.ts'
import { listSets } from './list-sets.ts'
import { digestOf, type Entry } from './manifest.ts'
import { noticeLine } from './report.ts'
import { findMksquashfs, writeSquashfs } from './squashfs.ts'
import { writeTar } from './tar.ts'

export const USAGE = 'nsbox rootfs build DIR|-o FILE PROGRAM|PATH...'

/** What the words of the command line ask for. */
type BuildRequest = { dir: string | undefined; named: string[] }
export type Build = {
  request: BuildRequest
  found: Collected
  digest: string
  traced: TracedCommand | undefined
}

export function rootfsCommand(words: readonly string[], how: RootfsOptions, out: (line: string) => void): void {
  if (how.list && words.length === 1 && words[0] === 'build') return listSets(out)
  printBuild(buildRoot(readWords(words, how), how, process.cwd()), how, out)
}

/** `cwd`: where logs of strace begin. `traced`: a command that has run, whose files are added. */
export function buildRoot(request: BuildRequest, how: RootfsOptions, cwd: string, traced?: TracedCommand): Build {
  const { dir, named } = request
  verifyDescriptors('rootfs')
  const mksquashfs = isSquashfs(how) ? findMksquashfs(process.env['PATH']) : undefined
  const found = collect({ dir, words: named, cwd, traced }, how)
  const digest = digestOf(found.entries, write(dir, found.entries, how, mksquashfs))
  return { request, found, digest, traced }
}

export function printBuild(build: Build, how: RootfsOptions, out: (line: string) => void, checks: Check[] = []): void {
  if (how.json) out(json(build, how, checks))
  else if (!how.quiet)
    for (const line of [...report(how, build.found, build.digest), ...checks.map(checkLine)]) out(line)
  else for (const line of faults(build, checks)) out(line)
}

/** Without a report the exit status alone would say it. */
function faults({ traced, found }: Build, checks: readonly Check[]): string[] {
  const ending = traced === undefined ? undefined : endingOf(traced)
  const notices = found.notices.filter(({ what }) => what === ending)
  return [...notices.map(noticeLine), ...checks.filter(({ passes }) => !passes).map(checkLine)]
}

const isSquashfs = ({ output }: RootfsOptions): boolean => output?.endsWith('.squashfs') === true

/** Writes the root, or with --dry-run only reads the files. Returns the SHA-256 of each file by its path. */
function write(
  dir: string | undefined,
  entries: readonly Entry[],
  how: RootfsOptions,
  mksquashfs: string | undefined,
): ReadonlyMap<string, string> {
  if (how.dryRun) return new Map(entries.filter(({ kind }) => kind === 'file').map(({ path }) => [path, hashOf(path)]))
  if (how.output !== undefined && mksquashfs !== undefined) return writeSquashfs(how.output, entries, mksquashfs)
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
  if (kind === 'command' || kind === 'log') return printable(`${path}: ${count(files, 'file')} more`)
  return printable(files > 1 ? `${path} and ${count(files - 1, 'file')} that it needs` : path)
}

/** One line. Characters that a terminal could take for commands are escapes. */
function json({ request, found, digest, traced }: Build, how: RootfsOptions, checks: readonly Check[]): string {
  const { output, dryRun = false } = how
  const { named, entries, notices } = found
  const list = entries.map((entry) => ({
    path: entry.path,
    kind: entry.kind,
    target: entry.kind === 'link' ? entry.target : undefined,
  }))
  const value = {
    ...{ root: request.dir ?? output, dryRun, digest, ...sums(entries), named, notes: notices },
    ...(traced !== undefined && { trace: { command: traced.command, status: traced.status, signal: traced.signal } }),
    ...(how.check && { checks }),
    entries: list,
  }
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
export function readWords([verb, ...words]: readonly string[], how: RootfsOptions): BuildRequest {
  if (verb !== 'build')
    throw new UsageError(
      verb === undefined ? 'rootfs: the action is missing' : `rootfs: unknown: ${printable(verb)}`,
      USAGE,
    )
  if (how.output !== undefined) {
    if (how.by !== undefined) throw new UsageError('rootfs build: --by is for a DIR, and -o writes an archive', USAGE)
    return { dir: undefined, named: programs(words, how) }
  }
  const [dir, ...named] = words
  if (dir === undefined) throw new UsageError('rootfs build: DIR is missing', USAGE)
  if (dir === '') throw new UsageError("rootfs build: DIR is empty: ''", USAGE)
  return { dir, named: programs(named, how) }
}

function programs(named: string[], { trace, traceLogs = [] }: RootfsOptions): string[] {
  if (named.length === 0 && trace !== true && traceLogs.length === 0)
    throw new UsageError('rootfs build: PROGRAM is missing', USAGE)
  if (named.includes('')) throw new UsageError("rootfs build: PROGRAM is empty: ''", USAGE)
  return named
}
