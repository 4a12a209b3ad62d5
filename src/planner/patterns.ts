/**
 * Patterns for files of the host: `**` for any number of directories, `*`, `?`, `[a-z]`, and `!` before one of paths
 * that stay in sight. The sidecar looks for what they mean when the box starts: sidecar/hide/.
 */
import { UsageError } from '../errors.ts'
import { absolute } from '../host/absolute.ts'
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import { rootDirectories, showsHost } from '../plan/root.ts'
import type { Mount, Root } from '../plan/types.ts'
import { printable } from '../text/printable.ts'
import { isBelow, realPlace, type Shown } from './places.ts'

/** `base`: the directory that it begins with, without links. `text`: the whole pattern, absolute. */
type Pattern = { base: string; text: string; shows: boolean }
type Looks = Pick<HostFacts, 'cwd' | 'look' | 'realPath'>

/** Whether WORD is a pattern: it has a character for one, and nothing has exactly that name. */
export function isPattern(word: string, isThere: (path: string) => boolean): boolean {
  return word.startsWith('!') || (/[*?[]/.test(word) && !isThere(word))
}

/** Whether the host has something of that name. */
export const isOnHost =
  (host: Looks) =>
  (word: string): boolean =>
    typeof host.look(absolute(word, host), false) === 'string'

/** The mounts that hide what WORDS mean, of which each is a pattern, wherever the box shows it. */
export function hideMounts(words: readonly string[], shown: readonly Shown[], host: Looks): Mount[] {
  const patterns = words.map((word) => readPattern('hide', word, host))
  return outermost(patterns.filter(({ shows }) => !shows)).flatMap((base) => {
    const texts = patterns.filter((one) => one.shows || one.base === base || isBelow(one.base, base))
    return placesOf(base, shown, host).map((place) => walkOf(place, texts, { closed: true }))
  })
}

/** The mount in place of a mask whose path is a pattern of paths of the box; undefined where it is a path. */
export function maskMount(target: string, root: Root, host: HostFacts): Mount | undefined {
  const isThere = (path: string): boolean =>
    rootDirectories(root).some((top) => typeof host.look(`${top === '/' ? '' : top}${path}`, false) === 'string')
  if (!isPattern(target, isThere)) return undefined
  const inBox: Looks = { cwd: host.cwd, look: host.look, realPath: showsHost(root) ? host.realPath : (path) => path }
  const pattern = readPattern('mask', target, inBox)
  return walkOf({ target: pattern.base, from: pattern.base }, [pattern], { required: true })
}

type Place = { target: string; from: string }

function walkOf({ target, from }: Place, patterns: readonly Pattern[], how: { closed?: true; required?: true }): Mount {
  return { type: 'hide', target, from, patterns: patterns.map(({ text }) => text), ...how }
}

function readPattern(option: 'hide' | 'mask', word: string, host: Looks): Pattern {
  const shows = word.startsWith('!')
  const given = shows ? word.slice(1) : word
  const names = given.split('/').filter((name) => name !== '' && name !== '.')
  const first = names.findIndex((name) => /[*?[]/.test(name))
  const literal = names.slice(0, first < 0 ? names.length : first).map((name) => name.replace(/\\(.)/gs, '$1'))
  const rest = names.slice(literal.length)
  if (rest.includes('..') || (given === '' && shows))
    throw new UsageError(`--${option}: '${printable(word)}': ".." can't stand behind a wildcard`)
  const base = realPlace((given.startsWith('/') ? '/' : '') + literal.join('/') || '.', host)
  return { base, shows, text: `${shows ? '!' : ''}${escaped(base)}${rest.map((name) => `/${name}`).join('')}` }
}

/** The path as a pattern that means it alone. */
const escaped = (path: string): string => (path === '/' ? '' : path.replace(/[*?[\\]/g, '\\$&'))

/** The directories of which none is below another. */
function outermost(patterns: readonly Pattern[]): string[] {
  const bases = [...new Set(patterns.map(({ base }) => base))]
  return bases.filter((base) => !bases.some((other) => isBelow(base, other)))
}

/** Where the box shows the directory BASE of the host, or a directory below it. */
function placesOf(base: string, shown: readonly Shown[], host: Looks): Place[] {
  const places: Place[] = [{ target: base, from: base }]
  const add = (place: Place): void => {
    if (!places.some(({ target, from }) => target === place.target && from === place.from)) places.push(place)
  }
  for (const { source: given, target } of shown) {
    const source = realPlace(given, host)
    if (source === base || isBelow(base, source))
      add({ target: cleanPath(`${target}/${base.slice(source === '/' ? 0 : source.length)}`), from: base })
    // At its own place it lies in the tree that is walked anyway.
    else if (isBelow(source, base) && target !== source) add({ target, from: source })
  }
  return places
}
