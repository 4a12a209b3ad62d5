import type { HostFacts } from './types.ts'

/** Resolves PATH from the caller's directory; "." and ".." stay, since a link may stand before them. */
export function absolute(path: string, host: Pick<HostFacts, 'cwd'>): string {
  if (path.startsWith('/')) return path
  return `${host.cwd === '/' ? '' : host.cwd}/${path}`
}
