/**
 * The network of a box that reaches all that the host does, but nothing of the host's loopback. The host's program
 * pasta makes the connections, and nsbox-net puts a router before it: sidecar/net/pasta.h.
 */
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { rootDirectories, showsHost } from '../plan/root.ts'
import type { Helper, Mount, Root } from '../plan/types.ts'

/** Where systems install it. The caller's PATH isn't asked: the program runs outside of the box. */
const PLACES = ['/usr/bin/pasta', '/usr/local/bin/pasta', '/bin/pasta', '/run/current-system/sw/bin/pasta'] as const
/** What is sent there goes to the host's first resolver, wherever that listens: sidecar/net/pasta.c. */
const RESOLVER = '198.18.0.1'
const RESOLV_CONF = '/etc/resolv.conf'

/** Throws SandboxError where there is no pasta. */
export function pastaHelper(host: Pick<HostFacts, 'look'>): Helper {
  const program = PLACES.find((path) => host.look(path, true) === 'other')
  if (program === undefined)
    throw new SandboxError({
      step: 'network',
      what: `--net user needs pasta, which is not installed: ${PLACES.join(', ')}`,
      hint: 'on Debian and Ubuntu: sudo apt-get install passt',
    })
  return { part: 'net', argv: ['nsbox-net', '--pasta', program], ends: 'box' }
}

/**
 * The box's resolv.conf, if the one that it would see names a resolver on the host's loopback, as systemd-resolved has
 * it; the other lines stay. `hasHostFiles`: the box gets the host's file.
 */
export function resolvConfForPasta(
  options: Options,
  root: Root,
  hasHostFiles: boolean,
  host: Pick<HostFacts, 'read'>,
): Extract<Mount, { type: 'file' }> | undefined {
  const places = hasHostFiles && options.hostFiles !== false ? ['/'] : showsHost(root) ? ['/'] : rootDirectories(root)
  for (const place of places) {
    const found = host.read(place === '/' ? RESOLV_CONF : place + RESOLV_CONF)
    if (!('text' in found)) continue
    const text = withoutLoopback(found.text)
    return text === found.text ? undefined : { type: 'file', target: RESOLV_CONF, text }
  }
  return undefined
}

/** pasta passes queries on to the first resolver of IPv4; another one is only reached where it is not the host itself. */
function withoutLoopback(text: string): string {
  let isFirst = true
  let hasResolver = false
  const kept: string[] = []
  for (const line of text.split('\n')) {
    const address = /^[ \t]*nameserver[ \t]+(\S+)/.exec(line)?.[1]
    const isLocal = address !== undefined && /^(?:127\.|::1$)/.test(address)
    if (address === undefined || !isLocal) kept.push(line)
    else if (isFirst && address !== '::1') kept.push(`nameserver ${RESOLVER}`)
    hasResolver ||= address !== undefined && (!isLocal || (isFirst && address !== '::1'))
    if (address?.includes('.')) isFirst = false
  }
  if (!hasResolver && /^[ \t]*nameserver/m.test(text))
    throw new SandboxError({
      step: 'network',
      what: 'the only resolver is ::1, to which pasta passes no queries on',
      path: RESOLV_CONF,
      hint: '--file FILE:/etc/resolv.conf with the address of another one',
    })
  return kept.join('\n')
}
