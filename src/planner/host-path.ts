/** Paths of the host that options name: absolute, there, and to be shown in a box; or a failure that says why not. */
import { SandboxError } from '../errors.ts'
import { absolute } from '../host/absolute.ts'
import { systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { HINTS, type Step } from '../plan/steps.ts'

/** The absolute path of a directory of the host. Throws SandboxError where the box can't have it. */
export function hostDirectory(step: 'root' | 'state', path: string, options: Options, host: HostFacts): string {
  const found = absolute(path, host)
  refuseDescriptor(step, found)
  const kind = host.look(found, true)
  if (typeof kind === 'object') throw missing({ step, what: 'open', path: found, code: kind.code }, options, host)
  if (kind === 'directory') return found
  // A directory that may not be entered is a directory all the same.
  const inside = host.look(`${found}/.`, true)
  if (typeof inside === 'object' && inside.code !== 'ENOTDIR')
    throw missing({ step, what: 'open', path: found, code: inside.code }, options, host)
  throw new SandboxError({
    step,
    what: 'is not a directory',
    path: found,
    hint: step === 'root' ? HINTS.rootFile : undefined,
  })
}

/**
 * The absolute path of a file of any type on the host. Throws SandboxError where the box can't have it. `optional`: it
 * may be missing.
 */
export function hostFile(what: string, path: string, options: Options, host: HostFacts, optional = false): string {
  const found = absolute(path, host)
  refuseDescriptor('mounts', found)
  const kind = host.look(found, true)
  if (typeof kind === 'object' && !(optional && IS_MISSING.includes(kind.code)))
    throw missing({ step: 'mounts', what, path: found, code: kind.code }, options, host)
  return found
}

/** Nothing has that path; sidecar/fs/mount.c knows the same two. */
export const IS_MISSING: readonly string[] = ['ENOENT', 'ENOTDIR']

type Missing = { step: 'root' | 'state' | 'mounts'; what: string; path: string; code: string }

/** Step, words and hint are those of sidecar/base/host.c, which meets the same fault when a stored plan is run. */
function missing(fault: Missing, { noFollow }: Options, host: HostFacts): SandboxError {
  const { step, path, code } = fault
  if (noFollow && hasLink(path, host)) return systemFailure({ ...fault, code: 'ELOOP', hint: HINTS.noFollow })
  if (code === 'ENOENT' && fault.what === 'write')
    return systemFailure({ ...fault, hint: 'a place to write has to be there: mkdir -p DIR' })
  if (code === 'ENOENT' && step !== 'mounts') return systemFailure({ ...fault, hint: HINTS[step] })
  return systemFailure(code === 'EACCES' && isOnFuse(path, host) ? { ...fault, hint: HINTS.fuse } : fault)
}

/** Whether one of the directories on the way, or the last name, is a symbolic link. */
function hasLink(path: string, host: HostFacts): boolean {
  for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
    const part = end < 0 ? path : path.slice(0, end)
    if (part !== '' && host.isLink(part)) return true
    if (end < 0) return false
  }
}

function isOnFuse(path: string, host: HostFacts): boolean {
  const mounts = host.read('/proc/self/mountinfo')
  if ('code' in mounts) return false
  return mounts.text.split('\n').some((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const point = (before.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    )
    return after.startsWith('fuse') && `${path}/`.startsWith(`${point}/`)
  })
}

/** A descriptor is valid only in this process, and the sidecar opens what the box shows anew. */
function refuseDescriptor(step: Step, path: string): void {
  if (!isDescriptor(path)) return
  throw new SandboxError({
    step,
    what: "an open descriptor can't be shown in a box",
    path,
    hint: 'name a file: write what the pipe gives into one first',
  })
}

function isDescriptor(path: string): boolean {
  for (const directory of ['/dev/fd/', '/proc/self/fd/', '/proc/thread-self/fd/'])
    if (path.startsWith(directory)) return true
  return path === '/dev/stdin' || path === '/dev/stdout' || path === '/dev/stderr'
}
