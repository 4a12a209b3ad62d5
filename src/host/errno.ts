/**
 * Names and texts of error numbers, from the table that the runtime carries anyway. `node:util` is loaded by the first
 * call and not before: a box that starts without an error should not pay for it.
 */

import { SandboxError, type Failure } from '../errors.ts'

/** "EACCES" gives "permission denied"; undefined for a name that this system does not know. */
export function errnoText(name: string): string | undefined {
  for (const [code, text] of table().values()) if (code === name) return text
  return undefined
}

/** The failure of a system call on the host, with the text of its error number where this system knows it. */
export function systemFailure(failure: Pick<Failure, 'step' | 'what' | 'path' | 'hint'> & { code: string }): SandboxError {
  const text = errnoText(failure.code)
  return new SandboxError({ ...failure, ...(text !== undefined && { text }) })
}

/** 13 gives "EACCES"; the sign does not matter. */
export function errnoName(number: number): string | undefined {
  return table().get(-Math.abs(number))?.[0]
}

let known: Map<number, [string, string]> | undefined

function table(): Map<number, [string, string]> {
  known ??= (require('node:util') as typeof import('node:util')).getSystemErrorMap()
  return known
}
