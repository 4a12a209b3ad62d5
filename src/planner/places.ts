/** Places of files on the host, without links, and where a box shows them. */
import { absolute } from '../host/absolute.ts'
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'

/** A path of the host, and where the box shows it. */
export type Shown = { source: string; target: string }

/** The path without links; of what is missing, that of the last directory that is there, with the rest. */
export function realPlace(given: string, host: Pick<HostFacts, 'cwd' | 'realPath'>): string {
  const path = absolute(given, host)
  let rest = ''
  for (let above = path; ;) {
    const real = host.realPath(above)
    if (real !== undefined) return cleanPath(`${real}${rest}`)
    const end = above.lastIndexOf('/')
    rest = above.slice(end) + rest
    if (end <= 0) return cleanPath(rest)
    above = above.slice(0, end)
  }
}

export const isBelow = (path: string, above: string): boolean =>
  path !== above && path.startsWith(above === '/' ? '/' : `${above}/`)
