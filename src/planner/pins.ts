/**
 * A mount goes with the directory that it lies in: whoever may rename a directory above what is read-only puts something else in its
 * place. So the way there is held, where it leads through what the box can write to of the host's.
 */
import type { Mount, Root } from '../plan/types.ts'

type Pin = Extract<Mount, { type: 'pin' }>
export type Places = Map<string, number>

/** All of MOUNTS, whose targets are clean, and the pins that belong to them. `alsoHeld`: the sidecar will pin more. */
export function withPins(mounts: readonly Mount[], root: Root, alsoHeld: boolean): Mount[] {
  const all: Mount[] = []
  const places: Places = new Map()
  const pinned = new Set<string>()
  let first = alsoHeld ? mounts.length : -1
  for (let n = 0; n < mounts.length; n++) {
    const mount = mounts[n] as Mount
    all.push(mount)
    if (mount.type === 'bind' && mount.options?.includes('ro')) {
      for (const pin of pinsOf(mount.target, mounts, places, root)) {
        const name = `${pin.from}\0${pin.target}`
        if (pinned.has(name)) continue
        pinned.add(name)
        all.push(pin)
        if (first < 0) first = n
      }
    }
    if (mount.type !== 'dir' && mount.type !== 'symlink' && mount.type !== 'stash' && mount.type !== 'pin') places.set(mount.target, n)
  }
  if (first < 0) return all
  return withStash(all, mounts, first)
}

/** The first mount that hides a directory for sure, if it comes before there are pins. */
function withStash(all: Mount[], mounts: readonly Mount[], first: number): Mount[] {
  for (let n = 0; n < mounts.length && n <= first; n++) {
    const { type, target } = mounts[n] as Mount
    if (type !== 'proc' && type !== 'dev' && type !== 'tmpfs') continue
    all.splice(all.indexOf(mounts[n] as Mount), 0, { type: 'stash', target })
    break
  }
  return all
}

/** From what shows there outwards, as long as the box can write to it and it is the host's. */
function pinsOf(path: string, mounts: readonly Mount[], places: Places, root: Root): Pin[] {
  const pins: Pin[] = []
  for (let below = path; below !== '/';) {
    const parent = parentOf(below)
    const cover = mounts[latestAbove(parent, places)]
    if (cover === undefined ? root.type !== 'directory' || root.options?.includes('ro') : cover.type !== 'bind' || cover.options?.includes('ro')) break
    const from = cover?.target ?? '/'
    if (parent !== from) pins.push({ type: 'pin', target: parent, from })
    below = from
  }
  return pins
}

/** Number of the last mount at PATH or above it, or -1 for the root. */
export function latestAbove(path: string, places: Places): number {
  let latest = -1
  for (let above = path; ; above = parentOf(above)) {
    const found = places.get(above)
    if (found !== undefined && found > latest) latest = found
    if (above === '/') return latest
  }
}

export function parentOf(path: string): string {
  const end = path.lastIndexOf('/')
  return end > 0 ? path.slice(0, end) : '/'
}
