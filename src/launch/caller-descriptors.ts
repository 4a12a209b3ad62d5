/** Descriptors of the caller that a command keeps (--keep-fd), before the start and in the start of a child. */
import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { systemFailure } from '../host/errno.ts'

/**
 * Descriptors that the runtime keeps open for itself, and marks as it marks its caller's. All else that it opens is
 * closed again before a box starts.
 */
const OF_THE_RUNTIME = ['anon_inode:[eventpoll]', 'anon_inode:[eventfd]', 'anon_inode:[timerfd]']

/** include/uapi/asm-generic/fcntl.h; all machines that nsbox runs on have this value. */
const O_PATH = 0o10000000

/**
 * Throws SandboxError for a number under which nothing is open, and for a descriptor that can't be read or written to.
 * `inherited`: what a runtime opens by itself doesn't count; a program may keep even that.
 */
export function refuseUnopened(numbers: readonly number[], inherited: boolean): void {
  for (const fd of numbers) {
    const what = openAs(fd)
    if (what !== undefined && (flagsOf(fd) & O_PATH) !== 0)
      throw new SandboxError({ step: 'descriptors', what: IS_PATH, path: String(fd), hint: WAY_OUT })
    if (what !== undefined && !(inherited && OF_THE_RUNTIME.includes(what))) continue
    throw systemFailure({ step: 'descriptors', what: 'keep', path: String(fd), code: 'EBADF', hint: HINT })
  }
}

/** The sidecar's words for the same faults: sidecar/process/caller_descriptors.c. */
const IS_PATH = "is opened by O_PATH, and can't be read or written to"
const WAY_OUT = 'give the command a file, a pipe or /dev/null there; what it is to see of the host it sees by --bind'
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

/** The flags that it was opened with, as open(2) has them; 0 where they can't be read. */
function flagsOf(fd: number): number {
  try {
    return parseInt(/^flags:\t(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0', 8)
  } catch {
    return 0
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
