/**
 * References to images: `HOST[:PORT]/NAME[:TAG][@sha256:HEX]` in a registry, a path of the host, or a path behind a
 * prefix that says what is there.
 *
 * A word is never taken for a file when it may as well name an image in a registry: whoever can write to the caller's
 * directory could otherwise put an image of theirs in the place of the one that the caller means.
 */
import { UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { absolute } from '../host/absolute.ts'
import { printable } from '../text/printable.ts'
import { DIGEST, HOST, LONGEST_NAME, NAME, TAG } from './grammar.ts'
import { readRegistries, registriesFile } from './registries.ts'

export type RegistryReference = {
  kind: 'registry'
  /** HOST[:PORT]. */
  host: string
  name: string
  /** Absent only beside a digest. */
  tag?: string
  /** sha256:HEX, of an index or a manifest. */
  digest?: string
}

export const PREFIXES = [
  'dir',
  'tar',
  'cpio',
  'docker-archive',
  'oci',
  'oci-archive',
  'squashfs',
  'iso',
  'erofs',
  'ext4',
] as const
type Prefix = (typeof PREFIXES)[number]

export type LocalReference = {
  kind: 'local'
  /** The kind of file; absent: its content says. */
  format?: Prefix
  /** Absolute path on the host. */
  path: string
  /** Which image of an archive or a layout that holds several. */
  image?: string
}

export type Reference = RegistryReference | LocalReference

/** Formats that may hold several images. */
const WITH_NAMES: readonly Prefix[] = ['docker-archive', 'oci', 'oci-archive']
const IN_REGISTRY = 'docker://'

const LATEST = 'latest'

const quote = (text: string): string => `'${printable(text)}'`

type Look = Pick<HostFacts, 'cwd' | 'look' | 'read' | 'uid' | 'variable'>

/**
 * Returns the possible meanings of a reference, the likeliest first: more than one only for a short name where the
 * caller's file names several registries. Throws UsageError for a text that is no reference, or could be two things.
 */
export function readReferences(text: string, host: Look): Reference[] {
  if (text === '') throw new UsageError("image: empty reference ''")
  if (text.includes('\0')) throw new UsageError('image: a reference has no NUL')
  if (text.startsWith(IN_REGISTRY)) return inRegistry(text.slice(IN_REGISTRY.length), text, host)
  for (const prefix of PREFIXES) if (text.startsWith(`${prefix}:`)) return [behindPrefix(prefix, text, host)]
  if (isPath(text)) return [{ kind: 'local', path: pathOf(text, host) }]
  return byFileOrName(text, host)
}

/** The reference as one text; what it was made from is another way to write it. */
export function referenceText(reference: Reference): string {
  if (reference.kind === 'registry') {
    const { host, name, tag, digest } = reference
    return `${host}/${name}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
  }
  const { format, path, image } = reference
  if (format === undefined) return path
  const whole = WITH_NAMES.includes(format) ? path.replaceAll(':', '\\:') : path
  return `${format}:${whole}${image === undefined ? '' : `:${image}`}`
}

/** Whether a text means a path without a look at what is there. */
export function isPath(text: string): boolean {
  for (const directory of ['/', './', '../']) if (text.startsWith(directory)) return true
  return text === '.' || text === '..'
}

/** Absolute, without "." in it, so that one file has one name. ".." stays: a link may stand before it. */
export function pathOf(text: string, host: Look): string {
  let path = ''
  for (const part of absolute(text, host as HostFacts).split('/')) if (part !== '' && part !== '.') path += `/${part}`
  return path === '' ? '/' : path
}

function behindPrefix(format: Prefix, text: string, host: Look): LocalReference {
  const rest = text.slice(format.length + 1)
  const end = WITH_NAMES.includes(format) ? rest.search(/(?<!\\):/) : -1
  const path = end < 0 ? rest : rest.slice(0, end)
  const image = end < 0 ? undefined : rest.slice(end + 1)
  if (path === '') throw new UsageError(`image: ${quote(text)} has no path behind ${format}:`)
  if (image === '') throw new UsageError(`image: ${quote(text)} has no name behind its last colon`, COLON)
  const plain = WITH_NAMES.includes(format) ? path.replaceAll('\\:', ':') : path
  return {
    kind: 'local',
    format,
    path: pathOf(plain, host),
    ...(image !== undefined && { image }),
  }
}

const COLON = 'a colon that belongs to a path is written \\:'

/** A word without a prefix that doesn't begin as a path: a file of the caller's directory, or a name. */
function byFileOrName(text: string, host: Look): Reference[] {
  const path = pathOf(text, host)
  const parts = split(text)
  if (typeof host.look(path, false) !== 'string') {
    if (looksLikeFile(text)) throw missingFile(text, path, parts)
    return inRegistry(text, text, host)
  }
  if (isNamed(parts) && (parts.host !== undefined || readRegistries(host).defaults.length > 0))
    throw new UsageError(
      `image: ${quote(text)} may mean a file here, or an image in a registry`,
      `./${text} is the file, docker://${text} the image in the registry`,
    )
  return [{ kind: 'local', path }]
}

/** Whether it has an ending that images in registries don't have, and files do: a path with a slip in it. */
function looksLikeFile(text: string): boolean {
  return /\.(iso|img|tar|tgz|txz|tzst|tbz2?|squashfs|sqfs|sfs|erofs|ext4|cpio|gz|xz|zst|bz2)$/i.test(text)
}

function missingFile(text: string, path: string, { host }: Parts): UsageError {
  return new UsageError(
    `image: ${quote(text)}: there is no such file`,
    `looked for ${printable(path)}; ${IN_REGISTRY}${host === undefined ? 'HOST/' : ''}${printable(text)} would be an image in a registry`,
  )
}

type Parts = { host: string | undefined; name: string; tag: string | undefined; digest: string | undefined }

/** A first part with a dot or a colon is a host, or the word localhost, as for all tools that take such references. */
function split(text: string): Parts {
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  const plain = at < 0 ? text : text.slice(0, at)
  const slash = plain.indexOf('/')
  const first = slash < 0 ? '' : plain.slice(0, slash)
  const host = /[.:]/.test(first) || first === 'localhost' ? first : undefined
  const rest = host === undefined ? plain : plain.slice(slash + 1)
  const colon = rest.indexOf(':')
  return {
    host,
    name: colon < 0 ? rest : rest.slice(0, colon),
    tag: colon < 0 ? undefined : rest.slice(colon + 1),
    digest,
  }
}

const isNamed = ({ host, name, tag, digest }: Parts): boolean => faultOf({ host, name, tag, digest }) === undefined

/** Returns what is wrong with the parts of a name. */
function faultOf({ host, name, tag, digest }: Parts): string | undefined {
  if (host !== undefined && !HOST.test(host)) return `${quote(host)} is not HOST or HOST:PORT`
  if (name === '') return 'the name is missing'
  if (name.length > LONGEST_NAME) return `the name is longer than ${LONGEST_NAME} characters`
  if (!NAME.test(name))
    return NAME.test(name.toLowerCase())
      ? `${quote(name)} has capital letters, which names in registries don't have`
      : `${quote(name)} is not a name: letters and digits, with . _ - between them, and / between parts`
  if (tag !== undefined && !TAG.test(tag)) return `${quote(tag)} is not a tag`
  if (digest !== undefined && !DIGEST.test(digest)) return `${quote(digest)} is not sha256: and 64 hexadecimal digits`
  return undefined
}

function inRegistry(text: string, typed: string, host: Look): RegistryReference[] {
  const parts = split(text)
  const fault = faultOf(parts)
  if (fault !== undefined)
    throw new UsageError(
      `image: ${quote(typed)}: ${fault}`,
      'an image is HOST/NAME[:TAG][@sha256:HEX] in a registry, or a file: ./FILE or a path with a slash in front',
    )
  const { defaults, aliases } = readRegistries(host)
  if (parts.host !== undefined) return [whole(aliases.get(parts.host) ?? parts.host, parts)]
  if (defaults.length > 0) return defaults.map((registry) => whole(registry, parts))
  throw new UsageError(
    `image: ${quote(typed)} is a short name: the registry is missing, and there is no such file`,
    `write HOST/${parts.name}, or name default registries in ${registriesFile(host) ?? 'a file registries'}, a line each`,
  )
}

/** `registry`: HOST[:PORT][/PREFIX]. */
function whole(registry: string, { name, tag, digest }: Parts): RegistryReference {
  const named = tag ?? (digest === undefined ? LATEST : undefined)
  const [host = registry, ...prefix] = registry.split('/')
  return {
    kind: 'registry',
    host,
    name: [...prefix, name].join('/'),
    ...(named !== undefined && { tag: named }),
    ...(digest !== undefined && { digest }),
  }
}
