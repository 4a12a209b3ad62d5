/** Where a path of the host really is. */
import { absolute } from '../host/absolute.ts'
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'

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
