/** Paths in the box, as text: what is mounted where, and what lies below what. */

/**
 * PATH, which starts with a slash, without doubled and ending slashes, "." and "..". A link before ".." counts for nothing: the place
 * that a person has typed is meant, as with cd in a shell.
 */
export function cleanPath(path: string): string {
  // Most are clean.
  if (!path.includes('/.') && !path.includes('//') && (path.length === 1 || !path.endsWith('/'))) return path
  const parts: string[] = []
  for (const part of path.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}

/** Whether PATH lies below the directory ABOVE; both are clean. */
export function isBelow(path: string, above: string): boolean {
  return above === '/' ? path.length > 1 : path.length > above.length && path[above.length] === '/' && path.startsWith(above)
}
