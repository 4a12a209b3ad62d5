/** Finds what a rule would keep and isn't there, so that the box may make it. */
import type { HostFacts } from '../host/types.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import type { Mount, Plan, Root } from '../plan/types.ts'
import { latestAbove, type LatestMounts } from './pins.ts'
import { realPlace } from './places.ts'
import type { Options } from '../options/types.ts'

type Host = Pick<HostFacts, 'look' | 'cwd' | 'realPath'>

/** What the caller asked to keep and isn't there; nothing is said of `keepTry`. */
export function missingToSay({ mounts = [], root }: Plan, { keep, keepTry = [] }: Options, host: Host): string[] {
  if (keep === undefined || root === undefined) return []
  const said = new Set(keep.map((path) => realPlace(path, host)))
  const unsaid = new Set(keepTry.map((path) => realPlace(path, host)))
  return missingKept(mounts, root, host.look).filter((path) => said.has(path) || !unsaid.has(path))
}

/** The paths, as the box has them. All targets are clean. */
export function missingKept(mounts: readonly Mount[], root: Root, look: HostFacts['look']): string[] {
  const missing: string[] = []
  const latest: LatestMounts = new Map()
  for (let n = 0; n < mounts.length; n++) {
    const mount = mounts[n] as Mount
    const { type, target } = mount
    if (type === 'protect' && mount.optional) {
      const place = writablePlace(target, mounts[latestAbove(target, latest)], root)
      const found = place === undefined ? 'other' : look(place, false)
      if (typeof found === 'object' && found.code === 'ENOENT') missing.push(target)
    }
    if (MOUNT_TYPES[type].covers) latest.set(target, n)
  }
  return missing
}

/** The place on the host that TARGET shows; undefined where the box can't write. COVER: the last mount above it. */
function writablePlace(target: string, cover: Mount | undefined, root: Root): string | undefined {
  if (cover === undefined)
    return root.type === 'directory' && !root.options?.includes('ro') ? root.path + target : undefined
  if (cover.type !== 'bind' || cover.options?.includes('ro')) return undefined
  return cover.source + target.slice(cover.target === '/' ? 0 : cover.target.length)
}

/** The warning, in one sentence without a full stop. */
export function missingKeptText(missing: readonly string[]): string {
  const shown = missing.length > MOST ? [...missing.slice(0, MOST), `and ${missing.length - MOST} more`] : missing
  return `--keep: missing, so the command may make ${missing.length > 1 ? 'them' : 'it'}: ${shown.join(' ')}`
}

const MOST = 20
