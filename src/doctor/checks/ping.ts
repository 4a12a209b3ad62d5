/** Ping on the host's network. */
import { note, ok, sysctl, type Result } from '../check.ts'
import type { Host } from '../host.ts'

/** Without cap_net_raw, ping needs a socket that the network grants by group: icmp(7). */
export function ping(host: Host): Result {
  const range = host.readFile('/proc/sys/net/ipv4/ping_group_range')?.trim().split(/\s+/).map(Number) ?? []
  const [first = 1, last = 0] = range
  if (first <= last)
    return ok(`allowed without a capability to the groups ${first} to ${last} (net.ipv4.ping_group_range)`)
  return note(
    'net.ipv4.ping_group_range allows no group',
    "on the host's network ping works only for root with --cap-add net_raw; with --net none it always works",
    ...sysctl('net.ipv4.ping_group_range=0 2147483647'),
  )
}
