/** Prints for the command line, and finds the exit status of an error. */
import { writeSync } from 'node:fs'
import type { SandboxError, UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { codeOf } from '../host/errno.ts'
import type { PlanError } from '../plan/error.ts'

const STATUS_USAGE = 2
const STATUS_FAILED = 125

/** Prints all of TEXT, also into a pipe that is read slowly. A reader that has gone away isn't an error. */
export function print(text: string, fd = 1): 0 {
  const bytes = Buffer.from(text)
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done)
    } catch (error) {
      if (codeOf(error) === 'EPIPE') process.exit(0)
      if (codeOf(error) !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
    }
  }
  return 0
}

export function line(text: string): void {
  print(`${printable(text)}\n`)
}

/**
 * Prints an error; returns its status. Classes are known by their names, since each file loaded late has its own copy
 * of them.
 */
export function statusOf(error: unknown): number {
  if (isA<UsageError>(error, 'UsageError')) {
    complain(error.message, error.hint)
    return STATUS_USAGE
  }
  if (isA<SandboxError>(error, 'SandboxError')) {
    complain(error.message, error.hint)
    return error.status
  }
  if (isA<PlanError>(error, 'PlanError')) {
    const { pointer } = error
    complain(`read plan: ${error.message}${pointer === '' ? '' : `: ${printable(pointer)}`}`, undefined)
    return STATUS_FAILED
  }
  complain(
    `internal error: ${printable(error instanceof Error ? `${error.name}: ${error.message}` : String(error))}`,
    undefined,
  )
  return STATUS_FAILED
}

function isA<E extends Error>(error: unknown, name: E['name']): error is E {
  return error instanceof Error && error.name === name
}

function complain(message: string, hint: string | undefined): void {
  print(`nsbox: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`, 2)
}
