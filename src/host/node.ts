/**
 * The facts about this machine and caller, for a program that uses the library: by node:fs, which such a program has
 * loaded anyway.
 */
import { lstatSync, readFileSync, statSync } from 'node:fs'
import { fromBytes } from '../text/bytes.ts'
import { callersDirectory, isLink, userName } from './bun.ts'
import { codeOf } from './errno.ts'
import type { HostFacts, Looked } from './types.ts'

/** The library restores no limits: a child of a program inherits the program's own. */
export function hostOfProgram(): HostFacts {
  return {
    machine: process.arch,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    get cwd() {
      return callersDirectory()
    },
    // Not a copy, which takes Node a quarter of a millisecond.
    env: process.env,
    variable: (name) => process.env[name],
    look: lookAt,
    isLink,
    read: readText,
    userName,
    changed: () => ({ signals: ['PIPE', 'XFSZ'] }),
  }
}

/** Throwing is slow, and a missing path is mostly no error, so the code of the error is found only when it is read. */
function lookAt(path: string, follow: boolean): Looked {
  const stat = follow ? statSync : lstatSync
  try {
    const found = stat(path, { throwIfNoEntry: false })
    if (found !== undefined) return found.isDirectory() ? 'directory' : 'other'
  } catch (error) {
    return { code: codeOf(error) }
  }
  return {
    get code() {
      return reasonOf(() => stat(path))
    },
  }
}

/** ENOENT also where the path has come up meanwhile. */
function reasonOf(body: () => void): string {
  try {
    body()
    return 'ENOENT'
  } catch (error) {
    return codeOf(error)
  }
}

function readText(path: string): { text: string } | { code: string } {
  try {
    return { text: fromBytes(readFileSync(path)) }
  } catch (error) {
    return { code: codeOf(error) }
  }
}
