/** Who the command is: the id maps of a user namespace, or the ids that root takes on. */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/bun.ts'
import type { Options } from '../options/types.ts'
import { MAX_ID } from '../plan/constants.ts'
import type { IdMap, IdRange, Process } from '../plan/types.ts'

type Identity = { idmap?: IdMap; process: Pick<Process, 'uid' | 'gid' | 'dropGroups'> }

export function identity(options: Options, host: HostFacts): Identity {
  const root = host.uid === 0
  if (!root && options.share?.includes('user')) {
    throw new UsageError('--share user: without root, a user namespace of its own is what lets a box mount at all', 'leave it out, or run nsbox as root')
  }
  if (options.mapAuto) return mapAuto(options, host)
  if (options.mapRoot) return ownId(0, 0, host)
  if (root && (options.userns || options.nest)) return options.nest && !mapsAnyId(host) ? ownId(options.user?.uid ?? 0, options.user?.gid ?? 0, host) : sameIds(options, host)
  if (root) return { process: { ...taken(options), dropGroups: true } }
  return ownId(options.user?.uid ?? host.uid, options.user?.gid ?? host.gid, host)
}

/** The user id that the command has there. */
export function uidInBox({ idmap, process }: Identity, uid: number): number {
  if (process.uid !== undefined || idmap === undefined) return process.uid ?? uid
  for (const { inside, outside, count } of idmap.uid) if (outside <= uid && uid < outside + count) return inside + uid - outside
  return uid
}

/** The group follows the user where it is not named: UID:UID. */
function taken({ user }: Options): { uid?: number; gid?: number } {
  return user === undefined ? {} : { uid: user.uid, gid: user.gid ?? user.uid }
}

/** The one map that needs no privilege: our own id, under whatever number. */
function ownId(uid: number, gid: number, host: HostFacts): Identity {
  return { idmap: { by: 'self', uid: [one(uid, host.uid)], gid: [one(gid, host.gid)] }, process: {} }
}

const one = (inside: number, outside: number): IdRange => ({ inside, outside, count: 1 })

/** Every id of ours as itself. In a user namespace those that it has, or the kernel would refuse the map. */
function sameIds(options: Options, host: HostFacts): Identity {
  return {
    idmap: { by: 'parent', uid: ownRanges('/proc/self/uid_map', host), gid: ownRanges('/proc/self/gid_map', host), setgroups: true },
    process: { ...taken(options), dropGroups: true },
  }
}

/** CAP_SETGID, CAP_SETUID and CAP_SETFCAP, without which the kernel lets nobody map ids but one, nor user 0 from Linux 5.12 on. */
const MAPPING = 1n << 6n | 1n << 7n | 1n << 31n

function mapsAnyId(host: HostFacts): boolean {
  const status = host.read('/proc/self/status')
  const effective = 'text' in status ? /^CapEff:\s*([0-9a-f]+)/m.exec(status.text)?.[1] : undefined
  return effective === undefined || (BigInt(`0x${effective}`) & MAPPING) === MAPPING
}

function ownRanges(path: string, host: HostFacts): IdRange[] {
  const map = host.read(path)
  const lines = 'text' in map ? map.text.trim().split('\n') : []
  const ranges = lines.flatMap((line) => {
    const [inside, , count] = line.trim().split(/\s+/).map(Number)
    return inside === undefined || count === undefined ? [] : [{ inside, outside: inside, count: Math.min(count, MAX_ID + 1 - inside) }]
  })
  return ranges.length > 0 ? ranges : [{ inside: 0, outside: 0, count: MAX_ID + 1 }]
}

/** You are root in the box, and the ids from 1 on are those that /etc/subuid grants you. */
function mapAuto(options: Options, host: HostFacts): Identity {
  const uid = subordinate('/etc/subuid', host)
  const gid = subordinate('/etc/subgid', host)
  const who = { uid: options.user?.uid ?? 0, gid: options.user?.gid ?? options.user?.uid ?? 0 }
  if (who.uid > uid.count || who.gid > gid.count) {
    throw new UsageError(`--user ${who.uid}:${who.gid}: not among the ids that are mapped`, `--map-auto maps 0 to ${uid.count} here, as /etc/subuid grants`)
  }
  return {
    idmap: {
      by: host.uid === 0 ? 'parent' : 'helper',
      uid: [one(0, host.uid), { inside: 1, ...uid }], gid: [one(0, host.gid), { inside: 1, ...gid }], setgroups: true,
    },
    process: { ...who, dropGroups: true },
  }
}

/** The first range of this user, subuid(5): by name or by number. */
function subordinate(path: string, host: HostFacts): { outside: number; count: number } {
  const file = host.read(path)
  const name = host.userName(host.uid) ?? String(host.uid)
  for (const line of 'text' in file ? file.text.split('\n') : []) {
    const [owner, start, count] = line.split(':')
    if (owner !== name && owner !== String(host.uid)) continue
    if (Number(count) > 0 && Number(start) > 0) return { outside: Number(start), count: Number(count) }
  }
  throw new SandboxError({
    step: 'id maps', what: `no range of ids for ${name}`, path,
    hint: `as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name}`,
  })
}
