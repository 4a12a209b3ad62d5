/**
 * Names and texts of error numbers, from the table that the runtime carries. Only the first call loads `node:util`, so
 * that a box that starts without an error doesn't pay for it.
 */
import { SandboxError, type Failure } from '../errors.ts'

/** "EACCES" gives "Permission denied"; undefined for a name that this system does not know. */
export function errnoText(name: string): string | undefined {
  return entryOf(name)?.[1]
}

function entryOf(name: string): [number: number, text: string] | undefined {
  for (const [number, [code, text]] of table())
    if (code === name) return [-number, textsOfSidecar()[code] ?? text.charAt(0).toUpperCase() + text.slice(1)]
  return undefined
}

/**
 * A fault has the same text whichever half notices it. A function, since a start without an error needs no such object.
 */
const textsOfSidecar = (): Readonly<Record<string, string>> => ({
  EBUSY: 'Resource busy',
  EEXIST: 'File exists',
  EFAULT: 'Bad address',
  EIO: 'I/O error',
  EISDIR: 'Is a directory',
  ELOOP: 'Symbolic link loop',
  EMFILE: 'No file descriptors available',
  ENAMETOOLONG: 'Filename too long',
  ENFILE: 'Too many open files in system',
  ENOMEM: 'Out of memory',
  ENOTSUP: 'Not supported',
  ETIMEDOUT: 'Operation timed out',
  ETXTBSY: 'Text file busy',
  EXDEV: 'Cross-device link',
})

/** The failure of a system call on the host, with the text of its error number where this system knows it. */
export function systemFailure(
  failure: Pick<Failure, 'step' | 'what' | 'path' | 'hint'> & { code: string },
): SandboxError {
  const found = entryOf(failure.code)
  return new SandboxError(found === undefined ? failure : { ...failure, errno: found[0], text: found[1] })
}

/** The name of an error's number, such as "ENOENT". */
export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO'
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
