/**
 * A mount moves with the directory that it lies in: a box that may rename a directory above a read-only mount could put
 * something else in its place. So the path to such a mount is pinned where it leads through directories of the host
 * that the box can write to.
 */
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import type { Mount, Root } from '../plan/types.ts'

type Pin = Extract<Mount, { type: 'pin' }>
/** By target, the number of the last mount there. */
export type LatestMounts = Map<string, number>

/** MOUNTS, whose targets are clean, with the pins that belong to them. `alsoPinned`: the sidecar will pin more. */
export function withPins(mounts: readonly Mount[], root: Root, alsoPinned: boolean): Mount[] {
  const { result, first } = hasReadOnly(mounts) ? pinned(mounts, root) : { result: [...mounts], first: -1 }
  if (alsoPinned) return withStash(result, mounts, mounts.length)
  return first < 0 ? result : withStash(result, mounts, first)
}

function hasReadOnly(mounts: readonly Mount[]): boolean {
  for (const mount of mounts) if (isReadOnly(mount)) return true
  return false
}

/** Files of the kernel can't be renamed. */
function isReadOnly(mount: Mount): boolean {
  if (mount.type === 'protect') return mount.kernel !== true
  return mount.type === 'bind' && mount.options?.includes('ro') === true
}

const isOptional = (mount: Mount): boolean =>
  (mount.type === 'bind' || mount.type === 'protect') && mount.optional === true

/** MOUNTS with their pins, and the number of the first mount that has one; -1 for none. */
function pinned(mounts: readonly Mount[], root: Root): { result: Mount[]; first: number } {
  const result: Mount[] = []
  const latest: LatestMounts = new Map()
  const names = new Set<string>()
  let first = -1
  for (let n = 0; n < mounts.length; n++) {
    const mount = mounts[n] as Mount
    result.push(mount)
    if (mount.type === 'pin' && first < 0) first = n
    if (isReadOnly(mount)) {
      for (const pin of pinsOf(mount.target, mounts, latest, root)) {
        const name = `${pin.from}\0${pin.target}`
        if (names.has(name)) continue
        // They go with a mount that may be left out.
        if (!isOptional(mount)) names.add(name)
        result.push(pin)
        if (first < 0) first = n
      }
    }
    if (MOUNT_TYPES[mount.type].covers) latest.set(mount.target, n)
  }
  return { result, first }
}

/** Puts the stash below the first mount that surely hides a directory, if that comes before the first pin. */
function withStash(result: Mount[], mounts: readonly Mount[], first: number): Mount[] {
  for (let n = 0; n < mounts.length && n <= first; n++) {
    const { type, target } = mounts[n] as Mount
    if (type !== 'proc' && type !== 'dev' && type !== 'tmpfs') continue
    result.splice(result.indexOf(mounts[n] as Mount), 0, { type: 'stash', target })
    break
  }
  return result
}

/** The pins of PATH, from the inside out, while the box can write there to files of the host. */
function pinsOf(path: string, mounts: readonly Mount[], latest: LatestMounts, root: Root): Pin[] {
  const pins: Pin[] = []
  for (let below = path; below !== '/';) {
    const parent = parentOf(below)
    const cover = mounts[latestAbove(parent, latest)]
    if (
      cover === undefined
        ? root.type !== 'directory' || root.options?.includes('ro')
        : cover.type !== 'bind' || cover.options?.includes('ro')
    )
      break
    const from = cover?.target ?? '/'
    if (parent !== from) pins.push({ type: 'pin', target: parent, from })
    below = from
  }
  return pins
}

/** Number of the last mount at PATH or above it, or -1 for the root. */
export function latestAbove(path: string, mounts: LatestMounts): number {
  let latest = -1
  for (let above = path; ; above = parentOf(above)) {
    const found = mounts.get(above)
    if (found !== undefined && found > latest) latest = found
    if (above === '/') return latest
  }
}

export function parentOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end > 0 ? path.slice(0, end) : '/'
}
