/**
 * The two errors of nsbox itself, each with the text that a person reads:
 * `nsbox: STEP: WHAT: PATH: ERRNO TEXT (ERRNO NAME)` and, where one is known, a line `hint: ...`.
 */

import type { Step } from './plan/steps.ts'
import { printable } from './text/printable.ts'

export type Failure = {
  /** The step that failed. */
  step: Step
  /** The operation that failed, or what is wrong. */
  what: string
  /** The file, option value or JSON pointer in question. */
  path?: string | undefined
  /** Place in the plan that is wrong, as a JSON pointer. */
  pointer?: string | undefined
  /** Name of the error number, such as "ENOENT". */
  code?: string | undefined
  /** The error number, above zero. */
  errno?: number | undefined
  /** Text of the error number; without one, the cause in words. */
  text?: string | undefined
  /** The way out. */
  hint?: string | undefined
  /** Exit status; absent: 125. */
  status?: number | undefined
}

/** nsbox could not make the box or start the command. */
export class SandboxError extends Error {
  /** The step that failed: "root", "mounts", "exec", ...; `Step` lists them. */
  readonly step: Step
  /** The operation that failed, or what is wrong. */
  readonly what: string
  /** The file, option value or JSON pointer in question. */
  readonly path: string | undefined
  /** Place in the plan that is wrong, as a JSON pointer (RFC 6901). */
  readonly pointer: string | undefined
  /** Name of the error number, such as "ENOENT". */
  readonly code: string | undefined
  /** The error number, below zero as in Node's own errors. */
  readonly errno: number | undefined
  /** The way out, where one is known. */
  readonly hint: string | undefined
  /** The exit status of the command line for this error. */
  readonly status: number

  constructor(failure: Failure) {
    const { step, what, path, pointer, code, errno, text, hint, status = 125 } = failure
    const cause = code === undefined || text === undefined ? (text ?? code) : `${text} (${code})`
    super(
      [step, what, path, cause]
        .filter((part) => part !== undefined)
        .map(printable)
        .join(': '),
    )
    this.name = 'SandboxError'
    this.step = step
    this.what = what
    this.path = path
    this.pointer = pointer
    this.code = code
    this.errno = errno === undefined ? undefined : -Math.abs(errno)
    this.hint = hint === undefined ? undefined : printable(hint)
    this.status = status
  }
}

/** The command line, or an argument of the library, is wrong: exit status 2. */
export class UsageError extends Error {
  /** The way out, where one is known. */
  readonly hint: string | undefined

  constructor(message: string, hint?: string) {
    super(printable(message))
    this.name = 'UsageError'
    this.hint = hint === undefined ? undefined : printable(hint)
  }
}
