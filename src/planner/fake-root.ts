/** The mounts that --fake-root adds to its filter. */
import type { HostFacts } from '../host/types.ts'
import type { Mount, Root } from '../plan/types.ts'
import { BoxFiles } from './in-root.ts'

const APT = '/etc/apt/apt.conf.d'

/**
 * apt changes its user before it downloads, and verifies that: where the change is only answered with success, it has
 * to be told not to. The file is shown by a mount, so that nothing of it gets into the root. Nothing is shown where
 * nothing could be installed: in a read-only root, or in one of another user, where even the mount point can't be made.
 */
export function aptMounts(root: Root, mounts: readonly Mount[], host: HostFacts): Mount[] {
  if (root.options?.includes('ro')) return []
  const owner = BoxFiles.with(root, mounts, host, (files) => files.ownerOfDirectory(APT))
  if (owner === undefined || (owner !== host.uid && host.uid !== 0)) return []
  return [{ type: 'file', target: `${APT}/99nsbox`, text: 'APT::Sandbox::User "root";\n' }]
}
