/**
 * The network of a box that leads somewhere: to hosts by their names, to all that the host reaches (user-network.ts),
 * or from ports that are published. The program nsbox-net makes it, outside of the box, and answers what the box asks
 * for names. Where names are the permission, whatever would be asked in its place has to be out of the box's sight: the
 * host's list of hosts, and the sockets of its name services.
 */
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import { isMounted, rootDirectories, showsHost } from '../plan/root.ts'
import type { Helper, Mount, MountOption, Root } from '../plan/types.ts'
import { isHidden, NAME } from './host-files.ts'
import { pastaHelper, resolvConfForPasta } from './user-network.ts'

/** Address of the resolver, which nsbox-net makes: sidecar/net/names.h. */
const RESOLVER = '198.18.0.1'

const RESOLV_CONF = '/etc/resolv.conf'
const HOSTS = '/etc/hosts'
const NSSWITCH = '/etc/nsswitch.conf'
/** Sockets of services that answer for names; those of others in these directories reach outside the box as well. */
const RUN = '/run'
const VAR_RUN = '/var/run'
const SSS = '/var/lib/sss/pipes'
/** Links of NixOS, without which no program is found. */
const RUN_LINKS = ['/run/current-system', '/run/booted-system', '/run/wrappers', '/run/opengl-driver'] as const

type BoxNetwork = {
  helpers: Helper[]
  /** They come before all mounts that options request. */
  first: Mount[]
  /** They come behind those. */
  files: Mount[]
  /** A directory of the host's root that the box sees as a view: no rename on the host lifts a mount in it. */
  view?: string
  /** A file's place is missing in a root of the caller's own, and is made while the box runs. */
  makes: boolean
}

/**
 * REQUESTED: the mounts of options, which win over all that is mounted here. `hasHostFiles`: the box gets the host's
 * resolv.conf otherwise.
 */
export function boxNetwork(
  options: Options,
  root: Root,
  requested: readonly Mount[],
  host: HostFacts,
  hasHostFiles: boolean,
): BoxNetwork {
  const network: BoxNetwork = { helpers: helpersOf(options, host), first: [], files: [], makes: false }
  const files = options.allowHosts !== undefined ? boxFiles(options, root, host) : []
  if (options.net === 'user' && !isHidden(RESOLV_CONF, requested)) {
    const file = resolvConfForPasta(options, root, hasHostFiles, host)
    if (file !== undefined) files.push(file)
  }
  for (const file of files) if (!isHidden(file.target, requested)) network.files.push(file)
  if (showsHost(root)) {
    if (options.allowHosts !== undefined) network.first = hidingMounts(requested, host)
    if (root.type === 'directory' && network.files.length > 0) network.view = '/etc'
  } else if (root.type === 'directory') {
    network.makes = network.files.some(({ target }) => isUnmade(root.path + target, host))
  }
  return network
}

function helpersOf(options: Options, host: HostFacts): Helper[] {
  const { net, publish } = options
  if (net !== 'user') return [namesHelper(options)]
  return publish === undefined ? [pastaHelper(host)] : [pastaHelper(host), namesHelper({ publish })]
}

function namesHelper({ allowHosts = [], allowPrivate, checkSni, publish = [] }: Options): Helper {
  const argv = ['nsbox-net']
  for (const rule of allowHosts) argv.push('--allow', rule)
  if (allowPrivate) argv.push('--allow-private')
  if (checkSni) argv.push('--check-sni')
  for (const port of publish) argv.push('--publish', port)
  return { part: 'net', argv, ends: 'box' }
}

function boxFiles(options: Options, root: Root, host: HostFacts): Mount[] {
  const files: Mount[] = [
    // A search list would make other names of each name. Two seconds: the resolver is near.
    { type: 'file', target: RESOLV_CONF, text: `nameserver ${RESOLVER}\nsearch .\noptions timeout:2 attempts:2\n` },
    { type: 'file', target: HOSTS, text: hostsText(options, host) },
  ]
  // Files that the kernel mounts at the start can't be read before; such a root keeps its own.
  if (!isMounted(root)) files.push({ type: 'file', target: NSSWITCH, text: nsswitchText(root, host) })
  return files
}

function hostsText({ hostname }: Options, host: HostFacts): string {
  const found = hostname === undefined ? host.read(NAME) : undefined
  const name = hostname ?? (found !== undefined && 'text' in found ? found.text.trim() : '')
  const own = name === '' || name === 'localhost' ? '' : `127.0.1.1 ${name}\n`
  return `127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n${own}`
}

/** Names are looked for in the files and with the resolver alone: other services are asked past it. */
function nsswitchText(root: Root, host: HostFacts): string {
  const line = 'hosts: files dns\n'
  for (const directory of rootDirectories(root)) {
    const found = host.read(directory === '/' ? NSSWITCH : directory + NSSWITCH)
    if (!('text' in found)) continue
    const others = found.text.split('\n').filter((text) => text.trim() !== '' && !/^\s*hosts\s*:/.test(text))
    return `${others.join('\n')}${others.length > 0 ? '\n' : ''}${line}`
  }
  return line
}

function hidingMounts(requested: readonly Mount[], host: HostFacts): Mount[] {
  const mounts: Mount[] = []
  const empty = (target: string) => {
    if (!isMountedAt(target, requested) && host.look(target, true) === 'directory')
      mounts.push({ type: 'tmpfs', target, mode: '0755', options: EMPTY })
  }
  empty(RUN)
  for (const link of RUN_LINKS)
    if (typeof host.look(link, false) === 'string' && !isMountedAt(RUN, requested))
      mounts.push({ type: 'bind', source: link, target: link, options: ['ro', 'nosuid', 'nodev'], optional: true })
  // On most systems it is a link to /run.
  if (host.look(VAR_RUN, false) === 'directory' && !host.isLink(VAR_RUN)) empty(VAR_RUN)
  if (host.look(SSS, true) === 'directory' && !isHidden(SSS, requested)) mounts.push({ type: 'mask', target: SSS })
  return mounts
}

const EMPTY: MountOption[] = ['nosuid', 'nodev']

/** Whether an option mounts something at the very path. */
function isMountedAt(path: string, requested: readonly Mount[]): boolean {
  return requested.some(({ type, target }) => target === path && MOUNT_TYPES[type].covers)
}

/** A missing file, or a link that leads nowhere in the root: then its place has to be made. */
function isUnmade(path: string, host: HostFacts): boolean {
  return typeof host.look(path, false) !== 'string' || host.isLink(path)
}
