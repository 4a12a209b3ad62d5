/** Paths in the box, as text: what is mounted where, and what lies below what. */

/**
 * An absolute PATH without doubled and ending slashes, "." and "..". It is text alone: ".." removes the name before it
 * even where that is a link, as cd in a shell does.
 */
export function cleanPath(path: string): string {
  // Most paths are clean already.
  if (!path.includes('/.') && !path.includes('//') && (path.length === 1 || !path.endsWith('/'))) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
