/**
 * Reads manifests and indexes: image-spec of OCI, and version 2 schema 2 of Docker, which mean the same. Strict, since
 * they come from strangers: what isn't understood is refused.
 */
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { DIGEST } from './grammar.ts'
import { platformText, simple, type Platform } from './platform.ts'

export type Descriptor = {
  mediaType: string
  /** sha256:HEX. */
  digest: string
  /** Bytes. */
  size: number
  annotations?: Record<string, string>
}
type IndexEntry = Descriptor & { platform?: Platform }
export type Index = { kind: 'index'; entries: IndexEntry[] }
export type Manifest = {
  kind: 'image'
  config: Descriptor
  /** The lowest first. */
  layers: Descriptor[]
}

/** Bytes of a manifest or an index. Registries allow 4 MiB. */
export const MAX_MANIFEST = 4 << 20
/** OVL_MAX_STACK of the kernel is 500, and one lower directory is for files of the host. */
const MAX_LAYERS = 499
const MAX_ENTRIES = 1000

export const MEDIA_TYPES = {
  indexes: ['application/vnd.oci.image.index.v1+json', 'application/vnd.docker.distribution.manifest.list.v2+json'],
  manifests: ['application/vnd.oci.image.manifest.v1+json', 'application/vnd.docker.distribution.manifest.v2+json'],
} as const
const CONFIGS: readonly string[] = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
]
const LAYER =
  /^application\/vnd\.(oci\.image\.layer\.(nondistributable\.)?v1\.tar(\+(gzip|zstd))?|docker\.image\.rootfs\.(foreign\.)?diff\.tar(\.(gzip|zstd))?)$/
const SCHEMA_1 = /^application\/vnd\.docker\.distribution\.manifest\.v1\+/

/**
 * `contentType`: of the response, where there is one; the document's own word and its shape decide otherwise. `about`:
 * the image, for messages. Throws SandboxError.
 */
export function parseManifest(bytes: Uint8Array, about: string, contentType?: string): Index | Manifest {
  if (bytes.length > MAX_MANIFEST) throw wrongManifest(`is larger than ${MAX_MANIFEST} bytes`, about)
  const top = membersOf(json(bytes, about), 'the document', about)
  if (top.schemaVersion === 1 || SCHEMA_1.test(contentType ?? ''))
    throw wrongManifest('has schema version 1, which registries gave up in 2017', about, 'push the image again')
  if (top.schemaVersion !== 2) throw wrongManifest('has no schemaVersion 2', about)
  return isIndex(top, contentType, about)
    ? { kind: 'index', entries: entriesOf(top.manifests, about) }
    : manifestIn(top, about)
}

/** The entry of an index for a platform. Throws SandboxError with a list of what there is. */
export function chooseManifest({ entries }: Index, wanted: Platform, about: string): IndexEntry {
  const text = platformText(simple(wanted))
  const real = entries.filter(({ platform }) => platform?.os !== 'unknown')
  const textOf = (entry: IndexEntry): string | undefined => entry.platform && platformText(simple(entry.platform))
  const found =
    real.find((entry) => textOf(entry) === text) ??
    // Without a variant any of them will do: the first is the maker's choice.
    real.find(
      ({ platform }) =>
        wanted.variant === undefined && platform?.os === wanted.os && platform.architecture === wanted.architecture,
    ) ??
    // A layout of one image often says nothing about its platform.
    (real.length === 1 && real[0]?.platform === undefined ? real[0] : undefined)
  if (found !== undefined) return found
  const there = [...new Set(real.map((entry) => textOf(entry) ?? 'an entry without a platform'))]
  throw new SandboxError({
    step: 'image',
    what: `no image for ${text}`,
    path: about,
    hint: there.length === 0 ? 'the index is empty' : `there is: ${there.join(', ')}; --platform chooses`,
  })
}

function isIndex(top: Members, contentType: string | undefined, about: string): boolean {
  const plain = contentType?.split(';')[0]?.trim().toLowerCase()
  const own = typeof top.mediaType === 'string' ? top.mediaType : undefined
  const kindOf = (type: string | undefined): 'index' | 'image' | undefined =>
    type === undefined
      ? undefined
      : (MEDIA_TYPES.indexes as readonly string[]).includes(type)
        ? 'index'
        : (MEDIA_TYPES.manifests as readonly string[]).includes(type)
          ? 'image'
          : undefined
  const [said, meant] = [kindOf(plain), kindOf(own)]
  if (own !== undefined && meant === undefined)
    throw wrongManifest(`has the type ${printable(own)}, which is not an image`, about)
  if (said !== undefined && meant !== undefined && said !== meant)
    throw wrongManifest(`is ${own} and was sent as ${plain}`, about)
  const shape = top.manifests !== undefined ? 'index' : 'image'
  // One document that can be read in two ways would mean two images under one digest.
  if (top.manifests !== undefined && (top.layers !== undefined || top.config !== undefined))
    throw wrongManifest('is both a list and an image', about)
  if ((said ?? meant ?? shape) !== shape) throw wrongManifest('is not what its type says', about)
  return shape === 'index'
}

function manifestIn(top: Members, about: string): Manifest {
  const config = descriptorOf(top.config, 'config', about)
  const list = listOf(top.layers, 'layers', MAX_LAYERS, about)
  if (!CONFIGS.includes(config.mediaType))
    throw wrongManifest(
      `has a configuration of the type ${printable(config.mediaType)}: it is not an image of a system`,
      about,
    )
  const layers = list.map((layer, n) => descriptorOf(layer, `layers/${n}`, about))
  for (const { mediaType } of layers)
    if (!LAYER.test(mediaType))
      throw wrongManifest(`has a layer of the type ${printable(mediaType)}, which is not a file system`, about)
  return { kind: 'image', config, layers }
}

function entriesOf(value: unknown, about: string): IndexEntry[] {
  return listOf(value, 'manifests', MAX_ENTRIES, about).map((entry, n) => {
    const descriptor = descriptorOf(entry, `manifests/${n}`, about)
    const { platform } = entry as Members
    if (platform === undefined || platform === null) return descriptor
    const { os, architecture, variant } = membersOf(platform, `manifests/${n}/platform`, about)
    if (typeof os !== 'string' || typeof architecture !== 'string' || !['string', 'undefined'].includes(typeof variant))
      throw wrongManifest(`manifests/${n}/platform: not os and architecture`, about)
    return { ...descriptor, platform: simple({ os, architecture, ...(variant ? { variant: String(variant) } : {}) }) }
  })
}

function descriptorOf(value: unknown, key: string, about: string): Descriptor {
  const { mediaType, digest, size, annotations } = membersOf(value, key, about)
  if (typeof mediaType !== 'string') throw wrongManifest(`${key}: no mediaType`, about)
  if (typeof digest !== 'string' || !DIGEST.test(digest))
    throw wrongManifest(`${key}: the digest is not sha256: and 64 hexadecimal digits`, about)
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
    throw wrongManifest(`${key}: the size is not a number of bytes`, about)
  const noted = annotations === undefined || annotations === null ? undefined : notesOf(annotations, key, about)
  return { mediaType, digest, size, ...(noted !== undefined && { annotations: noted }) }
}

function notesOf(value: unknown, key: string, about: string): Record<string, string> {
  const entries = Object.entries(membersOf(value, `${key}/annotations`, about))
  for (const [, text] of entries)
    if (typeof text !== 'string') throw wrongManifest(`${key}/annotations: not text`, about)
  return Object.fromEntries(entries) as Record<string, string>
}

type Members = Readonly<Record<string, unknown>>

function json(bytes: Uint8Array, about: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw wrongManifest('is not JSON', about)
  }
}

function membersOf(value: unknown, key: string, about: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongManifest(`${key}: not an object`, about)
  return value as Members
}

function listOf(value: unknown, key: string, most: number, about: string): unknown[] {
  if (!Array.isArray(value)) throw wrongManifest(`${key}: not a list`, about)
  if (value.length > most) throw wrongManifest(`${key}: ${value.length} entries: at most ${most} are allowed`, about)
  return value
}

function wrongManifest(what: string, path: string, hint?: string): SandboxError {
  return new SandboxError({
    step: 'image',
    what: `the manifest ${what}`,
    path,
    hint: hint ?? 'the image is damaged, or not an image of a system: ask whoever built it',
  })
}
