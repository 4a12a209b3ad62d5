/** What a box with a network of its own reaches, and who reaches it. */
import type { HostFacts } from '../host/types.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import { showsHost } from '../plan/root.ts'
import type { BoxPlan } from '../plan/types.ts'
import { quote } from '../text/quote.ts'
import type { Step } from './step.ts'

type Arguments = { allow: string[]; publish: string[]; pasta: string | undefined; isPrivate: boolean; checks: boolean }

/** The arguments of the helpers that connect the box to other hosts, or publish its ports, by their option. */
function argumentsOf({ helpers = [] }: BoxPlan): Arguments {
  const argv = helpers.flatMap((helper) => (helper.part === 'net' ? helper.argv : []))
  const valuesOf = (option: string) => argv.filter((_, at) => at > 1 && argv[at - 1] === option)
  return {
    allow: valuesOf('--allow'),
    publish: valuesOf('--publish'),
    pasta: valuesOf('--pasta')[0],
    isPrivate: argv.includes('--allow-private'),
    checks: argv.includes('--check-sni'),
  }
}

/** Whether the box may connect to some hosts, and what is said of that beside its other namespaces. */
export const reachesHosts = (plan: BoxPlan): boolean => allowedHosts(plan).length > 0

/** The hosts that the box may connect to, as NAME:PORT. */
export const allowedHosts = (plan: BoxPlan): string[] => argumentsOf(plan).allow

/** Whether the box reaches all that the host does, but for the host's loopback. */
export const reachesAll = (plan: BoxPlan): boolean => argumentsOf(plan).pasta !== undefined

export function network(plan: BoxPlan): Step[] {
  const found = argumentsOf(plan)
  const { allow, publish, pasta } = found
  const steps: Step[] = []
  if (allow.length > 0) steps.push(outgoing(found))
  if (pasta !== undefined) steps.push(everything(pasta))
  if (publish.length > 0) steps.push(incoming(publish))
  return steps
}

function outgoing({ allow, isPrivate, checks }: Arguments): Step {
  return {
    title: `Connect the box to hosts by their names: ${namesText(allow)}`,
    calls: 'unshare(CLONE_NEWNET), netlink(RTM_NEWLINK veth), socket, bind, listen',
    why: 'nsbox-net, a program outside of the box, answers what the box asks for names, by a list: an allowed name gets an address of 198.18.0.0/15, which leads to that program alone. It then looks the name up itself, connects, and passes the bytes on. No packet of the box leaves this machine.',
    also: [
      ...allow.map((rule) => `The box can reach ${hostText(rule)}.`),
      'Other names do not exist for it, and are asked of nobody. Other ports, addresses and protocols (UDP, ICMP) lead nowhere.',
      isPrivate
        ? 'An allowed name may also stand for this machine, and for private networks around it.'
        : 'An allowed name that stands for this machine, or for an address of a private network, is refused.',
      ...(checks ? ['A connection has to begin with a TLS hello that has the very name, in clear.'] : []),
      'If nsbox-net ends, so does the box.',
    ],
    see: { run: 'cat /etc/resolv.conf', page: 'veth(4), network_namespaces(7)' },
  }
}

function everything(pasta: string): Step {
  return {
    title: `Connect the box to all that this machine reaches, by ${quote(pasta)}`,
    calls: 'unshare(CLONE_NEWNET), netlink(RTM_NEWLINK veth), execve',
    why: "pasta, a program of the host, makes a connection of its own, as the caller, for each of the box's. Between it and the box is a second network namespace, a router that the box can't change: its kernel passes on no packet to or from a loopback address.",
    also: [
      'The box can reach every host that this machine reaches: TCP, UDP and ping, private networks among them, and by other addresses of this machine the servers that listen there.',
      "Nothing that listens on this machine's loopback, 127.0.0.0/8 and ::1, is reached, nor abstract Unix sockets. Queries for names are an exception: a resolver there gets them, if it is the first one in /etc/resolv.conf.",
      'pasta runs without the gateway as a way to this machine, and without any forwards. Nobody reaches the box; --publish lets them.',
      'If pasta or nsbox-net ends, so does the box.',
    ],
    see: { run: 'ip route', page: 'pasta(1), veth(4), network_namespaces(7)' },
  }
}

function namesText(allow: readonly string[]): string {
  const [shown, rest] = [allow.slice(0, 3), allow.length - 3]
  return `${shown.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

/** A rule of a plan in words. */
function hostText(rule: string): string {
  const at = rule.lastIndexOf(':')
  const [host, port] = [rule.slice(0, at), rule.slice(at + 1)]
  const what = host.startsWith('*.') ? `every host below ${quote(host.slice(2))}` : quote(host)
  return `${what} on port ${port}`
}

function incoming(publish: readonly string[]): Step {
  return {
    title: `Publish ports of the box: ${publish.join(', ')}`,
    calls: 'socket, bind, listen, accept4, splice',
    why: "nsbox-net listens on this machine, and connects to the box's own 127.0.0.1 for each connection. A server in the box sees that address as its client's.",
    also: publish.map((port) => {
      const [inside = '', outside = '', ...address] = port.split(':').reverse()
      const at = address.reverse().join(':')
      const everybody = at === '0.0.0.0' || at === '[::]' ? ', which other machines reach too' : ''
      return `Port ${outside} of ${at} here${everybody}${everybody && ','} is port ${inside} of the box.`
    }),
  }
}

/** Paths of sockets that processes of the host listen on now, and that the box sees: /proc/net/unix, unix(7). */
export function visibleSockets(plan: BoxPlan, host: Pick<HostFacts, 'read' | 'look'>): string[] {
  const found = host.read('/proc/net/unix')
  if ('code' in found) return []
  const paths = new Set<string>()
  for (const line of found.text.split('\n').slice(1)) {
    // The flag says that it listens, or takes datagrams.
    const [, path] = /^\S+: \S+ \S+ \S+ \S+ \S+ +\d+ (\/.*)$/.exec(line) ?? []
    if (path !== undefined && isShown(path, plan) && host.look(path, true) === 'other') paths.add(path)
  }
  return [...paths].sort()
}

function isShown(path: string, { root, mounts = [] }: BoxPlan): boolean {
  let shown = showsHost(root)
  for (const mount of mounts) {
    const { type, target } = mount
    if (!MOUNT_TYPES[type].covers || !(path === target || path.startsWith(target === '/' ? '/' : `${target}/`)))
      continue
    // The others show the box's own files, or the same as before.
    if (type === 'bind') shown = mount.source === target
    else if (type !== 'view' && type !== 'protect') shown = false
  }
  return shown
}
