/** Looks an image up in the cache: a few small files are read, and nothing else is asked. */
import { existsSync, statSync, utimesSync } from 'node:fs'
import { hostPath } from '../host/bun.ts'
import type { HostFacts } from '../host/types.ts'
import { SandboxError } from '../errors.ts'
import type { Image, ImageConfig, Want } from './image.ts'
import { parsePlatform, platformOf, platformText } from './platform.ts'
import { readReferences, referenceText, type LocalReference, type Reference } from './reference.ts'
import { sniff, type Sniffed } from './sniff.ts'
import { imagesDirectory, paths } from './places.ts'
import { readRecord, type ImageRecord, type RefRecord, type TrustedRecord } from './store.ts'
import { filesystemType, mountedImage, refuseUntrusted } from './trusted.ts'

export const NO_CONFIG: ImageConfig = { env: [], labels: {} }

/**
 * The image if all of it is in the cache, for this kind of id map; undefined where it has to be pulled or unpacked, or
 * a registry has to be asked. Throws UsageError for a malformed one.
 */
export function findImage(text: string, want: Want, host: HostFacts): Image | undefined {
  for (const reference of readReferences(text, host)) {
    if (want.trust) return findTrusted(reference, want, host)
    const found = reference.kind === 'local' ? findLocal(reference, want, host) : findPulled(reference, want, host)
    if (found !== undefined) return found
  }
  return undefined
}

function findPulled(reference: Reference, want: Want, host: HostFacts): Image | undefined {
  if (want.pull === 'always') return undefined
  const directory = imagesDirectory(host)
  const name = referenceText(reference)
  const ref = readRecord<RefRecord>(paths.reference(directory, name, platformFor(want, host)))
  if (ref === undefined) return undefined
  const named = reference.kind === 'registry' && reference.digest !== undefined
  return cachedImage(directory, ref.id, named ? name : `${name}@${ref.digest}`, want)
}

function findLocal(reference: LocalReference, want: Want, host: HostFacts): Image | undefined {
  const format = formatOf(reference)
  if (format === 'directory') return directoryImage(reference.path)
  const directory = imagesDirectory(host)
  const file = readRecord<{ id: string }>(paths.file(directory, fileKey(reference, format, platformFor(want, host))))
  return file === undefined ? undefined : cachedImage(directory, file.id, referenceText({ ...reference }), want)
}

/** Returns the kind of file at the path, by the reference's prefix or else by its content. */
export function formatOf({ format, path }: LocalReference): Sniffed | 'docker-archive' | 'oci-archive' {
  if (format === undefined || format === 'dir') {
    const found = sniff(path)
    if (format === 'dir' && found !== 'directory' && found !== 'oci')
      throw new SandboxError({
        step: 'image',
        what: 'is not a directory',
        path,
        hint: 'leave the prefix dir: out: nsbox looks what the file is',
      })
    return format === 'dir' ? 'directory' : found
  }
  return format
}

/** The image that the file itself is, or whose file systems are known; undefined: they have to be looked for in it. */
function findTrusted(reference: Reference, want: Want, host: HostFacts): Image | undefined {
  refuseUntrusted(reference, want, host)
  const { path } = reference
  const format = formatOf(reference)
  if (format !== 'iso') return mountedImage(path, format, [{ path, type: filesystemType(path, format) }])
  const key = fileKey(reference, format, platformFor(want, host))
  const known = readRecord<TrustedRecord>(paths.trusted(imagesDirectory(host), key))
  return known === undefined ? undefined : mountedImage(path, format, known.filesystems)
}

function directoryImage(path: string): Image {
  return { id: path, reference: `dir:${path}`, config: NO_CONFIG, lowers: [path], layersAreOurs: false }
}

/**
 * Returns the key by which a file is known: the same name with the same inode, size and times has the same content. For
 * a layout, index.json counts, since it names all else by digest.
 */
export function fileKey({ format, path, image }: LocalReference, is: string, platform: string): string[] {
  const stat = statSync(hostPath(is === 'oci' ? `${path}/index.json` : path), {
    bigint: true,
    throwIfNoEntry: false,
  })
  const facts = stat === undefined ? [] : [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].map(String)
  return [path, ...facts, format ?? '', image ?? '', platform]
}

/** The platform that is wanted, as text. */
export function platformFor({ platform }: Pick<Want, 'platform'>, host: Pick<HostFacts, 'machine'>): string {
  return platformText(platform === undefined ? platformOf(host.machine) : parsePlatform(platform))
}

/** An image of the cache; undefined where it lacks a layer for this kind of id map. */
export function cachedImage(directory: string, id: string, reference: string, { map }: Want): Image | undefined {
  const path = paths.image(directory, id)
  const record = readRecord<ImageRecord>(path)
  if (record === undefined) return undefined
  const lowers: string[] = []
  for (const chainId of record.chainIds) {
    const layer = paths.layer(directory, map.name, chainId)
    if (!existsSync(hostPath(`${layer}/layer.json`))) return undefined
    lowers.unshift(`${layer}/fs`)
  }
  touch(path)
  return { id: record.id, reference, config: record.config, lowers, layersAreOurs: true }
}

/** The time of the last use, for prune. A cache that can't be written to keeps the old one. */
function touch(path: string): void {
  try {
    utimesSync(hostPath(path), new Date(), new Date())
  } catch {}
}
