/**
 * The facts about this machine and caller, for a program that uses the library: by node:fs, which such a program has
 * loaded anyway.
 */
import { existsSync, lstatSync, statSync } from 'node:fs'
import {
  callersDirectory,
  directoriesIn,
  hasTerminal,
  I386_SETTING,
  isKernel,
  isLink,
  kind,
  linkText,
  lookBy,
  read,
  realPath,
} from './bun.ts'
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
    kind,
    linkText,
    directoriesIn,
    realPath,
    runsI386: () => process.arch === 'x64' && existsSync(I386_SETTING),
    read,
    isKernel,
    opensFiles: () => {},
    hasRead: () => {},
    hasTerminal,
    changed: () => ({ signals: ['PIPE', 'XFSZ'] }),
  }
}
