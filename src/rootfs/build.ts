/**
 * `nsbox rootfs build DIR PROGRAM...`: a root directory from the host's own programs, with what they need to start.
 * No program is executed, so files that programs open by name at run time (plugins, data) aren't found: `--with` adds
 * them, or they are named as well.
 */

import { lstatSync, realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import type { RootfsOptions } from './choices.ts'
import { Closure } from './closure.ts'
import { Placer } from './copy.ts'
import { verifyDescriptors } from '../host/directory.ts'
import { addExtra } from './sets.ts'

const USAGE = 'nsbox rootfs build DIR PROGRAM...'
/** Scripts use /bin/sh also on hosts with a merged /usr. */
const ALIASES = ['/bin', '/sbin']

export function rootfsCommand(words: readonly string[], how: RootfsOptions, out: (line: string) => void): void {
  const { dir, programs } = read(words)
  const say = how.quiet ? () => {} : out
  verifyDescriptors('rootfs')
  // Everything is looked up before anything is written, so that a missing library leaves no half of a root.
  const closure = new Closure(process.env['PATH'])
  const lines = programs.map((name) => {
    const before = closure.files.size
    const path = closure.program(name)
    const needed = closure.files.size - before - 1
    return printable(needed > 0 ? `${path} and ${count(needed, 'file')} that it needs` : path)
  })
  for (const extra of new Set(how.with)) addExtra(extra, closure, process.env)
  const placer = new Placer(dir, how.by ?? 'copy')
  try {
    for (const path of [...closure.files, ...closure.directories, ...aliases(closure.files)]) placer.place(path)
  } catch (error) {
    placer.undo()
    throw error
  } finally {
    placer.close()
  }
  for (const line of lines) say(line)
  say(`${count(placer.files, 'file')}, ${count(placer.links, 'link')}, ${count(placer.bytes, 'byte')}`)
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

function read([verb, dir, ...programs]: readonly string[]): { dir: string; programs: string[] } {
  if (verb !== 'build')
    throw new UsageError(
      verb === undefined ? 'rootfs: what to do is missing' : `rootfs: unknown: ${printable(verb)}`,
      USAGE,
    )
  if (dir === undefined) throw new UsageError('rootfs build: DIR is missing', USAGE)
  if (dir === '') throw new UsageError("rootfs build: DIR is empty: ''", USAGE)
  if (programs.length === 0) throw new UsageError('rootfs build: PROGRAM is missing', USAGE)
  if (programs.includes('')) throw new UsageError("rootfs build: PROGRAM is empty: ''", USAGE)
  return { dir, programs }
}
