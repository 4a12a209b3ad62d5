/** The kernel, by its version. */
import { note, ok, type Result } from '../check.ts'
import { kernelVersion } from '../facts.ts'
import type { Host } from '../host.ts'

/** System call or feature, the first kernel that has it, and what happens without. */
const FEATURES = [
  ['clone3', 5.03, 'nsbox was not tried on kernels this old'],
  ['the mount API (open_tree, fsopen)', 5.02, 'mounts are made with mount(2), which is slower'],
  ['openat2', 5.06, 'paths in the box are walked step by step, which is slower'],
  ['close_range', 5.09, 'descriptors are closed one at a time'],
  ['mount_setattr', 5.12, 'binds are made read-only one mount at a time'],
] as const

export function kernel(host: Host): Result {
  const release = host.readFile('/proc/sys/kernel/osrelease')?.trim() ?? 'unknown'
  const version = kernelVersion(host)
  if (version === undefined)
    return note(`${release}, a version that nsbox can't read`, 'features are tried when a box starts')
  const missing = FEATURES.filter(([, since]) => version < since)
  if (missing.length === 0) return ok(`${release}, with ${FEATURES.map(([name]) => name).join(', ')}`)
  return note(
    `${release}, without ${missing.map(([name]) => name).join(', ')}`,
    missing.map(([, , effect]) => effect).join('; '),
    'a kernel of 5.12 or later has them all',
  )
}

/** LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL, landlock(7). */
const SCOPES_SINCE = 6.12

export function landlock(host: Host): Result {
  const version = kernelVersion(host)
  const modules = host.readFile('/sys/kernel/security/lsm')?.trim().split(',')
  const effect = "a box reaches abstract sockets on the host's network, and can signal its caller's process group"
  const fix = 'nsbox --net none --new-session ...    closes both'
  if (version !== undefined && version < SCOPES_SINCE) return note('has no scopes before Linux 6.12', effect, fix)
  if (modules !== undefined && !modules.includes('landlock'))
    return note(
      'is not among the active security modules',
      effect,
      fix,
      "or add landlock to lsm= on the kernel's command line",
    )
  return ok(
    modules === undefined
      ? 'this kernel has its scopes, unless it was built or started without them'
      : 'active, with its scopes',
  )
}
