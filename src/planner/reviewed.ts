/** Mounts of a box whose changes are reviewed: what it could write to on the host becomes an overlay. */
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import { compact } from '../plan/compact.ts'
import { isBelow } from './places.ts'
import type { Mount, Root } from '../plan/types.ts'

/**
 * Binds of the caller's own directories. In an overlay of the whole root, other mounts are read-only, and a home may be
 * one. And in an ordinary user's overlay nothing below a directory of another user can be changed, and a home lies
 * below one.
 */
export function ownBinds(root: Root, { cwd, variable }: Pick<HostFacts, 'cwd' | 'variable'>): Mount[] {
  if (root.type !== 'layers' || root.lowers[0] !== '/' || root.image !== undefined) return []
  const home = variable('HOME')
  const paths = [home !== undefined && home.startsWith('/') ? cleanPath(home) : '/', cwd].filter((path) => path !== '/')
  const tops = paths.filter(
    (path, n) => !paths.some((other, m) => m !== n && (isBelow(path, other) || (m < n && path === other))),
  )
  return tops.map((path) => ({ type: 'bind', source: path, target: path, options: root.options ?? [], optional: true }))
}

type Bind = Extract<Mount, { type: 'bind' }>
type Overlay = Extract<Mount, { type: 'overlay' }>

/**
 * MOUNTS with an overlay in the place of each directory of the host that the box could write to; its changes go below
 * DIRECTORY. Where an overlay would show the reviews, they are hidden: a command that removed them would find its own
 * changes there, and more of them each time. Throws SandboxError for a file, which no overlay can show.
 */
export function reviewed(
  mounts: readonly Mount[],
  root: Root,
  directory: string,
  host: Pick<HostFacts, 'look'>,
): Mount[] {
  const reviews = directory.slice(0, directory.lastIndexOf('/'))
  const result: Mount[] = []
  const hide = (lower: string | undefined, target: string): void => {
    const top = lower === '/' ? '' : lower
    if (!reviews.startsWith(`${top}/`)) return
    const path = (target === '/' ? '' : target) + reviews.slice(top?.length)
    // An overlay of what is above shows them once, and hides the earlier mask.
    const earlier = result.findIndex(({ type, target: other }) => type === 'mask' && other === path)
    if (earlier > 0 && result[earlier - 1]?.type === 'dir') result.splice(earlier - 1, 2)
    // Where they lie on a mount of their own, the overlay lacks it.
    result.push({ type: 'dir', target: path, mode: '0700' }, { type: 'mask', target: path })
  }
  if (root.type === 'layers' && root.state?.startsWith(`${directory}/`)) hide(root.lowers[0], '/')
  let count = 0
  for (const mount of mounts) {
    if (mount.type !== 'bind' || mount.options?.includes('ro') || isDevice(mount)) result.push(mount)
    else if (isThere(mount, host)) {
      const overlay = overlayOf(mount, `${directory}/${count++}`)
      result.push(overlay)
      hide(overlay.lower, overlay.target)
    }
  }
  return result
}

/** Devices keep nothing that could be looked at later. */
const isDevice = ({ source }: Bind): boolean => source === '/dev' || source.startsWith('/dev/')

/** False: it may be left out, and is missing. */
function isThere({ source, optional }: Bind, host: Pick<HostFacts, 'look'>): boolean {
  const kind = host.look(source, true)
  if (kind === 'directory') return true
  if (typeof kind === 'object' && optional) return false
  throw new SandboxError({
    step: 'changes',
    what: 'only directories can be reviewed',
    path: source,
    hint: 'bind the directory that it lies in, or bind it read-only',
  })
}

function overlayOf({ source, target, options }: Bind, state: string): Overlay {
  return compact<Overlay>({ type: 'overlay', target, lower: withoutDots(source), state, options })
}

/** The sidecar compares it with the caller's directory. A link may stand before "..". */
const withoutDots = (path: string): string => (path.split('/').includes('..') ? path : cleanPath(path))
