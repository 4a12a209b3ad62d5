/** The actions of `nsbox image ACTION`. Results are lines of text, or one JSON document; nothing else is printed there. */
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { compact } from '../plan/compact.ts'
import { safeJson } from '../plan/encode.ts'
import { checkImages } from './check.ts'
import { parsePlatform, platformText } from './platform.ts'
import { flatten } from './flatten.ts'
import type { Image, Progress, Want } from './image.ts'
import { inventory, lookUp, type Inventory, type Kept, type Name } from './inventory.ts'
import { mapKind } from './map.ts'
import { sizeText } from '../text/size.ts'
import { getImage } from './pull.ts'
import { noteStart } from './note-start.ts'
import { prune, removeImage, type Keep, type Removed } from './removal.ts'
import { hexOf } from './places.ts'
import { readRecord } from './store.ts'
import { table } from './table.ts'

export type Flags = {
  quiet?: true
  json?: true
  platform?: string
  keep?: Keep
  maxSize?: number
  insecure?: true
  mapAuto?: true
}

type Context = {
  host: HostFacts
  flags: Flags
  /** Prints a line of the result. */
  out(line: string): void
  onProgress(progress: Progress): void
  signal: AbortSignal
}

/** Each returns its exit status. */
export const COMMANDS = {
  pull: pullImages,
  ls: listImages,
  inspect: inspectImage,
  rm: removeImages,
  prune: pruneImages,
  verify: verifyImages,
  unpack: unpackImages,
} as const satisfies Record<string, (words: readonly string[], context: Context) => number | Promise<number>>

const STATUS_DIFFERS = 1

function wanted({ host, flags, onProgress, signal }: Context, pull: Want['pull']): Want {
  const { platform, maxSize, insecure, mapAuto } = flags
  return {
    map: mapKind(compact<Options>({ mapAuto }), host),
    pull,
    ...compact<Pick<Want, 'platform' | 'maxSize' | 'insecure'>>({ platform, maxSize, insecure }),
    onProgress,
    signal,
  }
}

async function pullImages(words: readonly string[], context: Context): Promise<number> {
  const images: Image[] = []
  for (const word of words) {
    const image = await getImage(word, wanted(context, 'always'), context.host)
    images.push(image)
    noteStart(image, optionsOfBox(word, context.flags), context.host)
    if (!context.flags.json && !context.flags.quiet) context.out(image.reference)
  }
  if (context.flags.json)
    print(
      images.map(({ reference, id, lowers }) => ({ reference, id, layers: lowers.length })),
      context,
    )
  return 0
}

/** The options of the box that will start with the image. */
const optionsOfBox = (image: string, { platform, mapAuto }: Flags): Options =>
  compact<Options>({ image, platform, mapAuto })

function listImages(_: readonly string[], context: Context): number {
  const all = inventory(context.host)
  const rows = [...all.names.map((name) => rowOf(name, all)), ...rowsWithoutName(all)]
  if (context.flags.json) print(rows, context)
  else if (context.flags.quiet) for (const id of new Set(rows.map((row) => row.id))) context.out(id)
  else
    for (const line of table([
      ['REFERENCE', 'PLATFORM', 'ID', 'SIZE', 'USED'],
      ...rows.map(({ reference, stale, platform, id, size, used }) => [
        reference === undefined ? '-' : stale ? `${reference} (changed)` : reference,
        platform ?? '-',
        hexOf(id).slice(0, 12),
        sizeText(size),
        used?.slice(0, 10) ?? '-',
      ]),
    ]))
      context.out(line)
  return 0
}

type Row = {
  reference?: string
  platform?: string
  id: string
  digest?: string
  size: number
  layers: number
  pulled?: string
  used?: string
  /** The file of the host has changed since, or is gone. */
  stale?: true
}

function rowOf({ reference, platform, id, digest, pulled, stale }: Name, { images }: Inventory): Row {
  return {
    reference,
    platform,
    ...factsOf(id, images.get(id)),
    ...(digest !== undefined && { digest }),
    pulled,
    ...(stale && { stale }),
  }
}

function factsOf(id: string, image: Kept | undefined): Row {
  if (image === undefined) return { id, size: 0, layers: 0 }
  const { size, chainIds, used } = image
  return { id, size, layers: chainIds.length, used: new Date(used).toISOString() }
}

function rowsWithoutName({ names, images }: Inventory): Row[] {
  const named = new Set(names.map(({ id }) => id))
  return [...images.values()].filter(({ id }) => !named.has(id)).map((image) => factsOf(image.id, image))
}

function inspectImage([word = '']: readonly string[], context: Context): number {
  const all = inventory(context.host)
  const { names, image } = lookUp(word, all, context.host, wantedPlatform(context))
  const layers = image.chainIds.map((chainId, n) => ({
    diffId: image.diffIds[n],
    chainId,
    unpacked: all.kinds
      .filter(({ layers: there }) => there.includes(hexOf(chainId)))
      .map(({ directory, map }) => {
        const record = readRecord<{ size: number; entries: number; skipped: number }>(
          `${directory}/${hexOf(chainId)}/layer.json`,
        )
        return {
          ids: map.name,
          path: `${directory}/${hexOf(chainId)}/fs`,
          size: record?.size,
          entries: record?.entries,
          skipped: record?.skipped,
        }
      }),
  }))
  const references = names.map(({ reference, platform, digest, pulled }) => ({ reference, platform, digest, pulled }))
  print({ id: image.id, digest: image.digest, references, config: image.config, size: image.size, layers }, context)
  return 0
}

function wantedPlatform({ flags: { platform } }: Context): string | undefined {
  return platform === undefined ? undefined : platformText(parsePlatform(platform))
}

async function removeImages(words: readonly string[], context: Context): Promise<number> {
  const sum: Removed = { removed: [], freed: 0, inUse: 0 }
  // All words are looked up first, so that a wrong one leaves all as it is.
  for (const word of words) lookUp(word, inventory(context.host), context.host, wantedPlatform(context))
  for (const word of words) {
    const all = inventory(context.host)
    const done = await removeImage(lookUp(word, all, context.host, wantedPlatform(context)), all, context.host)
    sum.removed.push(...done.removed)
    sum.freed += done.freed
    sum.inUse += done.inUse
  }
  return report(sum, context)
}

async function pruneImages(_: readonly string[], context: Context): Promise<number> {
  return report(await prune(context.flags.keep, context.host), context)
}

function report(removed: Removed, context: Context): number {
  const { json, quiet } = context.flags
  if (json) print(removed, context)
  else if (!quiet) {
    for (const name of removed.removed) context.out(`removed ${name}`)
    const kept = removed.inUse === 0 ? '' : `; ${removed.inUse} in use by running boxes stay`
    context.out(`${sizeText(removed.freed)} freed${kept}`)
  }
  return 0
}

async function verifyImages(words: readonly string[], context: Context): Promise<number> {
  const all = inventory(context.host)
  const images =
    words.length === 0
      ? [...all.images.values()]
      : words.map((word) => lookUp(word, all, context.host, wantedPlatform(context)).image)
  const checked = await checkImages(images, all, context.host, context.signal)
  const { json, quiet } = context.flags
  if (json) print(checked, context)
  else if (!quiet) {
    for (const { layer, kind, path } of checked.differences) context.out(`differs: ${kind}/${hexOf(layer)}: ${path}`)
    context.out(`${count(checked.layers, 'layer')}, ${count(checked.differences.length, 'difference')}`)
  }
  return checked.differences.length === 0 ? 0 : STATUS_DIFFERS
}

async function unpackImages([word = '', dir = '']: readonly string[], context: Context): Promise<number> {
  const want = wanted(context, 'missing')
  const image = await getImage(word, want, context.host)
  await flatten(image, dir, want, context.host)
  if (context.flags.json) print({ reference: image.reference, id: image.id, directory: dir }, context)
  else if (!context.flags.quiet) context.out(dir)
  return 0
}

function print(value: unknown, { out }: Context): void {
  for (const line of safeJson(value).split('\n')) out(line)
}

/** `1 layer`, `2 layers`. */
const count = (number: number, what: string): string => `${number} ${what}${number === 1 ? '' : 's'}`
