/** The box's mount tree and the host's beside it, as nested lists. */
import type { BoxPlan } from '../../plan/types.ts'
import { rootDirectories } from '../../plan/root.ts'
import { cleanPath } from '../../plan/box-path.ts'
import { mountNodes, type Node } from '../tree.ts'
import { escapeHtml } from './escape.ts'

/** `made`: numbers of the steps, from 1 on, that make it. `pair`: a name that it shares with its places in the other tree. */
type Row = {
  path: string
  kind: string
  label: string
  note: string
  made: readonly number[]
  pairs: readonly string[]
}

const KINDS = {
  host: { kind: 'host', label: "host's, writable" },
  'host, read-only': { kind: 'read-only', label: "host's, read-only" },
  box: { kind: 'own', label: "the box's own" },
} as const

/** A directory or file of the host, and what becomes of it. */
type Fate = { path: string; kind: string; label: string; pairs: Set<string> }

export function boxTree(plan: BoxPlan, madeBy: ReadonlyMap<string, readonly number[]>): string {
  const rows = mountNodes(plan).map((node) => rowOf(node, madeBy))
  return list(rows)
}

export function hostTree(plan: BoxPlan): string {
  return list(fates(plan).map(({ pairs, ...fate }) => ({ ...fate, note: '', made: [], pairs: [...pairs] })))
}

function rowOf(node: Node, madeBy: ReadonlyMap<string, readonly number[]>): Row {
  const hidden = node.note === 'hidden'
  const { kind, label } = hidden ? { kind: 'hidden', label: 'hidden' } : KINDS[node.kind]
  return {
    path: node.path,
    kind,
    label,
    note: hidden ? '' : node.note,
    made: madeBy.get(node.path) ?? [],
    pairs: [pairOf(node.path)],
  }
}

/** A place of the box as a token: a path could hold anything. */
const pairOf = (path: string): string => `p${Buffer.from(path).toString('hex')}`

/** Where files of the host come into the box: the root, binds, layers of overlays; and what a mount of the box hides. */
function fates(plan: BoxPlan): Fate[] {
  const found = new Map<string, Fate>()
  const add = (path: string, kind: string, label: string, inBox: string): void => {
    const before = found.get(path)
    if (before === undefined) found.set(path, { path, kind, label, pairs: new Set([pairOf(inBox)]) })
    else {
      before.pairs.add(pairOf(inBox))
      if (before.label !== label) before.label += `; ${label}`
      if (before.kind === 'absent' || before.kind === 'hidden') before.kind = kind
    }
  }
  const { root, mounts = [] } = plan
  const visible = mountNodes(plan)
  for (const path of rootDirectories(root)) {
    const kind = root.type === 'layers' ? 'read-only' : visible[0]?.kind === 'host' ? 'host' : 'read-only'
    add(cleanPath(path), kind, root.type === 'layers' ? 'shown; changes lie elsewhere' : shownAs(kind), '/')
  }
  for (const mount of mounts) {
    const target = cleanPath(mount.target)
    const node = visible.find(({ path }) => path === target)
    if (node === undefined) continue
    if (mount.type === 'bind' && node.note !== 'hidden')
      add(cleanPath(mount.source), node.kind === 'host' ? 'host' : 'read-only', shownAs(node.kind), target)
    else if (mount.type === 'overlay') add(cleanPath(mount.lower), 'read-only', 'shown; changes lie elsewhere', target)
    else if (mount.type === 'file' && mount.source !== undefined) add(mount.source, 'read-only', 'copied', target)
    else if (root.type === 'directory' && root.path === '/' && node.kind === 'box' && mount.type !== 'file')
      add(target, 'hidden', node.note === 'hidden' ? 'hidden' : 'hidden: the box has its own', target)
  }
  if (!found.has('/')) found.set('/', { path: '/', kind: 'absent', label: 'not in the box', pairs: new Set() })
  return [...found.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

const shownAs = (kind: string): string => (kind === 'host' ? 'shown, writable' : 'shown, read-only')

/** Sorted rows, the first of which is "/", as nested lists. */
function list(rows: readonly Row[]): string {
  const within = (above: Row, row: Row) =>
    row !== above && row.path.startsWith(above.path === '/' ? '/' : `${above.path}/`)
  const parentOf = (row: Row): Row | undefined =>
    rows
      .filter((other) => within(other, row))
      .sort((a, b) => b.path.length - a.path.length)
      .at(0)
  const draw = (row: Row, parent: Row | undefined): string => {
    const name = parent === undefined ? row.path : row.path.slice(parent.path === '/' ? 1 : parent.path.length + 1)
    const children = rows.filter((other) => parentOf(other) === row)
    const below = children.length === 0 ? '' : `<ul>${children.map((child) => draw(child, row)).join('')}</ul>`
    return `<li>${place(row, name)}${below}</li>`
  }
  return rows
    .filter((row) => parentOf(row) === undefined)
    .map((row) => `<ul class="tree">${draw(row, undefined)}</ul>`)
    .join('')
}

function place({ kind, label, note, made, pairs }: Row, name: string): string {
  const details = note === '' ? '' : `<span class="note">${escapeHtml(note)}</span>`
  return `<div class="place ${kind}" data-made="${made.join(' ')}" data-pairs="${pairs.join(' ')}"><bdi class="path">${escapeHtml(name)}</bdi>${details}<span class="badge">${label}</span></div>`
}
