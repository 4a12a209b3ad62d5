/** Brings an image into the cache: layer by layer, so that what is there already isn't fetched or unpacked again. */
import { sha256Digest } from '../host/sha256.ts'
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { compact } from '../plan/compact.ts'
import { cachedImage, fileKey, findImage, formatOf, platformFor } from './find.ts'
import type { Image, Progress, Want } from './image.ts'
import { abandonedIn, removeTrees, unpackLayer, type LayerRecord, type Unpacking } from './layers.ts'
import { openSource } from './open-source.ts'
import {
  readReferences,
  referenceText,
  type LocalReference,
  type Reference,
  type RegistryReference,
} from './reference.ts'
import { isoFilesystems } from './iso.ts'
import { layersDirectory } from './kinds.ts'
import { NotInRegistry } from './pull-fault.ts'
import { readFailure } from './ranges.ts'
import { openRegistry } from './registry-source.ts'
import type { LayerSource, Source } from './source.ts'
import { mountedImage } from './trusted.ts'
import { imagesDirectory, paths } from './places.ts'
import {
  chainIdsOf,
  ensureDirectory,
  readRecord,
  writeRecord,
  type FileRecord,
  type ImageRecord,
  type RefRecord,
  type TrustedRecord,
} from './store.ts'

/**
 * The image, pulled and unpacked where the cache lacks it. Throws SandboxError, UsageError, or the signal's reason;
 * what was brought in before stays for the next try.
 */
export async function getImage(text: string, want: Want, host: HostFacts): Promise<Image> {
  try {
    return await foundOrBrought(text, want, host)
  } catch (error) {
    throw want.signal?.aborted ? error : readFailure(text, error)
  }
}

async function foundOrBrought(text: string, want: Want, host: HostFacts): Promise<Image> {
  const found = findImage(text, want, host)
  if (found !== undefined) return found
  const references = readReferences(text, host)
  const [first] = references
  if (first === undefined) throw new Error('a reference always means something')
  if (references.length === 1) return await bring(first, want, host)
  for (const reference of references) {
    try {
      return await bring(reference, want, host)
    } catch (error) {
      // Only a registry that says that it hasn't the image leads to the next: a broken one must not change what a name
      // means.
      if (!(error instanceof NotInRegistry)) throw error
    }
  }
  throw new SandboxError({
    step: 'image',
    what: 'none of the registries has it',
    path: text,
    hint: `asked were ${references.map(referenceText).join(', ')}`,
  })
}

async function bring(reference: Reference, want: Want, host: HostFacts): Promise<Image> {
  if (want.trust && reference.kind === 'local') return await lookInto(reference, want, host)
  if (reference.kind === 'local') return await unpackImage(reference, want, host)
  if (want.pull !== 'never') return await pullImage(reference, want, host)
  const name = referenceText(reference)
  throw new SandboxError({
    step: 'image',
    what: 'is not in the cache',
    path: name,
    hint: `nsbox image pull ${name}, or without --pull never`,
  })
}

/** The next start finds the file systems without a look into the file. */
async function lookInto(reference: LocalReference, want: Want, host: HostFacts): Promise<Image> {
  const platform = platformFor(want, host)
  const key = fileKey(reference, formatOf(reference), platform)
  const filesystems = await isoFilesystems(reference.path, want, host)
  const facts: TrustedRecord = { ...fileOf(reference), key, platform, filesystems }
  ensureDirectory(host, 'trusted')
  writeRecord(paths.trusted(imagesDirectory(host), key), facts)
  return mountedImage(reference.path, 'iso', filesystems)
}

async function unpackImage(reference: LocalReference, want: Want, host: HostFacts): Promise<Image> {
  const name = referenceText(reference)
  const platform = platformFor(want, host)
  // The key is made before the file is read: if the file changes meanwhile, nobody finds the image by this key.
  const key = fileKey(reference, formatOf(reference), platform)
  const source = await openSource(reference, want, host)
  try {
    return await kept(source, name, want, host, (id) => {
      const facts: FileRecord = { ...fileOf(reference), key, platform, id, pulled: new Date().toISOString() }
      ensureDirectory(host, 'files')
      writeRecord(paths.file(imagesDirectory(host), key), facts)
    })
  } finally {
    source.close()
  }
}

async function pullImage(reference: RegistryReference, want: Want, host: HostFacts): Promise<Image> {
  const name = referenceText(reference)
  const platform = platformFor(want, host)
  const source = await openRegistry(reference, want, host)
  try {
    const { digest } = source
    const whole = reference.digest === undefined ? `${name}@${digest}` : name
    return await kept(source, whole, want, host, (id) => {
      const facts: RefRecord = { reference: name, platform, digest, id, pulled: new Date().toISOString() }
      ensureDirectory(host, 'refs')
      writeRecord(paths.reference(imagesDirectory(host), name, platform), facts)
    })
  } finally {
    source.close()
  }
}

const fileOf = ({ path, format, image }: LocalReference): Pick<FileRecord, 'path' | 'format' | 'image'> => ({
  path,
  ...(format !== undefined && { format }),
  ...(image !== undefined && { image }),
})

/** A prune beside us may take a layer away before the image that needs it is written down. */
const TRIES = 3

async function kept(
  source: Source,
  name: string,
  want: Want,
  host: HostFacts,
  remember: (id: string) => void,
): Promise<Image> {
  for (let tries = 0; tries < TRIES; tries++) {
    const { id } = await keep(source, name, want, host)
    remember(id)
    const image = cachedImage(imagesDirectory(host), id, name, want)
    if (image !== undefined) return image
  }
  throw new SandboxError({
    step: 'image',
    what: 'another process keeps removing its layers while they are unpacked',
    path: name,
  })
}

/** Unpacks what is missing, and writes down what the image is made of. */
async function keep(source: Source, about: string, want: Want, host: HostFacts): Promise<ImageRecord> {
  await removeAbandoned(want, host)
  const records: LayerRecord[] = []
  const known = knownChain(source.layers)
  for (const [n, layer] of source.layers.entries()) {
    const tell = (event: Progress['event'], bytes: number): void =>
      want.onProgress?.({
        event,
        reference: about,
        layer: n + 1,
        layers: source.layers.length,
        bytes,
        total: layer.size,
      })
    const there = known === undefined ? undefined : layerOf(known[n] as string, want, host)
    records.push(
      there ??
        (await unpackLayer(layer, { ...stack(records, want, host), about, onBytes: (bytes) => tell('unpack', bytes) })),
    )
    layer.done?.()
  }
  const record = recordOf(source, records)
  ensureDirectory(host, 'images')
  writeRecord(paths.image(imagesDirectory(host), record.id), record)
  want.onProgress?.({ event: 'done', reference: about })
  return record
}

/** The state after the layers so far, on which the next one depends. */
function stack(
  below: readonly LayerRecord[],
  { map, maxSize, signal }: Want,
  host: HostFacts,
): Omit<Unpacking, 'about'> {
  const directory = imagesDirectory(host)
  const parent = below.at(-1)?.chainId
  return {
    map,
    host,
    lowers: below.map(({ chainId }) => `${paths.layer(directory, map.name, chainId)}/fs`).reverse(),
    ...compact<Pick<Unpacking, 'parent' | 'maxSize' | 'signal'>>({ parent, maxSize, signal }),
  }
}

/** The chain ids, where they are known before anything is unpacked. */
function knownChain(layers: readonly LayerSource[]): string[] | undefined {
  const diffIds = layers.map(({ diffId }) => diffId).filter((diffId) => diffId !== undefined)
  return diffIds.length === layers.length ? chainIdsOf(diffIds) : undefined
}

function layerOf(chainId: string, { map }: Want, host: HostFacts): LayerRecord | undefined {
  return readRecord<LayerRecord>(`${paths.layer(imagesDirectory(host), map.name, chainId)}/layer.json`)
}

/** A plain root has no configuration, so its name follows from what is in it. */
function recordOf({ config, id, digest }: Source, layers: readonly LayerRecord[]): ImageRecord {
  const chainIds = layers.map(({ chainId }) => chainId)
  return {
    id: id ?? sha256Digest(JSON.stringify(chainIds)),
    config,
    ...(digest !== undefined && { digest }),
    diffIds: layers.map(({ diffId }) => diffId),
    chainIds,
    size: layers.reduce((sum, { size }) => sum + size, 0),
  }
}

/** Removes what killed processes have left half done. */
async function removeAbandoned({ map }: Want, host: HostFacts): Promise<void> {
  await removeTrees(abandonedIn(layersDirectory(map, host)), { map, host })
}
