/**
 * A missing mount point is made where it shows. On the host's own root it then stands on the host while the box runs.
 * Directly below "/", or in a read-only root, it can't be made: there a view takes the place of the directory.
 */
import type { HostFacts } from '../host/types.ts'
import { latestAbove, parentOf, type LatestMounts } from './pins.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import type { Mount, Root } from '../plan/types.ts'

/** A name that would have to be made on the host's own root: the target, and the directory that lacks it. */
type Missing = { target: string; parent: string }

/** `first`: mounts that come before, all on existing targets. All targets are clean. */
export function missingOnHost(
  asked: readonly Mount[],
  first: readonly Mount[],
  root: Root,
  look: HostFacts['look'],
): Missing[] {
  const missing: Missing[] = []
  if (root.type !== 'directory' || root.path !== '/' || asked.length === 0) return missing
  const latest: LatestMounts = new Map()
  for (const { target } of first) latest.set(target, 0)
  for (let n = 0; n < asked.length; n++) {
    const mount = asked[n] as Mount
    const { type, target } = mount
    if (MOUNT_TYPES[type].makes && !showsOnlyWhatIsThere(mount) && target !== '/' && latestAbove(target, latest) < 0) {
      const parent = lacking(target, look)
      if (parent !== undefined) missing.push({ target, parent })
    }
    if (MOUNT_TYPES[type].covers) latest.set(target, n)
  }
  return missing
}

/** An optional bind to the same path: where its source is missing, it is left out, and otherwise its target is there. */
const showsOnlyWhatIsThere = (mount: Mount): boolean =>
  mount.type === 'bind' && mount.optional === true && mount.source === mount.target

/** The last existing directory above TARGET; undefined where TARGET itself exists, or can't be looked up. */
function lacking(target: string, look: HostFacts['look']): string | undefined {
  if (typeof look(target, false) === 'string') return undefined
  for (let parent = parentOf(target); ; parent = parentOf(parent)) {
    const kind = look(parent, true)
    if (kind === 'directory') return parent
    if (kind === 'other' || kind.code !== 'ENOENT' || parent === '/') return undefined
  }
}

/** Directories that need a view, outermost first; "/" is the root's own. `more`: one that is needed anyway. */
export function viewsFor(missing: readonly Missing[], readonly: boolean, more?: string): string[] {
  const views: string[] = more === undefined ? [] : [more]
  for (const { parent } of missing) if ((readonly || parent === '/') && !views.includes(parent)) views.push(parent)
  return views.length > 1 ? views.sort((a, b) => a.length - b.length) : views
}
