/**
 * Names and texts of error numbers, from the table that the runtime carries anyway. `node:util` is loaded by the first
 * call and not before: a box that starts without an error should not pay for it.
 */

import { SandboxError, type Failure } from '../errors.ts'

/** "EACCES" gives "permission denied"; undefined for a name that this system does not know. */
export function errnoText(name: string): string | undefined {
  return entryOf(name)?.[1]
}

function entryOf(name: string): [number: number, text: string] | undefined {
  for (const [number, [code, text]] of table()) if (code === name) return [-number, TEXTS[code] ?? text]
  return undefined
}

/** The runtime's text for these speaks of sockets, or is of no use. */
const TEXTS: Readonly<Record<string, string>> = { ENOTSUP: 'operation not supported' }

/** The failure of a system call on the host, with the text of its error number where this system knows it. */
export function systemFailure(failure: Pick<Failure, 'step' | 'what' | 'path' | 'hint'> & { code: string }): SandboxError {
  const found = entryOf(failure.code)
  return new SandboxError({ ...failure, ...(found !== undefined && { errno: found[0], text: found[1] }) })
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
