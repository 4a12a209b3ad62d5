/** Paths and globs of the host, by which apply leaves things alone or takes only some. */
import { lstatSync, realpathSync } from 'node:fs'
import { hostPath } from '../host/bun.ts'
import { fromBytes } from '../text/bytes.ts'
import { cleanPath } from '../plan/box-path.ts'
import { glob } from '../text/glob.ts'

export type Rule = {
  /** Whether the rule names a path or a directory above it. */
  names(path: string): boolean
  /** Whether a path that the rule names may lie below PATH, so that a link in its place would lead the rule elsewhere. */
  needs(path: string): boolean
}

/** PATTERN: absolute. */
export function rule(pattern: string): Rule {
  const itself = glob(pattern)
  const above = prefixesOf(pattern).map(glob)
  return {
    names: (path) => pattern === '/' || itself.covers(path),
    needs: (path) => above.some(({ matches }) => matches(path)),
  }
}

/** The directories that PATTERN goes through, but for those that `**` alone stands for: that is any directory. */
function prefixesOf(pattern: string): string[] {
  const parts = pattern.split('/').slice(1)
  const prefixes: string[] = []
  for (let n = 1; n < parts.length; n++) if (parts[n - 1] !== '**') prefixes.push(`/${parts.slice(0, n).join('/')}`)
  return prefixes
}

/** The pattern that matches PATH alone. */
export const literal = (path: string): string => path.replace(/[*?[\\]/g, '\\$&')

/**
 * WORD as an absolute pattern, relative to the directory CWD, with the links on the way to its first special character
 * followed. A word that is the name of a file is no glob, whatever characters it has.
 */
export function realPattern(word: string, cwd: string): string {
  const path = cleanPath(word.startsWith('/') ? word : `${cwd}/${word}`)
  const special = path.search(/[*?[]/)
  if (special < 0 || exists(path)) return literal(realPath(path))
  const end = path.lastIndexOf('/', special)
  const start = realPath(path.slice(0, end).replace(/\\(.)/gs, '$1') || '/')
  return `${start === '/' ? '' : literal(start)}${path.slice(end)}`
}

function exists(path: string): boolean {
  try {
    return lstatSync(hostPath(path), { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}

/** PATH with all links on it followed, as far as it exists. */
export function realPath(path: string): string {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
    const real = followed(path.slice(0, end))
    if (real !== undefined) return (real === '/' ? '' : real) + path.slice(end) || '/'
  }
  return path
}

function followed(path: string): string | undefined {
  try {
    return fromBytes(realpathSync(hostPath(path), { encoding: 'buffer' }))
  } catch {
    return undefined
  }
}
