/**
 * Where reviews lie: STATE/changes/ID/ below nsbox's own directory for state, for the caller alone. Each has
 * review.json (record.ts) and one directory for each overlay, which the sidecar fills.
 */
import { lstatSync, mkdirSync, type Stats } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import { OPEN_TO_OTHERS, privateFault } from '../host/private-directory.ts'
import type { HostFacts } from '../host/types.ts'
import { ownDirectory } from '../planner/own-directories.ts'

export type Caller = Pick<HostFacts, 'uid' | 'variable'>

/** Directory of the caller's reviews. Nothing is made. Throws SandboxError where no variable says where it is. */
export function reviewsDirectory(host: Caller): string {
  const state = ownDirectory('state', host)
  if (state !== undefined) return `${state}/changes`
  throw new SandboxError({
    step: 'changes',
    what: 'no directory for reviews: neither XDG_STATE_HOME nor HOME is an absolute path',
    hint: 'set XDG_STATE_HOME to a directory of yours',
  })
}

/** Makes it, and what is missing above it. Throws SandboxError where it is somebody else's, open to others, or a link. */
export function ensureReviews(host: Caller): string {
  const path = reviewsDirectory(host)
  const state = path.slice(0, path.lastIndexOf('/'))
  makeDirectory(state, true)
  verify(state, host.uid)
  makeDirectory(path, false)
  verify(path, host.uid)
  return path
}

/** A directory for the caller alone; it may be there already. */
export function makeDirectory(path: string, recursive: boolean): void {
  try {
    mkdirSync(hostPath(path), { recursive, mode: 0o700 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw reviewFailure('make', path, error)
  }
}

/** The failure of a system call on a review. */
export function reviewFailure(what: string, path: string, error: unknown): SandboxError {
  const code = codeOf(error)
  const elsewhere = ['EACCES', 'EROFS', 'ENOSPC', 'EDQUOT'].includes(code)
  return systemFailure({
    step: 'changes',
    what,
    path,
    code,
    hint: elsewhere ? 'XDG_STATE_HOME names the directory in which reviews lie' : undefined,
  })
}

function verify(path: string, uid: number): void {
  const wrong = privateFault(looked(path), uid)
  if (wrong === undefined) return
  throw new SandboxError({
    step: 'changes',
    what: `the directory of reviews ${wrong}`,
    path,
    hint: wrong === OPEN_TO_OTHERS ? `chmod 700 ${path}` : 'move it away, or set XDG_STATE_HOME',
  })
}

function looked(path: string): Stats {
  try {
    return lstatSync(hostPath(path))
  } catch (error) {
    throw reviewFailure('look at', path, error)
  }
}
