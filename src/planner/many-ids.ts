/** The ids of a box with more than one: all of the caller's, or those that /etc/subuid and /etc/subgid grant. */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { MAX_ID } from '../plan/constants.ts'
import type { IdRange } from '../plan/types.ts'
import { type Identity, type Ids, singleId, taken } from './identity.ts'

/** Makes you root in the box, with the ids that /etc/subuid grants you from 1 on. */
export function mapAuto({ uid, gid = uid, groups }: Ids = { uid: 0 }, host: HostFacts): Identity {
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

/** Maps each of our ids to itself. In a user namespace we have only some, and the kernel refuses a map of others. */
export function sameIds(ids: Ids | undefined, host: HostFacts): Identity {
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
export function mapsAnyId(host: HostFacts): boolean {
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
