/** The mounts of a plan: those by default, and those that options request. buildPlan puts them in order. */
import type { HostFacts } from '../host/types.ts'
import type { MountRequest, Options } from '../options/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import { rootDirectories, showsHost } from '../plan/root.ts'
import type { Mount, MountOption, Root } from '../plan/types.ts'
import { hostFile } from './host-path.ts'
import { procView, sysView } from './masked-paths.ts'

const PROC_OPTIONS: MountOption[] = ['nosuid', 'nodev', 'noexec']

/** Whether the box is not on the host's network. */
export const hasOwnNetwork = (net: Options['net']): boolean => net !== undefined && net !== 'host'

/** A root that has /proc and /dev, or is an image's, gets fresh ones, unless an option mounts something there. */
export function defaultMounts(
  options: Options,
  root: Root,
  requested: readonly Mount[],
  host: HostFacts,
  image: boolean,
): Mount[] {
  const mounts: Mount[] = []
  const has = (name: string): boolean => {
    if (isTaken(name, requested)) return false
    if (image) return true
    for (const path of rootDirectories(root))
      if (typeof host.look(path === '/' ? name : path + name, false) === 'string') return true
    return false
  }
  if (has('/proc')) addWithView(mounts, proc('/proc', options), options)
  if (has('/dev')) mounts.push({ type: 'dev', target: '/dev' })
  // Only the host's root has a sysfs that no option requested.
  if (showsHost(root) && !options.privileged && has('/sys'))
    mounts.push(...sysView({ cgroup: !options.share?.includes('cgroup'), net: hasOwnNetwork(options.net) }))
  return mounts
}

function isTaken(name: string, requested: readonly Mount[]): boolean {
  for (const { target } of requested) if (target === name) return true
  return false
}

/**
 * Adds a mount, and behind a procfs what hides parts of it. A link to /proc isn't recognised: only the caller could
 * have put one in the caller's own way.
 */
export function addWithView(mounts: Mount[], mount: Mount, { privileged }: Options): void {
  mounts.push(mount)
  const isProc = mount.type === 'proc' || (mount.type === 'bind' && cleanPath(mount.source) === '/proc')
  if (isProc && !privileged) mounts.push(...procView(mount.target))
}

/** Sources are paths of the host, where a link may stand before ".."; targets are clean, and none is relative. */
export function mountOf(request: MountRequest, host: HostFacts, options: Options): Mount {
  if (request.type === 'bind') return bind(request, options, host)
  const target = cleanPath(request.target)
  switch (request.type) {
    case 'tmpfs':
      return tmpfs(request, target)
    case 'proc':
      return proc(target, options)
    case 'file':
      return { ...request, target, source: hostFile('copy', request.source, options, host) }
    default:
      return { ...request, target }
  }
}

/**
 * A procfs shows the pid namespace of the process that mounts it. In the host's, the kernel allows a user only a bind
 * of the host's /proc.
 */
function proc(target: string, { share = [], nest }: Options): Mount {
  // In a container the kernel allows no new procfs; the container's is read-only, or the box could change its settings.
  if (nest) return { type: 'bind', source: '/proc', target, options: ['ro', ...PROC_OPTIONS] }
  if (!share.includes('pid')) return { type: 'proc', target, options: PROC_OPTIONS }
  return { type: 'bind', source: '/proc', target, options: PROC_OPTIONS }
}

function tmpfs({ readonly, ...request }: Extract<MountRequest, { type: 'tmpfs' }>, target: string): Mount {
  return { ...request, target, options: readonly ? ['ro', 'nosuid', 'nodev'] : ['nosuid', 'nodev'] }
}

function bind(
  { source, target, readonly, devices, optional }: Extract<MountRequest, { type: 'bind' }>,
  options: Options,
  host: HostFacts,
): Mount {
  const path = hostFile('bind', source, options, host, optional)
  const flags: MountOption[] = [...(readonly ? ['ro' as const] : []), 'nosuid', ...(devices ? [] : ['nodev' as const])]
  const mount: Mount = { type: 'bind', source: path, target: cleanPath(target ?? path), options: flags }
  return optional ? { ...mount, optional } : mount
}

/** Whether the box can write to any file of the host. */
export function isWritable(root: Root, mounts: readonly Mount[]): boolean {
  if (root.type === 'directory' && !root.options?.includes('ro')) return true
  for (const { type, ...mount } of mounts)
    if (type === 'bind' && 'options' in mount && !mount.options?.includes('ro')) return true
  return false
}
