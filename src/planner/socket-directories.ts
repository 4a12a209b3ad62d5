/** Directories of a home in which programs listen on sockets: hidden whole, since sockets come up in them later. */
import type { HostFacts } from '../host/types.ts'
import { isBelow, realPlace } from './places.ts'

/** Some have other files, which nothing but those programs needs. */
const NAMES = [
  '.docker/run',
  '.docker/desktop',
  '.orbstack/run',
  '.colima',
  '.lima',
  '.rd',
  '.local/share/containers/podman/machine',
  '.ssh/agent',
  '.ssh/sockets',
  '.ssh/controlmasters',
  '.1password',
  '.screen',
  '.emacs.d/server',
  '.config/emacs/server',
]

/** Those of the caller's home that are there. ALLOWED: places whose sockets stay, without links. */
export function socketDirectories(
  allowed: readonly string[],
  host: Pick<HostFacts, 'cwd' | 'look' | 'realPath' | 'variable'>,
): string[] {
  const home = host.variable('HOME')
  if (home === undefined || !home.startsWith('/')) return []
  return NAMES.flatMap((name) => {
    const path = realPlace(`${home}/${name}`, host)
    const isAllowed = allowed.some((one) => one === path || isBelow(one, path) || isBelow(path, one))
    return !isAllowed && host.look(path, false) === 'directory' ? [path] : []
  })
}

/** Whether PATH is such a directory of anybody's. */
export const isSocketDirectory = (path: string): boolean => NAMES.some((name) => path.endsWith(`/${name}`))
