/**
 * Which rule of a plan decides about a path of the box: whether the box shows what is there, and whether it may write.
 * Static: it follows links and mounts as the box would, by looks at the host, and starts nothing.
 */
import { lstatSync, readlinkSync, statSync } from 'node:fs'
import { hostPath } from '../host/bun.ts'
import { codeOf } from '../host/errno.ts'
import { cleanPath } from '../plan/box-path.ts'
import { isBelow } from '../planner/places.ts'
import { rootDirectories } from '../plan/root.ts'
import type { BoxPlan, Mount, Root } from '../plan/types.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import { fromBytes } from '../text/bytes.ts'
import { areHiding } from '../text/glob.ts'
import { withoutMissing } from './left-out.ts'
import type { HostFacts } from '../host/types.ts'

/** A rule is the root itself, a mount, or one of nsbox's own directories. */
export type Rule = { type: 'root'; root: Root } | { type: 'mount'; mount: Mount } | { type: 'own'; path: string }

export type Decision = {
  /** The path in the box, without links. */
  path: string
  /**
   * What the box finds there. 'kernel': a file system of the kernel's or the box's own devices, which no look at the
   * host can tell. 'unknown': the caller may not look.
   */
  finds: 'file' | 'directory' | 'nothing' | 'hidden' | 'kernel' | 'unknown'
  /** Who decides what is shown there. */
  shownBy: Rule
  /** Whether the box's mounts let it write there, or make what is missing. Permissions of the file count as well. */
  writable: boolean
  /** Who decides that. */
  writtenBy: Rule
  /** Nothing is there, and not even the directory in which it could be made. */
  lacksDirectory: boolean
  /** Where the path is on the host; undefined: nowhere. */
  source: string | undefined
}

/** What lies at a path while it is followed. */
type Place = {
  /** Directories of the host that are merged there, the topmost first. */
  sources: readonly string[]
  /** A tmpfs, or what the kernel shows. */
  kind: 'host' | 'memory' | 'kernel' | 'hidden'
  shownBy: Rule
  writable: boolean
  writtenBy: Rule
  /** The directory itself is a view: its entries are writable, and nothing can be made or removed in it. */
  isView: boolean
}

type Looked = 'file' | 'directory' | 'nothing' | 'unknown' | { link: string }

/** As many as the kernel follows, path_resolution(7). */
const MAX_LINKS = 40

/** `path`: absolute, of the box. `look`: finds which optional mounts would be left out. */
export function decide(given: BoxPlan, path: string, look: HostFacts['look']): Decision {
  return decider(given, look)(path)
}

/** The same for many paths of one box. */
export function decider(given: BoxPlan, look: HostFacts['look']): (path: string) => Decision {
  const { plan } = withoutMissing(given, look)
  const mounts = new Map<string, { mount: Mount; below: Place }>()
  for (const mount of plan.mounts ?? []) add(mounts, plan, mount)
  return (path) => follow(mounts, plan, path, true)
}

function add(mounts: Map<string, { mount: Mount; below: Place }>, plan: BoxPlan, mount: Mount): void {
  if (mount.type === 'stash' || mount.type === 'pin' || mount.type === 'hide' || mount.type === 'sockets') return
  const { path, place, found } = resolve(mounts, plan, mount.target, mount.type !== 'symlink')
  // A directory or link that is there already stays as it is.
  if ((mount.type === 'dir' || mount.type === 'symlink') && found !== 'nothing') return
  if ('kernel' in mount && mount.kernel && found === 'nothing') return
  // What is read-only or a view shows what was there before.
  if (MOUNT_TYPES[mount.type].covers && mount.type !== 'protect' && mount.type !== 'view')
    for (const below of mounts.keys()) if (below === path || isBelow(below, path)) mounts.delete(below)
  if (mount.type === 'protect')
    for (const [below, entry] of mounts)
      if (isBelow(below, path)) mounts.set(below, { ...entry, below: readOnly(entry.below, mount) })
  mounts.set(path, { mount, below: placeOf(mount, place) })
}

const readOnly = (place: Place, mount: Mount): Place => ({
  ...place,
  writable: false,
  writtenBy: { type: 'mount', mount },
})

/** What MOUNT shows, where PLACE was before. */
function placeOf(mount: Mount, place: Place): Place {
  const rule: Rule = { type: 'mount', mount }
  const isReadOnly = 'options' in mount && mount.options?.includes('ro') === true
  const shown = { shownBy: rule, writable: !isReadOnly, writtenBy: rule, isView: false }
  switch (mount.type) {
    case 'bind':
      return { ...shown, kind: 'host', sources: [mount.source] }
    case 'overlay':
      return { ...shown, kind: 'host', sources: [...upperOf(mount.state), mount.lower] }
    case 'tmpfs':
      return { ...shown, kind: 'memory', sources: [] }
    case 'dir':
      return { ...place, shownBy: rule, kind: 'memory', sources: [], isView: false }
    case 'file':
      return { ...shown, kind: 'kernel', sources: [] }
    case 'mask':
      return { ...shown, kind: 'hidden', writable: false, sources: [] }
    case 'protect':
      return readOnly(place, mount)
    case 'view':
      return { ...place, isView: true }
    case 'symlink':
    case 'pin':
    case 'stash':
    case 'hide':
    case 'sockets':
      return place
    case 'proc':
    case 'dev':
      return { ...shown, kind: 'kernel', sources: [] }
    case 'sysfs':
    case 'cgroup':
      return { ...shown, kind: 'kernel', writable: false, sources: [] }
    default:
      return mount satisfies never
  }
}

const upperOf = (state: string | undefined): string[] => (state === undefined ? [] : [`${state}/upper`])

function rootPlace({ root }: BoxPlan): Place {
  const rule: Rule = { type: 'root', root }
  return {
    kind: root.type === 'empty' ? 'memory' : 'host',
    sources: [...upperOf(root.type === 'layers' ? root.state : undefined), ...rootDirectories(root)],
    shownBy: rule,
    writable: !root.options?.includes('ro'),
    writtenBy: rule,
    isView: root.type === 'directory' && root.view === true,
  }
}

function follow(
  mounts: ReadonlyMap<string, { mount: Mount; below: Place }>,
  plan: BoxPlan,
  given: string,
  last: boolean,
): Decision {
  const { path, place, found, above } = resolve(mounts, plan, given, last)
  const named = hiddenBy(plan, path, place)
  if (named !== undefined && found !== 'nothing')
    return { path, finds: 'hidden', ...decidedBy(named), writable: false, lacksDirectory: false, source: undefined }
  const own = (plan.own ?? []).find((directory) => path === directory || isBelow(path, directory))
  // In what is hidden there may be directories that were made on the way to a mount.
  const isHidden = place.kind === 'hidden' && (found === 'nothing' || mounts.get(path)?.mount.type === 'mask')
  const finds = isHidden ? 'hidden' : place.kind === 'kernel' ? 'kernel' : typeof found === 'object' ? 'file' : found
  // What is missing has to be made in the directory above, which has to be there.
  const inView = place.isView || (found === 'nothing' && above?.isView === true)
  const lacksDirectory = found === 'nothing' && above === undefined
  const writable = place.writable && !inView && own === undefined && !lacksDirectory
  return {
    path,
    finds,
    shownBy: place.shownBy,
    writable,
    writtenBy: own === undefined ? place.writtenBy : { type: 'own', path: own },
    lacksDirectory,
    source: place.kind === 'host' ? place.sources[0] : undefined,
  }
}

const decidedBy = (mount: Mount): Pick<Decision, 'shownBy' | 'writtenBy'> => {
  const rule: Rule = { type: 'mount', mount }
  return { shownBy: rule, writtenBy: rule }
}

/** The mount whose patterns name what is at PATH, or a directory above it; or that hides the socket there. */
function hiddenBy({ mounts = [] }: BoxPlan, path: string, { sources: [source], kind }: Place): Mount | undefined {
  return mounts.find((mount) => {
    if (mount.type === 'hide') return isHiddenAt(mount, path)
    if (mount.type !== 'sockets' || kind !== 'host' || source === undefined || !isSocket(source)) return false
    const isAllowed = mount.allowed?.some((one) => source === one || isBelow(source, one)) === true
    return !isAllowed && (path === mount.target || isBelow(path, mount.target))
  })
}

/** A directory that a pattern names is hidden whole, unless `!` keeps it in sight. */
function isHiddenAt({ target, from, patterns }: Extract<Mount, { type: 'hide' }>, path: string): boolean {
  if (!isBelow(path, target)) return false
  return areHiding(patterns, cleanPath(`${from}/${path.slice(target === '/' ? 0 : target.length)}`))
}

function isSocket(path: string): boolean {
  try {
    return statOf(path).isSocket()
  } catch {
    return false
  }
}

/**
 * The path without links and what is there. `place`: of the path itself, or, of what is missing, as it would be made.
 * `above`: the place of the directory that it lies in, where that is there.
 */
function resolve(
  mounts: ReadonlyMap<string, { mount: Mount; below: Place }>,
  plan: BoxPlan,
  given: string,
  last: boolean,
): { path: string; place: Place; found: Looked; above: Place | undefined } {
  const root = mounts.get('/')?.below ?? rootPlace(plan)
  let way: { name: string; place: Place; found: Looked }[] = []
  const names = given.split('/').reverse()
  for (let links = 0; names.length > 0;) {
    const name = names.pop()
    if (name === undefined || name === '' || name === '.') continue
    if (name === '..') {
      way.pop()
      continue
    }
    const parent = way.at(-1) ?? { place: root, found: 'directory' as const }
    const step = child(mounts, parent, `/${[...way.map((one) => one.name), name].join('/')}`, name)
    const isLast = names.every((rest) => rest === '' || rest === '.')
    if (typeof step.found !== 'object' || (isLast && !last)) {
      way.push({ name, ...step })
      continue
    }
    if (++links > MAX_LINKS) {
      way.push({ name, ...step, found: 'unknown' })
      break
    }
    if (step.found.link.startsWith('/')) way = []
    names.push(...step.found.link.split('/').reverse())
  }
  const here = way.at(-1)
  const parent = way.at(-2) ?? { place: root, found: 'directory' as const }
  return {
    path: cleanPath(`/${way.map(({ name }) => name).join('/')}`),
    place: here?.place ?? root,
    found: here?.found ?? 'directory',
    above: here !== undefined && parent.found === 'directory' ? parent.place : undefined,
  }
}

/** NAME in the directory PARENT, whose path in the box is PATH. */
function child(
  mounts: ReadonlyMap<string, { mount: Mount; below: Place }>,
  parent: { place: Place; found: Looked },
  path: string,
  name: string,
): { place: Place; found: Looked } {
  const mounted = mounts.get(path)
  const inside = { ...parent.place, sources: parent.place.sources.map((source) => join(source, name)), isView: false }
  if (mounted?.mount.type === 'symlink') return { place: inside, found: { link: mounted.mount.to } }
  if (mounted !== undefined) return { place: mounted.below, found: foundAt(mounted.below, mounted.mount) }
  if (parent.found === 'directory' && inside.kind === 'host') {
    for (const [n, source] of inside.sources.entries()) {
      const found = lookAt(source)
      if (found !== 'nothing') return { place: { ...inside, sources: inside.sources.slice(n) }, found }
    }
  }
  // Directories that are missing on the way to a mount are made.
  for (const target of mounts.keys()) if (isBelow(target, path)) return { place: inside, found: 'directory' }
  return { place: inside, found: 'nothing' }
}

/** What a mount shows at its own path. */
function foundAt(place: Place, mount: Mount): Looked {
  if (place.kind === 'host' && mount.type !== 'dir') {
    const [source] = place.sources
    const found = source === undefined ? 'directory' : lookAt(source, true)
    return typeof found === 'object' ? 'unknown' : found
  }
  return mount.type === 'file' ? 'file' : 'directory'
}

/** What is at a path of the host. `follow`: where a link leads. */
function lookAt(path: string, followed = false): Looked {
  try {
    const stats = followed ? statOf(path) : lstatSync(hostPath(path))
    if (stats.isSymbolicLink()) return { link: fromBytes(readlinkSync(hostPath(path), { encoding: 'buffer' })) }
    return stats.isDirectory() ? 'directory' : 'file'
  } catch (error) {
    const code = codeOf(error)
    return code === 'ENOENT' || code === 'ENOTDIR' ? 'nothing' : 'unknown'
  }
}

/** A bind's source leads where it leads. */
const statOf = (path: string) => statSync(hostPath(path))

const join = (directory: string, name: string): string => (directory === '/' ? `/${name}` : `${directory}/${name}`)
