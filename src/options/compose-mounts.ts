/** Mounts of several sources, such as profiles and the command line behind them, as one list. */
import { cleanPath } from '../plan/box-path.ts'
import type { MountRequest, Options } from './types.ts'

/**
 * BEFORE with LATER behind it. Of two mounts at one path the later one counts, in the place of the earlier one, so that
 * what lies below it stays in sight. A tmpfs on "/" is the root, and comes first.
 */
export function composeMounts(before: readonly MountRequest[], later: readonly MountRequest[]): MountRequest[] {
  const all = [...before]
  const replaced = new Set<number>()
  for (const mount of later) {
    const at = replacesAtPath(mount)
      ? all.findLastIndex((one, n) => n < before.length && targetOf(one) === targetOf(mount))
      : -1
    // Two of one source at one path are its own affair.
    if (at >= 0 && !replaced.has(at)) {
      all[at] = mount
      replaced.add(at)
    } else all.push(mount)
  }
  const isRoot = (mount: MountRequest): boolean => mount.type === 'tmpfs' && targetOf(mount) === '/'
  return [...all.filter(isRoot), ...all.filter((mount) => !isRoot(mount))]
}

/** Adds what the caller says behind profiles. COUNT: how many of the mounts are theirs. */
export function composeBehind(options: Options, count: number): void {
  const { mounts } = options
  if (mounts !== undefined) options.mounts = composeMounts(mounts.slice(0, count), mounts.slice(count))
}

const targetOf = (mount: MountRequest): string =>
  cleanPath(mount.type === 'bind' ? (mount.target ?? mount.source) : mount.target)

/** Whether all that was at its path is gone under it. A mask hides what is there; what is optional may be missing. */
function replacesAtPath(mount: MountRequest): boolean {
  if (mount.type === 'bind') return mount.optional !== true
  return mount.type !== 'mask' && mount.type !== 'dir' && mount.type !== 'symlink'
}
