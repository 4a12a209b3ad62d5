/** Descriptors of the caller that a command keeps (--keep-fd), before the start and in the start of a child. */
import { existsSync, readlinkSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { systemFailure } from '../host/errno.ts'

/**
 * Descriptors that the runtime keeps open for itself, and marks as it marks its caller's. All else that it opens is
 * closed again before a box starts.
 */
const OF_THE_RUNTIME = ['anon_inode:[eventpoll]', 'anon_inode:[eventfd]', 'anon_inode:[timerfd]']

/**
 * Throws SandboxError for a number under which nothing is open. `inherited`: what a runtime opens by itself doesn't
 * count; a program may keep even that.
 */
export function refuseUnopened(numbers: readonly number[], inherited: boolean): void {
  for (const fd of numbers) {
    const what = openAs(fd)
    if (what !== undefined && !(inherited && OF_THE_RUNTIME.includes(what))) continue
    throw systemFailure({ step: 'descriptors', what: 'keep', path: String(fd), code: 'EBADF', hint: HINT })
  }
}

/** The sidecar's words for the same fault: sidecar/process/caller_descriptors.c. */
const HINT = "nothing of the caller's is open under that number; in a shell: --keep-fd 3 COMMAND 3<FILE"

/** What is open under a number, as proc(5) names it; undefined: nothing. */
function openAs(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`, 'latin1')
  } catch {
    refuseWithoutProc()
    return undefined
  }
}

function refuseWithoutProc(): void {
  if (existsSync('/proc/self/fd')) return
  throw new SandboxError({
    step: 'descriptors',
    what: "without /proc nsbox can't find out what is open",
    path: '/proc/self/fd',
    hint: 'mount -t proc proc /proc',
  })
}

/** The two lowest numbers that are free for nsbox itself: for the plan, and for the report. */
export function ownDescriptors(kept: readonly number[] = []): { plan: number; status: number } {
  const free: number[] = []
  for (let fd = 3; free.length < 2; fd++) if (!kept.includes(fd)) free.push(fd)
  return { plan: free[0] as number, status: free[1] as number }
}

/** What follows the first three streams of a child: its descriptors by number, from 3 on. */
export function furtherStreams(given: ReadonlyMap<number, number>): (number | 'ignore')[] {
  const streams: (number | 'ignore')[] = []
  for (let fd = 3; fd <= Math.max(2, ...given.keys()); fd++) streams.push(given.get(fd) ?? 'ignore')
  return streams
}
