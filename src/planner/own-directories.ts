/**
 * nsbox's own directories. No box can make, change or replace them, so that nsbox finds only its user's files there.
 */
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'

/** The directory of each kind: for root, and for other users by the XDG base directory specification. */
const OWN_DIRECTORIES = [
  { kind: 'configuration', root: '/etc/nsbox', variable: 'XDG_CONFIG_HOME', home: '/.config' },
  { kind: 'cache', root: '/var/cache/nsbox', variable: 'XDG_CACHE_HOME', home: '/.cache' },
  { kind: 'state', root: '/var/lib/nsbox', variable: 'XDG_STATE_HOME', home: '/.local/state' },
  { kind: 'runtime', root: '/run/nsbox', variable: 'XDG_RUNTIME_DIR', home: '' },
] as const

type Kind = (typeof OWN_DIRECTORIES)[number]['kind']
type Caller = Pick<HostFacts, 'uid' | 'variable'>

/** Another place for the cache, such as a larger disk. */
export const CACHE_VARIABLE = 'NSBOX_CACHE'

/** A directory's path for this caller; undefined where the variables give no absolute path. */
export function ownDirectory(kind: Kind, host: Caller): string | undefined {
  if (kind === 'cache') {
    const chosen = chosenCache(host)
    if (chosen !== undefined) return chosen
  }
  for (const directory of OWN_DIRECTORIES) if (directory.kind === kind) return pathOf(directory, host)
  return undefined
}

function chosenCache(host: Caller): string | undefined {
  const chosen = host.variable(CACHE_VARIABLE)
  return chosen !== undefined && chosen.startsWith('/') ? cleanPath(chosen) : undefined
}

function pathOf({ root, variable, home }: (typeof OWN_DIRECTORIES)[number], host: Caller): string | undefined {
  if (host.uid === 0) return root
  const named = host.variable(variable)
  if (named !== undefined && named.startsWith('/')) return cleanPath(`${named}/nsbox`)
  if (home === '') return `/run/user/${host.uid}/nsbox`
  const user = host.variable('HOME')
  return user !== undefined && user.startsWith('/') ? cleanPath(`${user}${home}/nsbox`) : undefined
}

/** All of them. A cache that was chosen elsewhere doesn't lay open the usual one. */
export function ownDirectories(host: Caller): string[] {
  const paths: string[] = []
  const add = (path: string | undefined): void => {
    if (path !== undefined && !paths.includes(path)) paths.push(path)
  }
  for (const directory of OWN_DIRECTORIES) add(pathOf(directory, host))
  add(chosenCache(host))
  return paths
}
