/**
 * What this program was given by who started it, and its runtime has changed before our first line: Bun raises the soft
 * limit on open files to the hard one, and ignores two signals.
 */
import { readFileSync } from 'node:fs'
import type { RESET_SIGNALS } from '../plan/schema.ts'

export type Changed = {
  /** The soft limit on open files as it was; absent where it is so still. */
  openFiles?: number
  /** Signals that were not ignored. */
  signals: (typeof RESET_SIGNALS)[number][]
}

/** From the name of the process, where entry.c has left it. */
export function changedByRuntime(): Changed {
  // Not the limits of the parent: where a shell executes us in its place, that is a stranger.
  const [, ignored = '0', limit = '-'] = /^nsbox([0-3])([0-9a-f]{8}|-)$/m.exec(readFileSync('/proc/self/comm', 'latin1')) ?? []
  return {
    ...(limit !== '-' && { openFiles: parseInt(limit, 16) }),
    signals: [...(Number(ignored) & 1 ? [] : ['PIPE' as const]), ...(Number(ignored) & 2 ? [] : ['XFSZ' as const])],
  }
}
