/** `nsbox rootfs build --with list`: the sets, and what each brings from this host. */
import { SandboxError } from '../errors.ts'
import { EXTRAS, type Extra } from './choices.ts'
import { Closure } from './closure.ts'
import { packageOf } from './data-paths.ts'
import { type Entry, Manifest } from './manifest.ts'
import { SETS } from './sets.ts'
import { Trees } from './trees.ts'

/** The files of a program that names this host's loader, whose directories some sets need. */
const SHELL = '/bin/sh'

export function listSets(out: (line: string) => void): void {
  const width = Math.max(...EXTRAS.map((name) => name.length))
  for (const name of EXTRAS) {
    out(`${name.padEnd(width)}  ${SETS[name].doc}`)
    out(`${' '.repeat(width)}  ${broughtBy(name)}`)
  }
}

function broughtBy(name: Extra): string {
  const closure = new Closure(process.env['PATH'])
  closure.program(SHELL)
  const before = new Set(closure.files)
  const trees = new Trees(closure, undefined)
  try {
    SETS[name].add({ closure, trees }, process.env)
  } catch (error) {
    if (error instanceof SandboxError) return error.message
    throw error
  }
  const added = [...closure.files].filter((path) => !before.has(path))
  if (added.length === 0) return 'here: nothing'
  const manifest = new Manifest()
  for (const path of added) manifest.add(path)
  trees.finish(manifest)
  const files = manifest.entries().filter(({ kind }) => kind === 'file')
  return `here: ${files.length} files, ${megabytes(files)} MB: ${placesOf(added)}`
}

function megabytes(files: readonly Entry[]): string {
  return (files.reduce((sum, { stat }) => sum + stat.size, 0) / 1e6).toFixed(1)
}

/** The directories of packages that the paths lie in, no more than eight of them, and how many libraries come with them. */
function placesOf(paths: readonly string[]): string {
  const isLibrary = (path: string): boolean => packageOf(path) === path && /\.so(\.\d+)*$/.test(path)
  const places = [...new Set(paths.filter((path) => !isLibrary(path)).map(packageOf))]
  const more = places.length > 8 ? [`and ${places.length - 8} more`] : []
  const libraries = paths.filter(isLibrary).length
  const needed = libraries === 0 ? '' : `, with ${libraries} ${libraries === 1 ? 'library' : 'libraries'}`
  return [...places.slice(0, 8), ...more].join(' ') + needed
}
