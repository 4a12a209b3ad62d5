/** The command's identity: the id maps of a user namespace, or the ids that root takes on. */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { MAX_ID } from '../plan/constants.ts'
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
  if (options.mapAuto) return mapAuto(ids, host)
  if (options.mapRoot) return ownId(0, 0, host)
  if (root && (options.userns || options.nest))
    return options.nest && !mapsAnyId(host) ? ownId(ids?.uid ?? 0, ids?.gid ?? 0, host) : sameIds(ids, host)
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
function taken(ids: Ids | undefined, mapped?: readonly IdRange[]): Identity['process'] {
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

const singleId = (inside: number, outside: number): IdRange => ({ inside, outside, count: 1 })

/** Maps each of our ids to itself. In a user namespace we have only some, and the kernel refuses a map of others. */
function sameIds(ids: Ids | undefined, host: HostFacts): Identity {
  const gid = ownRanges('/proc/self/gid_map', host)
  return {
    idmap: { by: 'parent', uid: ownRanges('/proc/self/uid_map', host), gid, setgroups: true },
    process: taken(ids, gid),
  }
}

/**
 * Whether we have CAP_SETGID, CAP_SETUID and CAP_SETFCAP. Without them the kernel allows a map of one id only, and from
 * Linux 5.12 on not of user 0.
 */
function mapsAnyId(host: HostFacts): boolean {
  const mapping = (1n << 6n) | (1n << 7n) | (1n << 31n)
  const status = host.read('/proc/self/status')
  const effective = 'text' in status ? /^CapEff:\s*([0-9a-f]+)/m.exec(status.text)?.[1] : undefined
  return effective === undefined || (BigInt(`0x${effective}`) & mapping) === mapping
}

function ownRanges(path: string, host: HostFacts): IdRange[] {
  const map = host.read(path)
  const lines = 'text' in map ? map.text.trim().split('\n') : []
  const ranges = lines.flatMap((line) => {
    const [inside, , count] = line.trim().split(/\s+/).map(Number)
    return inside === undefined || count === undefined
      ? []
      : [{ inside, outside: inside, count: Math.min(count, MAX_ID + 1 - inside) }]
  })
  return ranges.length > 0 ? ranges : [{ inside: 0, outside: 0, count: MAX_ID + 1 }]
}

/** Makes you root in the box, with the ids that /etc/subuid grants you from 1 on. */
function mapAuto({ uid, gid = uid, groups }: Ids = { uid: 0 }, host: HostFacts): Identity {
  const users = subordinate('/etc/subuid', host)
  const others = subordinate('/etc/subgid', host)
  if (uid > users.count || gid > others.count) {
    throw new UsageError(
      `--user ${uid}:${gid}: not among the mapped ids`,
      `--map-auto maps 0 to ${users.count} here, as /etc/subuid grants`,
    )
  }
  const mapped = [singleId(0, host.gid), { inside: 1, ...others }]
  return {
    idmap: {
      by: host.uid === 0 ? 'parent' : 'helper',
      uid: [singleId(0, host.uid), { inside: 1, ...users }],
      gid: mapped,
      setgroups: true,
    },
    process: taken({ uid, gid, groups }, mapped),
  }
}

/** The caller's name in the host's passwd(5). */
function loginName({ uid, read }: HostFacts): string | undefined {
  const passwd = read('/etc/passwd')
  if ('code' in passwd) return undefined
  for (const line of passwd.text.split('\n')) {
    const [name, , id] = line.split(':')
    if (id === String(uid)) return name
  }
  return undefined
}

/** The first range that subuid(5) has for this user, by name or by number. */
function subordinate(path: string, host: HostFacts): { outside: number; count: number } {
  const file = host.read(path)
  const name = loginName(host) ?? String(host.uid)
  for (const line of 'text' in file ? file.text.split('\n') : []) {
    const [owner, start, count] = line.split(':')
    if (owner !== name && owner !== String(host.uid)) continue
    if (Number(count) > 0 && Number(start) > 0) return { outside: Number(start), count: Number(count) }
  }
  throw new SandboxError({
    step: 'id maps',
    what: `no range of ids for ${name}`,
    path,
    hint: `as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
  })
}
