/**
 * The facts about this machine and caller, for a program that uses the library: by node:fs, which such a program has
 * loaded anyway.
 */
import { existsSync, lstatSync, readFileSync, statSync } from 'node:fs'
import { fromBytes } from '../text/bytes.ts'
import { callersDirectory, I386_SETTING, isKernel, isLink, lookBy, realPath } from './bun.ts'
import { codeOf } from './errno.ts'
import type { HostFacts } from './types.ts'

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
    look: (path, follow) => lookBy(follow ? statSync : lstatSync, path),
    isLink,
    realPath,
    runsI386: () => process.arch === 'x64' && existsSync(I386_SETTING),
    read: readText,
    isKernel,
    opensFiles: () => {},
    changed: () => ({ signals: ['PIPE', 'XFSZ'] }),
  }
}

function readText(path: string): { text: string } | { code: string } {
  try {
    return { text: fromBytes(readFileSync(path)) }
  } catch (error) {
    return { code: codeOf(error) }
  }
}
