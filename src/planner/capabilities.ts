/** The command's privileges beyond those of an ordinary process. */
import type { Options } from '../options/types.ts'
import { CAPABILITIES } from '../plan/constants.ts'
import type { Capability } from '../plan/types.ts'

/** The capabilities that container engines leave to root in a container, in the order of their numbers. */
export const OF_ROOT: readonly Capability[] = [
  'chown',
  'dac_override',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'net_bind_service',
  'net_raw',
  'sys_chroot',
  'mknod',
  'audit_write',
  'setfcap',
]

/**
 * The same without net_raw: on the host's network, root would read and forge all that passes there, on its loopback
 * too.
 */
function ofRootOnHostNetwork(): Capability[] {
  const names: Capability[] = []
  for (const name of OF_ROOT) if (name !== 'net_raw') names.push(name)
  return names
}

/** Capabilities in the order of their numbers. Only root in the box has any by default. */
export function capabilitiesOf(
  { capabilities, privileged }: Options,
  uid: number,
  ownNetwork: boolean,
): readonly Capability[] {
  const before = uid !== 0 ? [] : privileged ? CAPABILITIES : ownNetwork ? OF_ROOT : ofRootOnHostNetwork()
  if (capabilities === undefined) return before
  const kept = new Set<Capability>(before)
  for (const { type, name } of capabilities) {
    for (const capability of name === 'all' ? CAPABILITIES : [name]) {
      if (type === 'add') kept.add(capability)
      else kept.delete(capability)
    }
  }
  const sorted: Capability[] = []
  for (const name of CAPABILITIES) if (kept.has(name)) sorted.push(name)
  return sorted
}
