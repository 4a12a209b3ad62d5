/**
 * nsbox's own directories. No box can make, change or replace them, so that nsbox finds only its user's files there.
 */
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'

/** The directory of each kind: for root, and for other users by the XDG base directory specification. */
const OWN_DIRECTORIES = [
  { holds: 'configuration', root: '/etc/nsbox', variable: 'XDG_CONFIG_HOME', home: '/.config' },
  { holds: 'cache', root: '/var/cache/nsbox', variable: 'XDG_CACHE_HOME', home: '/.cache' },
  { holds: 'state', root: '/var/lib/nsbox', variable: 'XDG_STATE_HOME', home: '/.local/state' },
  { holds: 'runtime', root: '/run/nsbox', variable: 'XDG_RUNTIME_DIR', home: '' },
] as const

type OwnDirectory = (typeof OWN_DIRECTORIES)[number]

/** A directory's path for this caller; undefined where the variables give no absolute path. */
function ownDirectory(
  { root, variable, home }: OwnDirectory,
  host: Pick<HostFacts, 'uid' | 'variable'>,
): string | undefined {
  if (host.uid === 0) return root
  const named = host.variable(variable)
  if (named !== undefined && named.startsWith('/')) return cleanPath(`${named}/nsbox`)
  if (home === '') return `/run/user/${host.uid}/nsbox`
  const user = host.variable('HOME')
  return user !== undefined && user.startsWith('/') ? cleanPath(`${user}${home}/nsbox`) : undefined
}

export function ownDirectories(host: Pick<HostFacts, 'uid' | 'variable'>): string[] {
  const paths: string[] = []
  for (const directory of OWN_DIRECTORIES) {
    const path = ownDirectory(directory, host)
    if (path !== undefined && !paths.includes(path)) paths.push(path)
  }
  return paths
}
