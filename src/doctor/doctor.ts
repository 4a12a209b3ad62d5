/**
 * Reports what this kernel, user and host allow, and the way out where they don't. Each check is a function of the
 * host's facts.
 */
import { safeJson } from '../plan/encode.ts'
import type { Check } from './check.ts'
import { appArmor } from './checks/apparmor.ts'
import { cgroups } from './checks/cgroups.ts'
import { mapHelpers, noNewPrivs, subIds } from './checks/ids.ts'
import { images } from './checks/images.ts'
import { kernel, landlock } from './checks/kernel.ts'
import { devpts, maskedProc, overlay, replacedFiles, rootMount } from './checks/mounts.ts'
import { otherNamespaces, privilege, userNamespaces } from './checks/namespaces.ts'
import { allHosts, namedHosts } from './checks/network.ts'
import { ping } from './checks/ping.ts'
import { remembered } from './checks/remembered.ts'
import { handOver } from './checks/start.ts'
import { examinedHost, type Host } from './host.ts'
import { printed } from './print.ts'
import { verdict } from './verdict.ts'

const CHECKS: readonly Check[] = [
  { name: 'kernel', run: kernel },
  { name: 'privilege', run: privilege },
  { name: 'user namespaces', run: userNamespaces },
  { name: 'other namespaces', run: otherNamespaces },
  { name: 'AppArmor', run: appArmor },
  { name: 'subordinate ids', run: subIds },
  { name: 'id map helpers', run: mapHelpers },
  { name: 'no_new_privs', run: noNewPrivs },
  { name: 'root mount', run: rootMount },
  { name: 'proc', run: maskedProc },
  { name: 'overlay', run: overlay },
  { name: 'replaced files', run: replacedFiles },
  { name: 'images', run: images },
  { name: 'terminals', run: devpts },
  { name: 'start-up', run: handOver },
  { name: 'remembered plans', run: remembered },
  { name: 'ping', run: ping },
  { name: 'hosts by name', run: namedHosts },
  { name: 'all hosts', run: allHosts },
  { name: 'Landlock', run: landlock },
  { name: 'control groups', run: cgroups },
]

/**
 * Prints each check to OUT, a line at a time, or all as one JSON document. Exit status: 0 if the default box starts,
 * else 1.
 */
export function doctor(out: (line: string) => void, host: Host = examinedHost(), json = false): number {
  const checks = CHECKS.map(({ name, run }) => ({ name, ...run(host) }))
  const boxes = verdict(host, checks)
  for (const line of json ? safeJson({ boxes, checks }).split('\n') : printed(checks, boxes)) out(line)
  return boxes.default.starts ? 0 : 1
}
