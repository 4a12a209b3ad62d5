/** Parts that sets share: where they add to, and directories that this host may have. */
import { existsSync, statSync } from 'node:fs'
import type { Closure } from './closure.ts'
import type { Trees } from './trees.ts'

export type Environment = Record<string, string | undefined>
export type Destination = { closure: Closure; trees: Trees }

/** Adds those of the files and directories that the host has. */
export function addExisting({ closure, trees }: Destination, paths: readonly string[]): void {
  for (const path of paths) {
    if (!existsSync(path)) continue
    if (statSync(path).isDirectory()) trees.add(path, true)
    else closure.files.add(path)
  }
}

/** The directories of the first program's loader; data of the C library and of languages lies below them. */
export function libraryDirectories(closure: Closure): string[] {
  const loader = closure.first?.loader
  return [...new Set([...(loader?.configured ?? loader?.defaults ?? []), '/usr/lib', '/usr/lib64'])]
}
