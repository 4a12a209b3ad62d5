/** Draws what a box sees as a tree of its mounts, with the owner of the files at each place. */
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import { printable } from '../text/printable.ts'
import type { Mount, MountOption, BoxPlan } from '../plan/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import { quote } from '../text/quote.ts'
import { layersText } from './step.ts'

type Kind = 'host' | 'host, read-only' | 'box'
export type Node = { path: string; kind: Kind; note: string }

export function drawTree(plan: BoxPlan): string[] {
  const nodes = mountNodes(plan)
  const rows: { text: string; node: Node }[] = []
  const draw = (node: Node, parentPath: string, lead: string, branch: string, under: string): void => {
    const name = node.path === '/' ? '/' : node.path.slice(parentPath === '/' ? 1 : parentPath.length + 1)
    rows.push({ text: `${lead}${branch}${printable(name)}`, node })
    const children = nodes.filter((other) => closest(nodes, other.path) === node)
    for (const child of children) {
      const last = child === children.at(-1)
      draw(child, node.path, lead + under, last ? '└─ ' : '├─ ', last ? '   ' : '│  ')
    }
  }
  draw(nodes[0]!, '/', '  ', '', '')
  const column = Math.min(44, Math.max(...rows.map(({ text }) => text.length)) + 2)
  return rows.map(
    ({ text, node }) => `${text.padEnd(column - 1)} ${node.note === '' ? node.kind : `${node.kind}  (${node.note})`}`,
  )
}

export function legend(): string[] {
  return [
    "  host             the host's own files: what the box may write here",
    '                   stays on the host',
    "  host, read-only  the host's own files, which the box cannot change",
    "  box              the box's own files, which the host does not see; they vanish",
    '                   with the box unless they are kept',
  ]
}

/** The mounts that show in the finished box, sorted by path. A mount hides all that was at and below its target. */
export function mountNodes(plan: BoxPlan): Node[] {
  let nodes: Node[] = [rootNode(plan)]
  for (const mount of plan.mounts ?? []) {
    if (isAboutOthers(mount)) continue
    const path = cleanPath(mount.target)
    // They are too many to draw, and this kernel may not have all of them.
    if ((mount.type === 'mask' || mount.type === 'protect') && mount.kernel && path !== '/sys') continue
    const made = !MOUNT_TYPES[mount.type].covers
    nodes = nodes.filter((node) => (made ? node.path !== path : node.path !== path && !within(path, node.path)))
    nodes.push({ path, ...mountNode(mount, plan, made ? cover(nodes, path) : 'box') })
  }
  return nodes.sort((a, b) => compare(a.path, b.path))
}

type AboutOthers = 'stash' | 'pin' | 'view' | 'hide' | 'sockets'

/** Whether a mount shows nothing at its target. */
function isAboutOthers(mount: Mount): mount is Extract<Mount, { type: AboutOthers }> {
  return ['stash', 'pin', 'view', 'hide', 'sockets'].includes(mount.type)
}

function rootNode({ root }: BoxPlan): Node {
  switch (root.type) {
    case 'directory':
      return { path: '/', kind: hostKind(root.options), note: root.path === '/' ? '' : quote(root.path) }
    case 'layers':
      return { path: '/', kind: 'box', note: overlayNote(root) }
    case 'empty':
      return { path: '/', kind: 'box', note: root.options?.includes('ro') ? 'tmpfs, read-only: empty' : 'tmpfs' }
  }
}

function mountNode(mount: Exclude<Mount, { type: AboutOthers }>, plan: BoxPlan, parentKind: Kind): Omit<Node, 'path'> {
  switch (mount.type) {
    case 'bind':
      return mount.source === '/dev/null'
        ? { kind: 'box', note: 'hidden' }
        : {
            kind: hostKind(mount.options),
            note: cleanPath(mount.source) === cleanPath(mount.target) ? '' : quote(mount.source),
          }
    case 'tmpfs':
      return { kind: 'box', note: mount.options?.includes('ro') ? 'tmpfs, read-only: empty' : 'tmpfs' }
    case 'proc':
      return {
        kind: 'box',
        note: plan.namespaces.includes('pid') ? "proc, of the box's processes" : "proc, of the host's processes",
      }
    case 'dev':
      return { kind: 'box', note: 'minimal /dev' }
    case 'overlay':
      return { kind: 'box', note: overlayNote({ lowers: [mount.lower], state: mount.state }) }
    // A directory or link that is made among the host's files stays on the host.
    case 'dir':
      return { kind: parentKind, note: parentKind === 'host' ? 'directory, made if missing; stays' : 'directory' }
    case 'symlink':
      return { kind: parentKind, note: `link to ${quote(mount.to)}${parentKind === 'host' ? '; stays' : ''}` }
    case 'mask':
      return { kind: 'box', note: 'hidden' }
    case 'protect':
      return { kind: 'host, read-only', note: '' }
    case 'sysfs':
      return { kind: 'box', note: "sysfs, of the box's own network" }
    case 'cgroup':
      return { kind: 'box', note: 'its own control group' }
    case 'file':
      return { kind: 'box', note: mount.source === undefined ? 'file' : `copy of ${quote(mount.source)}` }
  }
}

function overlayNote({ state, ...layers }: Parameters<typeof layersText>[0] & { state?: string | undefined }): string {
  return `overlay over ${layersText(layers)}, changes ${state === undefined ? 'vanish' : `kept in ${quote(state)}`}`
}

const hostKind = (options: readonly MountOption[] | undefined): Kind =>
  options?.includes('ro') ? 'host, read-only' : 'host'

/** Kind of the innermost mount that PATH lies in. */
function cover(nodes: readonly Node[], path: string): Kind {
  const above = nodes.filter((node) => within(node.path, path)).sort((a, b) => b.path.length - a.path.length)
  return above[0]?.kind ?? 'host'
}

/** The mount that PATH is on. */
function closest(nodes: readonly Node[], path: string): Node | undefined {
  let best: Node | undefined
  for (const node of nodes)
    if (within(node.path, path) && (best === undefined || node.path.length > best.path.length)) best = node
  return best
}

const within = (above: string, path: string): boolean =>
  path !== above && path.startsWith(above === '/' ? '/' : `${above}/`)
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
