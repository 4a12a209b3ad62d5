/** Whether a directory is the caller's alone, so that nobody else has put anything there. */
import type { Stats } from 'node:fs'

export const OPEN_TO_OTHERS = 'is open to other users'

/** What is wrong with a directory, looked at without following a link; undefined: it is the caller's alone. */
export function privateFault(stat: Stats, uid: number): string | undefined {
  if (stat.isSymbolicLink()) return 'is a link'
  if (!stat.isDirectory()) return 'is not a directory'
  if (stat.uid !== uid) return 'belongs to another user'
  return (stat.mode & 0o077) === 0 ? undefined : OPEN_TO_OTHERS
}
