/** The command's identity: the id maps of a user namespace, or the ids that root takes on. */
import { UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { latePlanner } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import type { IdMap, IdRange, Process } from '../plan/types.ts'

/** The ids that the caller has asked for. */
export type Ids = { uid: number; gid?: number | undefined; groups?: readonly number[] | undefined }

export type Identity = { idmap?: IdMap; process: Pick<Process, 'uid' | 'gid' | 'dropGroups' | 'groups'> }

export function identity(options: Options, host: HostFacts, ids?: Ids): Identity {
  const root = host.uid === 0
  if (!root && options.share?.includes('user')) {
    throw new UsageError(
      '--share user: without root a box needs a user namespace of its own to mount anything',
      'leave it out, or run nsbox as root',
    )
  }
  if (options.mapAuto) return latePlanner().mapAuto(ids, host)
  if (options.mapRoot) return ownId(0, 0, host)
  if (root && (options.userns || options.nest))
    return options.nest && !latePlanner().mapsAnyId(host)
      ? ownId(ids?.uid ?? 0, ids?.gid ?? 0, host)
      : latePlanner().sameIds(ids, host)
  if (root) return { process: taken(ids) }
  return ownId(ids?.uid ?? host.uid, ids?.gid ?? host.gid, host)
}

/** The command's user id in the box. */
export function uidInBox({ idmap, process }: Identity, uid: number): number {
  if (process.uid !== undefined || idmap === undefined) return process.uid ?? uid
  for (const { inside, outside, count } of idmap.uid)
    if (outside <= uid && uid < outside + count) return inside + uid - outside
  return uid
}

/** Without a group the command gets UID:UID. Groups that aren't mapped can't be had, and are left out. */
export function taken(ids: Ids | undefined, mapped?: readonly IdRange[]): Identity['process'] {
  if (ids === undefined) return { dropGroups: true }
  const groups: number[] = []
  for (const id of ids.groups ?? []) if (mapped === undefined || isMapped(id, mapped)) groups.push(id)
  const process = { uid: ids.uid, gid: ids.gid ?? ids.uid }
  return groups.length > 0 ? { ...process, groups } : { ...process, dropGroups: true }
}

function isMapped(id: number, ranges: readonly IdRange[]): boolean {
  for (const { inside, count } of ranges) if (inside <= id && id < inside + count) return true
  return false
}

/** The only map that needs no privilege: our own id, under any number. */
function ownId(uid: number, gid: number, host: HostFacts): Identity {
  return { idmap: { by: 'self', uid: [singleId(uid, host.uid)], gid: [singleId(gid, host.gid)] }, process: {} }
}

export const singleId = (inside: number, outside: number): IdRange => ({ inside, outside, count: 1 })
