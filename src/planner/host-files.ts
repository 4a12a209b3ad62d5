/**
 * The files that say how this host is called and reaches others. In a root of its own a box has those of the machine
 * where the root was made, if any. It gets the host's, as mounts, so that nothing is written into the root.
 */
import { SandboxError, UsageError } from '../errors.ts'
import { systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import { rootDirectories, showsHost } from '../plan/root.ts'
import type { Mount, Root } from '../plan/types.ts'

type FileMount = Extract<Mount, { type: 'file' }>
type Host = Pick<HostFacts, 'read' | 'look' | 'isLink'>

export const NAME = '/proc/sys/kernel/hostname'

/** The paths of these files, without the local time, which is only there on request. */
export const HOST_FILES = ['/etc/resolv.conf', '/etc/hosts', '/etc/hostname'] as const
export const LOCAL_TIME = '/etc/localtime'

/**
 * The mounts that come behind those of REQUESTED; a file that one of these shows stays as it is. `image`: the root is
 * an image's, which has a file of its own at each of the paths. Throws UsageError where the root isn't the box's own.
 */
export function hostFileMounts(
  options: Options,
  root: Root,
  requested: readonly Mount[],
  host: Host,
  image: boolean,
): Mount[] {
  const { hostFiles = image } = options
  if (!hostFiles && !image)
    throw new UsageError('--no-host-files: only the box of an image has these files by itself', 'leave it out')
  if (showsHost(root))
    throw new UsageError("--host-files: the box sees the host's own files", '--root DIR gives it a root of its own')
  if (!hostFiles) return []
  const files = [resolvConf(options, host), hosts(options, host), hostname(options)]
  if (hostFiles === 'localtime') files.push(localTime(root, host, image))
  const mounts: Mount[] = []
  for (const file of files) if (!isHidden(file.target, requested)) mounts.push(opened(file, options, host))
  return mounts
}

/** Whether one of the mounts shows something else at the path. */
export function isHidden(path: string, mounts: readonly Mount[]): boolean {
  for (const mount of mounts) if (hides(mount, path)) return true
  return false
}

function hides({ type, target }: Mount, path: string): boolean {
  const clean = cleanPath(target)
  const { covers, makes } = MOUNT_TYPES[type]
  return path === clean ? covers || makes : covers && path.startsWith(`${clean}/`)
}

/** With --no-follow the sidecar refuses a link, as /etc/resolv.conf often is one; nsbox names this path, not the user. */
function opened(file: FileMount, { noFollow }: Options, host: Host): FileMount {
  if (!noFollow || file.source === undefined || !host.isLink(file.source)) return file
  const found = host.read(file.source)
  if ('code' in found) throw systemFailure({ step: 'mounts', what: 'copy', path: file.source, code: found.code })
  return { type: 'file', target: file.target, text: found.text + (file.text ?? '') }
}

/**
 * systemd-resolved listens on 127.0.0.53 of the host's network. A box with a network of its own can't reach that: it
 * gets the list of the servers behind it.
 */
const UPSTREAM = '/run/systemd/resolve/resolv.conf'

function resolvConf({ net }: Options, host: Host): FileMount {
  const target = '/etc/resolv.conf'
  const found = host.read(target)
  // An empty file: the C library then asks a server on the loopback, as it does on this host.
  if ('code' in found) return { type: 'file', target }
  const own = net !== undefined && net !== 'host'
  const isUnreachable = own && areLocal(servers(found.text))
  return { type: 'file', source: isUnreachable && host.look(UPSTREAM, true) === 'other' ? UPSTREAM : target, target }
}

const areLocal = (addresses: readonly string[]): boolean =>
  addresses.every((address) => address.startsWith('127.') || address === '::1')

function servers(text: string): string[] {
  return [...text.matchAll(/^[ \t]*nameserver[ \t]+(\S+)/gm)].map(([, address = '']) => address)
}

/** The host's, and the name of the box if that isn't among them: sudo and others look for it. */
function hosts({ hostname: chosen }: Options, host: Host): FileMount {
  const target = '/etc/hosts'
  const current = host.read(NAME)
  const name = chosen ?? ('text' in current ? current.text.trim() : '')
  const found = host.read(target)
  const own = name === '' || ('text' in found && hasName(found.text, name)) ? '' : `127.0.1.1 ${name}\n`
  if ('code' in found) return { type: 'file', target, text: `127.0.0.1 localhost\n::1 localhost\n${own}` }
  const separator = found.text === '' || found.text.endsWith('\n') ? '' : '\n'
  return own === ''
    ? { type: 'file', source: target, target }
    : { type: 'file', source: target, target, text: separator + own }
}

/** The first word of a line is an address. */
function hasName(text: string, name: string): boolean {
  for (const line of text.split('\n')) if (line.replace(/#.*/, '').trim().split(/\s+/).includes(name, 1)) return true
  return false
}

function hostname({ hostname: chosen }: Options): FileMount {
  const target = '/etc/hostname'
  return chosen === undefined ? { type: 'file', source: NAME, target } : { type: 'file', target, text: `${chosen}\n` }
}

/** A link there leads to the file of a time zone, and a mount would hide that one for all who ask for the zone. */
function localTime(root: Root, host: Host, image: boolean): FileMount {
  const found = host.look(LOCAL_TIME, true)
  if (typeof found === 'object')
    throw systemFailure({
      step: 'mounts',
      what: 'copy',
      path: LOCAL_TIME,
      code: found.code,
      hint: 'this host has no local time zone, and its programs use UTC: leave =localtime out',
    })
  const link = image ? undefined : rootDirectories(root).find((path) => host.isLink(path + LOCAL_TIME))
  if (link !== undefined)
    throw new SandboxError({
      step: 'mounts',
      what: "--host-files=localtime: the root has a link there, and a mount would hide the zone's file behind it",
      path: link + LOCAL_TIME,
      hint: 'make it a file first, or set the variable TZ',
    })
  return { type: 'file', source: LOCAL_TIME, target: LOCAL_TIME }
}
