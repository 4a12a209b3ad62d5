/** The cache's contents: names, images, and the layers of each kind of id map. */
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'

import { fileKey, formatOf } from './find.ts'
import { mapOf } from './kinds.ts'
import type { MapKind } from './map.ts'
import { pathOf, readReferences, referenceText, type LocalReference } from './reference.ts'
import { hexOf, imagesDirectory } from './places.ts'
import {
  readRecord,
  storeFailure,
  type FileRecord,
  type ImageRecord,
  type RefRecord,
  type TrustedRecord,
} from './store.ts'

/** A reference that leads to an image of the cache. */
export type Name = {
  reference: string
  platform: string
  id: string
  digest?: string
  /** When it was pulled or unpacked, as ISO 8601 has it. */
  pulled: string
  /** Its record in the cache. */
  record: string
  /** Path of the host's file that the image was made of. */
  path?: string
  /** The file has changed since, or is gone. */
  stale?: true
}

export type Kept = ImageRecord & {
  record: string
  /** Milliseconds since 1970. */
  used: number
}

export type Kind = {
  directory: string
  map: MapKind
  /** Names of the layers' directories: the digits of their chain ids. */
  layers: string[]
}

export type Inventory = { names: Name[]; images: Map<string, Kept>; kinds: Kind[] }

/** Reads all of it. Nothing is made; a cache that isn't there is empty. */
export function inventory(host: HostFacts): Inventory {
  const directory = imagesDirectory(host)
  return {
    names: [...pulledNames(directory), ...fileNames(directory)].toSorted((a, b) =>
      a.reference < b.reference ? -1 : 1,
    ),
    images: new Map(recordsIn<ImageRecord>(`${directory}/images`).map((image) => [image.value.id, keptOf(image)])),
    kinds: kindsIn(`${directory}/layers`),
  }
}

type Recorded<T> = { path: string; value: T }

function recordsIn<T>(directory: string): Recorded<T>[] {
  return namesIn(directory)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => {
      const value = readRecord<T>(`${directory}/${name}`)
      return value === undefined ? [] : [{ path: `${directory}/${name}`, value }]
    })
}

export function namesIn(directory: string): string[] {
  try {
    return fs.readdirSync(hostPath(directory)).toSorted()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw storeFailure('read', directory, error)
  }
}

function keptOf({ path, value }: Recorded<ImageRecord>): Kept {
  const used = fs.statSync(hostPath(path), { throwIfNoEntry: false })?.mtimeMs ?? 0
  return { ...value, record: path, used }
}

function pulledNames(directory: string): Name[] {
  return recordsIn<RefRecord>(`${directory}/refs`).map(({ path, value }) => ({ ...value, record: path }))
}

function fileNames(directory: string): Name[] {
  return recordsIn<FileRecord>(`${directory}/files`).map(({ path, value }) => ({
    reference: referenceText(localOf(value)),
    platform: value.platform,
    id: value.id,
    pulled: value.pulled,
    record: path,
    path: value.path,
    ...(isStale(value) && { stale: true as const }),
  }))
}

/** Paths of what is known of trusted files that have changed since, or are gone. */
export function staleTrusted(directory: string): string[] {
  return recordsIn<TrustedRecord>(`${directory}/trusted`)
    .filter(({ value }) => isStale(value))
    .map(({ path }) => path)
}

const localOf = ({ path, format, image }: Omit<LocalReference, 'kind'>): LocalReference => ({
  kind: 'local',
  path,
  ...(format !== undefined && { format }),
  ...(image !== undefined && { image }),
})

function isStale(record: FileRecord | TrustedRecord): boolean {
  const reference = localOf(record)
  try {
    return fileKey(reference, formatOf(reference), record.platform).join('\0') !== record.key.join('\0')
  } catch {
    return true
  }
}

function kindsIn(directory: string): Kind[] {
  return namesIn(directory).flatMap((name) => {
    const path = `${directory}/${name}`
    const map = mapOf(path)
    return map === undefined
      ? []
      : [{ directory: path, map, layers: namesIn(path).filter((layer) => /^[0-9a-f]{64}$/.test(layer)) }]
  })
}

/** Names and images that WORD means: a reference, a file, or the first digits of an image's id. Throws SandboxError. */
export function lookUp(
  word: string,
  { names, images }: Inventory,
  host: HostFacts,
  platform?: string,
): { names: Name[]; image: Kept } {
  const isAsked = (name: Name): boolean => platform === undefined || name.platform === platform
  const references = meaningsOf(word, host)
  const named = names.filter(
    (name) =>
      isAsked(name) &&
      (references.includes(name.reference) || (name.path !== undefined && name.path === pathOf(word, host))),
  )
  // A file that has changed counts where there is nothing newer of that name.
  const fresh = named.filter(({ stale }) => !stale)
  const found = fresh.length > 0 ? fresh : named
  const ids = [...new Set(found.length > 0 ? found.map(({ id }) => id) : idsOf(word, images))]
  const [id] = ids
  const image = id === undefined ? undefined : images.get(id)
  if (ids.length > 1)
    throw new SandboxError({
      step: 'image',
      what: 'means several images of the cache',
      path: word,
      hint: found.length > 0 ? 'say which by --platform, or by its id: nsbox image ls' : 'give more digits of its id',
    })
  if (image === undefined)
    throw new SandboxError({
      step: 'image',
      what: 'is not in the cache',
      path: word,
      hint: 'nsbox image ls lists what is there; nsbox image pull REF brings it in',
    })
  return { names: found.length > 0 ? found : names.filter((name) => name.id === id && isAsked(name)), image }
}

function idsOf(word: string, images: ReadonlyMap<string, Kept>): string[] {
  const digits = hexOf(word)
  return /^[0-9a-f]{8,64}$/.test(digits) ? [...images.keys()].filter((id) => hexOf(id).startsWith(digits)) : []
}

/** The references that WORD may stand for; none for what only names a record, such as a file that is gone. */
function meaningsOf(word: string, host: HostFacts): string[] {
  try {
    return [word, ...readReferences(word, host).map(referenceText)]
  } catch {
    return [word]
  }
}
