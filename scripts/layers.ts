/**
 * Checks the house: a room imports only from rooms below it, and no file is part of a circle. `make lint` runs it.
 *
 * A room is a folder of src/ or sidecar/, or a file that stands there by itself. Rooms on one line may not import each
 * other.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

const TOP = normalize(join(import.meta.dir, '..'))

/** The rooms from the ground up. A room may import from rooms on earlier lines. */
const FRONT_END = [
  ['version.ts', 'lazy.ts'],
  ['text'],
  ['plan'],
  ['errors.ts'],
  ['host', 'rootfs/choices.ts'],
  ['options'],
  ['seccomp'],
  ['planner'],
  ['doctor', 'explain', 'launch'],
  ['image', 'rootfs'],
  ['review'],
  ['cli', 'library'],
  ['verbs', 'index.ts'],
  [
    'late.ts',
    'late-denied.ts',
    'late-explain.ts',
    'late-fake-root.ts',
    'late-filters.ts',
    'late-hints.ts',
    'late-image-box.ts',
    'late-image-start.ts',
    'late-images.ts',
    'late-network.ts',
    'late-planner.ts',
    'late-profiles.ts',
    'late-review.ts',
    'late-rootfs.ts',
    'main.ts',
  ],
]
const SIDECAR = [
  ['libc'],
  ['plan/contract.h', 'plan/field.h'],
  ['base'],
  ['plan'],
  ['privs', 'namespaces'],
  ['fs', 'hide', 'unpack', 'trace', 'net'],
  ['process'],
  ['main.c'],
]

/** Through it a room reaches what is loaded late, above it; what stands there counts for nothing. */
const DOOR = 'lazy.ts'

type Graph = Map<string, string[]>

function filesBelow(folder: string, endings: readonly string[]): string[] {
  return (readdirSync(join(TOP, folder), { recursive: true }) as string[])
    .filter((name) => endings.some((ending) => name.endsWith(ending)))
    .sort()
}

/**
 * Types are erased, so an import of types can't be part of a circle at run time. It counts for the layers all the
 * same.
 */
const TS_IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^'";]*?from '(\.[^']+)'|(?:import|require)\('(\.[^']+)'\)|(?:^|\n)import '(\.[^']+)'/g

function typescriptGraph(): Graph {
  const graph: Graph = new Map()
  for (const file of filesBelow('src', ['.ts'])) {
    if (file === DOOR) {
      graph.set(file, [])
      continue
    }
    const text = readFileSync(join(TOP, 'src', file), 'utf8')
    graph.set(
      file,
      [...text.matchAll(TS_IMPORT)]
        .map((match) => normalize(join(dirname(file), match[1] ?? match[2] ?? match[3] ?? '')))
        .filter((path) => path.endsWith('.ts')),
    )
  }
  return graph
}

/** A header and the source with the same name count as one file. */
function cGraph(): Graph {
  const graph: Graph = new Map()
  for (const file of filesBelow('sidecar', ['.c', '.h']).filter((name) => !name.endsWith('_fuzz.c'))) {
    const text = readFileSync(join(TOP, 'sidecar', file), 'utf8')
    const unit = file === 'main.c' || /plan\/(contract|field)\.h/.test(file) ? file : file.replace(/\.[ch]$/, '')
    const uses = [...text.matchAll(/^#include "([^"]+)"/gm)].map(([, path = '']) =>
      /plan\/(contract|field)\.h/.test(path) ? path : path.replace(/\.h$/, ''),
    )
    graph.set(unit, [...new Set([...(graph.get(unit) ?? []), ...uses.filter((name) => name !== unit)])])
  }
  return graph
}

function levelOf(file: string, layers: readonly (readonly string[])[]): number {
  const own = layers.findIndex((rooms) => rooms.includes(file))
  return own >= 0 ? own : layers.findIndex((rooms) => rooms.includes(file.split('/')[0] ?? ''))
}

const roomOf = (file: string): string => file.split('/')[0] ?? ''

function wrongImports(graph: Graph, layers: readonly (readonly string[])[], top: string): string[] {
  const found: string[] = []
  for (const [file, uses] of graph) {
    const level = levelOf(file, layers)
    if (level < 0) found.push(`${top}/${file}: stands in no room of scripts/layers.ts`)
    for (const used of uses) {
      if (roomOf(used) === roomOf(file) && file.includes('/')) continue
      if (levelOf(used, layers) >= level) found.push(`${top}/${file}: imports ${top}/${used}, which is not below it`)
    }
  }
  return found
}

function circles(graph: Graph, top: string): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) {
      found.push(`${top}/: a circle of files: ${[...path.slice(path.indexOf(file)), file].join(' → ')}`)
      return
    }
    if (done.has(file)) return
    for (const used of graph.get(file) ?? []) visit(used, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return found
}

if (import.meta.main) {
  const [front, sidecar] = [typescriptGraph(), cGraph()]
  if (front.size === 0 || sidecar.size === 0) throw new Error('layers: no files found')
  const found = [
    ...wrongImports(front, FRONT_END, 'src'),
    ...wrongImports(sidecar, SIDECAR, 'sidecar'),
    ...circles(front, 'src'),
    ...circles(sidecar, 'sidecar'),
  ]
  for (const line of found) console.error(`layers: ${line}`)
  if (found.length > 0)
    console.error('hint: CONTRIBUTING.md shows the house; what both rooms need belongs in one below them')
  process.exitCode = found.length > 0 ? 1 : 0
}
