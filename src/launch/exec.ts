/**
 * The front end becomes the box: the sidecar, with the plan at its end, goes into a nameless file, and that is executed in
 * place of this process. Nothing of Bun is left then.
 *
 * The file has no name, so nobody can put another in its place; it is open for reading alone when it is executed, so
 * nobody can write to it either.
 */
import * as fs from 'node:fs'
import { systemFailure } from '../host/errno.ts'
import { codeOf } from '../host/facts.ts'
import type { Plan } from '../plan/types.ts'
import { namelessIn, places, writeAll } from './nameless.ts'
import { withPlan } from './sidecar.ts'

/** Does not come back. */
export function becomeBox(plan: Plan): never {
  const parts = withPlan(plan)
  const kept = plan.supervision?.statusFd ?? -1
  let last = 'ENOENT'
  for (const place of places()) {
    try {
      execute(inDirectory(place, parts), kept)
    } catch (error) {
      last = codeOf(error)
    }
  }
  try {
    // A file in memory that no mount option of any place forbids to execute. bun:ffi takes 4 ms to load, so it comes last.
    execute(inMemory(parts), kept)
  } catch (error) {
    last = codeOf(error)
  }
  throw systemFailure({
    step: 'hand over', what: 'no place from which a file can be executed', path: places().join(' '), code: last,
    hint: 'set TMPDIR to a directory on a file system that is not mounted noexec',
  })
}

/** A descriptor, open for reading, of a new nameless file. */
function inDirectory(directory: string, parts: readonly Uint8Array[]): number {
  return filled(namelessIn(directory, 0o500), parts)
}

function inMemory(parts: readonly Uint8Array[]): number {
  return filled(libc().memfdCreate('nsbox'), parts)
}

/** The writer has to be closed before: a file that is open for writing can't be executed (ETXTBSY). */
function filled(writer: number, parts: readonly Uint8Array[]): number {
  try {
    for (const part of parts) writeAll(writer, part)
    return fs.openSync(`/proc/self/fd/${writer}`, fs.constants.O_RDONLY)
  } finally {
    fs.closeSync(writer)
  }
}

/**
 * process.execve closes all descriptors but 0, 1 and 2, and spoils values of the environment that are not UTF-8: where
 * either matters, it has to be the C library's.
 */
function execute(file: number, kept: number): void {
  const path = `/proc/self/fd/${file}`
  try {
    if (kept > 2 || environmentIsSpoiled()) libc().execve(path, ['nsbox'], kept)
    else silently(() => process.execve?.(path, ['nsbox'], process.env as Record<string, string>))
  } finally {
    fs.closeSync(file)
  }
}

function environmentIsSpoiled(): boolean {
  for (const name in process.env) if (process.env[name]?.includes('\ufffd') || name.includes('\ufffd')) return true
  return false
}

/** A failed execve prints that it is experimental, which helps nobody. */
function silently(run: () => void): void {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    run()
  } finally {
    process.emitWarning = emitWarning
  }
}

function libc(): typeof import('./libc.ts') {
  return require('./libc.ts') as typeof import('./libc.ts')
}
