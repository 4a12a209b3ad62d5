/**
 * The front end becomes the box: the sidecar, with the plan at its end, goes into a nameless file, and that is executed in
 * place of this process. Nothing of Bun is left then.
 *
 * The file has no name, so nobody can put another in its place; it is open for reading alone when it is executed, so
 * nobody can write to it either.
 */
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { systemFailure } from '../host/errno.ts'
import { codeOf } from '../host/facts.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'
import { namelessIn, places, writeAll } from './nameless.ts'
import { withPlan } from './sidecar.ts'

/** Does not come back. */
export function becomeBox(plan: Plan): never {
  const parts = withPlan(plan)
  const status = plan.supervision?.statusFd ?? -1
  const kept = status > 2 ? [status] : []
  const ways = [
    ...places().map((place) => () => execute(inDirectory(place, parts), ['nsbox'], kept)),
    // A file in memory that no mount option of any place forbids to execute. bun:ffi takes 4 ms to load, so it comes late.
    () => execute(inMemory(parts), ['nsbox'], kept),
    () => executeBeside(plan, kept),
  ]
  let last = ''
  for (const way of ways) {
    try {
      way()
    } catch (error) {
      // That no sidecar is beside us is not why the others failed.
      if (last === '' || way !== ways.at(-1)) last = codeOf(error)
      if (NOT_OF_THE_PLACE.includes(last)) throw systemFailure({ step: 'hand over', what: 'execute the sidecar', path: process.execPath, code: last })
    }
  }
  throw systemFailure({
    step: 'hand over', what: 'no place from which a file can be executed', path: places().join(' '), code: last,
    hint: 'set TMPDIR to a directory on a file system that is not mounted noexec, or put nsbox-sidecar beside nsbox',
  })
}

/** Failures that no other way would mend. */
const NOT_OF_THE_PLACE = ['E2BIG', 'ENOMEM', 'EMFILE', 'ENFILE']

/**
 * Where this machine executes nothing that we have made: the sidecar as a file beside this program, with the plan on a
 * descriptor. Never one that a variable or PATH names.
 */
function executeBeside(plan: Plan, kept: readonly number[]): void {
  const file = fs.openSync(join(dirname(process.execPath), 'nsbox-sidecar'), 'r')
  const text = filled(libc().memfdCreate('nsbox-plan', false), [Buffer.from(encodePlan(plan))])
  try {
    execute(file, ['nsbox', '--plan-fd', String(text)], [...kept, text])
  } finally {
    fs.closeSync(text)
  }
}

/** A descriptor, open for reading, of a new nameless file. */
function inDirectory(directory: string, parts: readonly Uint8Array[]): number {
  return filled(namelessIn(directory, 0o500), parts)
}

function inMemory(parts: readonly Uint8Array[]): number {
  return filled(libc().memfdCreate('nsbox', true), parts)
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
function execute(file: number, argv: string[], kept: readonly number[]): void {
  const path = `/proc/self/fd/${file}`
  try {
    if (kept.length > 0 || environmentIsSpoiled()) libc().execve(path, argv, kept)
    else silently(() => process.execve?.(path, argv, process.env as Record<string, string>))
  } finally {
    fs.closeSync(file)
  }
}

function environmentIsSpoiled(): boolean {
  for (const name in process.env) if (process.env[name]?.includes('\ufffd') || name.includes('\ufffd')) return true
  return false
}

/** A failed execve prints that it is experimental, which helps nobody; and that only when our own message has been said. */
function silently(run: () => void): void {
  process.emitWarning = () => {}
  process.removeAllListeners('warning')
  run()
}

function libc(): typeof import('./libc.ts') {
  return require('./libc.ts') as typeof import('./libc.ts')
}
