/**
 * Whether what a box hides and keeps has to be watched: the host takes a mount away when it renames another file over
 * the file below. A program of nsbox outside of the box, nsbox-hide, then ends the box.
 */
import type { Options } from '../options/types.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import type { Capability, Helper, Mount, Root } from '../plan/types.ts'
import { latestAbove, type LatestMounts } from './pins.ts'

/** The helper that watches MOUNTS, whose targets are clean; none where the host can't replace anything. */
export function watchers(
  mounts: readonly Mount[],
  root: Root,
  capabilities: readonly Capability[],
  { sockets }: Pick<Options, 'sockets'>,
): Helper[] {
  // Such a box may take its mounts away itself.
  if (capabilities.includes('sys_admin')) return []
  const paths = new Set<string>()
  const latest: LatestMounts = new Map()
  let needed = false
  for (let n = 0; n < mounts.length; n++) {
    const mount = mounts[n] as Mount
    // Those that only --allow-host hides are left to their servers.
    const isMeant = mount.type === 'sockets' ? sockets !== undefined : isGuarded(mount)
    if (isMeant && showsHost(mounts[latestAbove(mount.target, latest)], root)) {
      needed = true
      if (mount.type === 'mask' || mount.type === 'protect') paths.add(mount.target)
    }
    if (MOUNT_TYPES[mount.type].covers) latest.set(mount.target, n)
  }
  return needed ? [{ part: 'hide', argv: ['nsbox-hide', 'watch', ...paths], ends: 'box' }] : []
}

const isGuarded = (mount: Mount): boolean =>
  mount.type === 'mask' || mount.type === 'protect' ? mount.kernel !== true : mount.type === 'hide'

/** Whether the directory that COVER, the last mount at or above it, shows is one of the host's. */
function showsHost(cover: Mount | undefined, root: Root): boolean {
  if (cover === undefined) return root.type === 'directory'
  return cover.type === 'bind' || cover.type === 'protect' || cover.type === 'view'
}
