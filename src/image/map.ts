/**
 * Kinds of id maps. The owners of unpacked files depend on the map of the box that uses them, so the cache has a
 * directory of layers for each kind.
 */
import { sha256 } from '../host/sha256.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { compact } from '../plan/compact.ts'
import type { IdMap } from '../plan/types.ts'
import { identity } from '../planner/identity.ts'

/**
 * `root`: all ids, each mapped to itself; owners are kept. `one`: the caller's own id alone, which owns everything.
 * `auto`: the caller's ranges of /etc/subuid; owners are kept.
 */
export type MapKind = {
  kind: 'root' | 'one' | 'auto'
  /** Name of its directory in the cache. */
  name: string
  /** The map of the box that unpacks, in which user 0 is the caller. */
  idmap: IdMap
}

/** The map is only made where something is unpacked: a start needs the name alone. */
const keptOwners = (host: HostFacts): MapKind => ({
  kind: 'root',
  name: 'root',
  get idmap() {
    return identity({ userns: true }, host).idmap as IdMap
  },
})

/** The kind of the box that these options make. Throws as the box would: without ranges, say, for --map-auto. */
export function mapKind(options: Pick<Options, 'mapAuto' | 'mapRoot' | 'userns' | 'nest'>, host: HostFacts): MapKind {
  const { mapAuto, mapRoot, userns, nest } = options
  const { idmap } = identity(compact<Options>({ mapAuto, mapRoot, nest, userns }), host)
  // Root without a user namespace has each of its ids as it is.
  if (idmap === undefined) return keptOwners(host)
  if (mapAuto) return { kind: 'auto', name: `auto-${hashOfMap(idmap)}`, idmap }
  if (idmap.by !== 'self') return { kind: 'root', name: 'root', idmap }
  const own = (outside: number) => [{ inside: 0, outside, count: 1 }]
  return { kind: 'one', name: 'one', idmap: { by: 'self', uid: own(host.uid), gid: own(host.gid) } }
}

function hashOfMap({ uid, gid }: IdMap): string {
  return sha256(JSON.stringify({ uid, gid })).slice(0, 16)
}
