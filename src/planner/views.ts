/**
 * A mount point that is missing is made where it shows. On the host's own root that leaves something on the host for as long as the box
 * runs, and below "/", or with a root that is read-only, it can't be: there a view takes the place of the directory.
 */
import type { HostFacts } from '../host/bun.ts'
import { latestAbove, parentOf, type Places } from './pins.ts'
import type { Mount, Root } from '../plan/types.ts'

/** Others name what has to be there, or go with another mount. */
const MAKES: readonly Mount['type'][] = ['bind', 'tmpfs', 'proc', 'dev', 'overlay', 'dir', 'symlink', 'file']

/** What would have to be made on the host's own root: the place, and the directory that lacks it. */
type Missing = { target: string; parent: string }

/** `first`: what is mounted before, on what is there. All targets are clean. */
export function missingOnHost(asked: readonly Mount[], first: readonly Mount[], root: Root, look: HostFacts['look']): Missing[] {
  const missing: Missing[] = []
  if (root.type !== 'directory' || root.path !== '/' || asked.length === 0) return missing
  const places: Places = new Map()
  for (const { target } of first) places.set(target, 0)
  for (let n = 0; n < asked.length; n++) {
    const { type, target } = asked[n] as Mount
    if (MAKES.includes(type) && target !== '/' && latestAbove(target, places) < 0) {
      const parent = lacking(target, look)
      if (parent !== undefined) missing.push({ target, parent })
    }
    if (type !== 'dir' && type !== 'symlink') places.set(target, n)
  }
  return missing
}

/** The last directory on the way that is there; undefined where the place itself is, or can't be looked for. */
function lacking(target: string, look: HostFacts['look']): string | undefined {
  if (typeof look(target, false) === 'string') return undefined
  for (let parent = parentOf(target); ; parent = parentOf(parent)) {
    const kind = look(parent, true)
    if (kind === 'directory') return parent
    if (kind === 'other' || kind.code !== 'ENOENT' || parent === '/') return undefined
  }
}

/** Directories that need a view, outermost first; "/" is the root's own. */
export function viewsFor(missing: readonly Missing[], readonly: boolean): string[] {
  const views: string[] = []
  for (const { parent } of missing) if ((readonly || parent === '/') && !views.includes(parent)) views.push(parent)
  return views.sort((a, b) => a.length - b.length)
}
