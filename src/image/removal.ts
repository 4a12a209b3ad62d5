/** Removes images from the cache, and what nothing needs any more; never below a box that runs. */
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { inventory, namesIn, staleTrusted, type Inventory, type Kept, type Kind, type Name } from './inventory.ts'
import { forgetStarts } from './note-start.ts'
import { abandonedIn, removeTrees, type LayerRecord } from './layers.ts'
import { hexOf, imagesDirectory } from './places.ts'
import { isAbandoned, readRecord, storeFailure } from './store.ts'

export type Removed = {
  /** References and ids, as text. */
  removed: string[]
  /** Bytes. */
  freed: number
  /** Layers that a running box uses. */
  inUse: number
}

/**
 * Removes names, and their image once it has no other. Throws SandboxError where a running box uses it; then all of it
 * stays.
 */
export async function removeImage(
  { names, image }: { names: readonly Name[]; image: Kept },
  all: Inventory,
  host: HostFacts,
): Promise<Removed> {
  const others = all.names.filter((name) => name.id === image.id && !names.includes(name))
  const removed = names.map(({ reference }) => reference)
  if (others.length > 0) {
    for (const { record } of names) removeFile(record)
    return { removed, freed: 0, inUse: 0 }
  }
  const own = ownLayers(image, all)
  let freed = 0
  let inUse = 0
  for (const kind of all.kinds) {
    // The topmost comes first: a box that runs the image has all of them.
    const layers = own.filter((name) => kind.layers.includes(name))
    const done = await removeLayers(layers.slice(0, 1), kind, host)
    if (done.inUse > 0) throw usedError(removed[0] ?? image.id)
    freed += done.freed
  }
  for (const { record } of names) removeFile(record)
  removeFile(image.record)
  forgetStarts(host, image.id)
  for (const kind of all.kinds) {
    const done = await removeLayers(
      own.slice(1).filter((name) => kind.layers.includes(name)),
      kind,
      host,
    )
    freed += done.freed
    inUse += done.inUse
  }
  return { removed: removed.length > 0 ? removed : [image.id], freed, inUse }
}

function usedError(path: string): SandboxError {
  return new SandboxError({
    step: 'image',
    what: 'is in use by a running box',
    path,
    hint: 'it can be removed when the boxes that run it have ended',
  })
}

/** Directories of layers that no other image has, the topmost first. */
function ownLayers(image: Kept, { images }: Inventory): string[] {
  const others = new Set([...images.values()].filter(({ id }) => id !== image.id).flatMap(({ chainIds }) => chainIds))
  return image.chainIds
    .filter((chainId) => !others.has(chainId))
    .map(hexOf)
    .reverse()
}

async function removeLayers(
  layers: readonly string[],
  { directory, map }: Kind,
  host: HostFacts,
): Promise<{ freed: number; inUse: number }> {
  const sizes = new Map(layers.map((name) => [name, sizeOfLayer(`${directory}/${name}`)]))
  const kept = await removeTrees(layers, { map, host })
  const gone = layers.filter((name) => !kept.includes(name))
  return { freed: gone.reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0), inUse: kept.length }
}

function sizeOfLayer(layer: string): number {
  return readRecord<LayerRecord>(`${layer}/layer.json`)?.size ?? 0
}

/** Milliseconds since a layer was unpacked. */
function ageOf(layer: string): number {
  const at = Date.parse(readRecord<LayerRecord>(`${layer}/layer.json`)?.unpacked ?? '')
  return Number.isNaN(at) ? Infinity : Date.now() - at
}

function removeFile(path: string): void {
  try {
    fs.unlinkSync(hostPath(path))
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw storeFailure('remove', path, error)
  }
}

/** Images that prune keeps beside those it always keeps: used in the last milliseconds, or the last ones up to a size. */
export type Keep = { milliseconds: number } | { bytes: number }

/** A download that nobody went on with for so long is given up. */
const PART_KEPT = 24 * 3600 * 1000

/**
 * Removes what nothing needs: layers and images without a name, names of files that have changed, downloads that were
 * given up, what killed processes have left. With KEEP, also the images that weren't used for the longest time.
 */
export async function prune(keep: Keep | undefined, host: HostFacts): Promise<Removed> {
  const result: Removed = { removed: [], freed: 0, inUse: 0 }
  // The next start with a reference makes its record anew.
  forgetStarts(host)
  let all = inventory(host)
  for (const { stale, record, reference } of all.names)
    if (stale) {
      removeFile(record)
      result.removed.push(reference)
    }
  for (const record of staleTrusted(imagesDirectory(host))) removeFile(record)
  all = inventory(host)
  for (const image of leftOver(all, keep)) {
    const names = all.names.filter(({ id }) => id === image.id)
    try {
      const { removed, freed } = await removeImage({ names, image }, all, host)
      result.removed.push(...removed)
      result.freed += freed
    } catch (error) {
      if (!(error instanceof SandboxError) || error.what !== usedError('').what) throw error
      result.inUse++
    }
    all = inventory(host)
  }
  const loose = await pruneLayers(all, keep === undefined ? YOUNG : 0, host)
  const files = pruneFiles(imagesDirectory(host))
  return { ...result, freed: result.freed + loose.freed + files, inUse: result.inUse + loose.inUse }
}

function leftOver({ names, images }: Inventory, keep: Keep | undefined): Kept[] {
  const named = new Set(names.map(({ id }) => id))
  const lastFirst = [...images.values()].toSorted((a, b) => b.used - a.used)
  let sum = 0
  return lastFirst.filter((image) => {
    if (!named.has(image.id)) return true
    if (keep === undefined) return false
    if ('milliseconds' in keep) return image.used < Date.now() - keep.milliseconds
    sum += image.size
    return sum > keep.bytes
  })
}

/** A layer without an image may belong to one that is being pulled, or whose pull will go on. */
const YOUNG = 3600 * 1000

async function pruneLayers(
  { images, kinds }: Inventory,
  youngest: number,
  host: HostFacts,
): Promise<{ freed: number; inUse: number }> {
  const needed = new Set([...images.values()].flatMap(({ chainIds }) => chainIds.map(hexOf)))
  const sum = { freed: 0, inUse: 0 }
  for (const kind of kinds) {
    const loose = kind.layers.filter((name) => !needed.has(name) && ageOf(`${kind.directory}/${name}`) >= youngest)
    const { freed, inUse } = await removeLayers([...loose, ...abandonedIn(kind.directory)], kind, host)
    sum.freed += freed
    sum.inUse += inUse
  }
  return sum
}

/** Downloads and half written records. Returns the bytes of what was removed. */
function pruneFiles(directory: string): number {
  let freed = 0
  for (const folder of ['blobs/sha256', 'images', 'refs', 'files', 'trusted', 'helper'])
    for (const name of namesIn(`${directory}/${folder}`)) {
      const path = `${directory}/${folder}/${name}`
      const stat = fs.lstatSync(hostPath(path), { throwIfNoEntry: false })
      const isOld = folder === 'blobs/sha256' && stat !== undefined && Date.now() - stat.mtimeMs > PART_KEPT
      if (stat === undefined || !(isOld || isAbandoned(name))) continue
      removeFile(path)
      freed += stat.size
    }
  return freed
}
