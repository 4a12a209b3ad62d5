/** Finds mounts that a later mount of the same command line hides: always a mistake. */
import { printable } from '../text/printable.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import type { Mount } from '../plan/types.ts'

type Covered = { mount: Mount; by: Mount }

/** The option that asks for such a mount; undefined for mounts that nsbox adds by itself. */
export function mountOption(mount: Mount): string | undefined {
  switch (mount.type) {
    case 'bind':
      return bindOption(mount)
    case 'mask':
      return mount.kernel ? undefined : mount.closed ? 'hide' : 'mask'
    case 'tmpfs':
    case 'proc':
    case 'dev':
    case 'dir':
    case 'symlink':
    case 'file':
      return mount.type
    case 'overlay':
    case 'hide':
    case 'sockets':
    case 'protect':
    case 'view':
    case 'stash':
    case 'pin':
    case 'sysfs':
    case 'cgroup':
      return undefined
    default:
      return mount satisfies never
  }
}

function bindOption({ options, optional }: Extract<Mount, { type: 'bind' }>): string {
  const name = options?.includes('ro') ? 'ro-bind' : options?.includes('nodev') ? 'bind' : 'dev-bind'
  return optional ? `${name}-try` : name
}

/** Each mount that a later one of MOUNTS covers, with the first that covers it. All targets are clean. */
export function coveredMounts(mounts: readonly Mount[]): Covered[] {
  const found: Covered[] = []
  // For each target the number of the first mount that covers all below it.
  const covers = new Map<string, number>()
  for (let n = mounts.length - 1; n >= 0; n--) {
    const mount = mounts[n] as Mount
    if (mountOption(mount) === undefined) continue
    const { type, target } = mount
    let first = covers.get(target) ?? mounts.length
    for (let end = target.lastIndexOf('/'); end > 0; end = target.lastIndexOf('/', end - 1))
      first = Math.min(first, covers.get(target.slice(0, end)) ?? first)
    const by = mounts[first]
    // A directory that was made for a mount to lie on has had its effect.
    if (by !== undefined && !(type === 'dir' && by.target === target)) found.unshift({ mount, by })
    if (MOUNT_TYPES[type].covers) covers.set(target, n)
  }
  return found
}

/** The way out, for the hint of the warning. */
export function coveredWay({ mount, by }: Covered): string {
  return mount.target === by.target
    ? 'leave one of the two out'
    : `name it after --${mountOption(by)} ${printable(by.target)}: mounts lie on each other in the order given`
}

/** The warning, in one sentence without a full stop. */
export function coveredText({ mount, by }: Covered): string {
  return `--${mountOption(mount)} ${printable(mount.target)} has no effect: the later --${mountOption(by)} ${printable(by.target)} covers it`
}
