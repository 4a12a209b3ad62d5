/** Unpacks one layer into the cache: made aside, and renamed into place when all of it is there and right. */
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf } from '../host/errno.ts'
import { sha256Digest } from '../host/sha256.ts'
import type { HostFacts } from '../host/types.ts'
import type { IdMap } from '../plan/types.ts'
import { runHelper, startHelper, type HelperEvent } from './helper.ts'
import { layersDirectory } from './kinds.ts'
import { mapKind, type MapKind } from './map.ts'
import { wrongDigest } from './oci.ts'
import { digestOfRange, feed, readFailure, type Range } from './ranges.ts'
import type { LayerSource } from './source.ts'
import { hexOf } from './places.ts'
import { chainIdOn, ensureDirectory, isAbandoned, storeFailure, temporaryName, writeRecord } from './store.ts'

export type LayerRecord = {
  chainId: string
  diffId: string
  /** Bytes on the disk, nearly. */
  size: number
  entries: number
  /** Device nodes and the like, which a box can't have. */
  skipped: number
  unpacked: string
}

/** How a layer is unpacked. */
export type Unpacking = {
  map: MapKind
  host: HostFacts
  /** Directories of the layers below, the topmost first. */
  lowers: readonly string[]
  /** Chain id of the layer below; absent for the lowest. */
  parent?: string
  /** The image, for messages. */
  about: string
  maxSize?: number
  signal?: AbortSignal
  onBytes?(bytes: number): void
}

/**
 * A layer may grow to so many times its archive's size, or to SMALL bytes. Systems grow to four or five times; what
 * grows to a hundred is a bomb, or nothing but holes.
 */
const GROWTH = 100
const SMALL = 4 * 2 ** 30

/**
 * Unpacks a layer, unless another process is faster: then that one's stays. Throws SandboxError, and leaves nothing
 * that would count as a layer.
 */
export async function unpackLayer(source: LayerSource, how: Unpacking): Promise<LayerRecord> {
  const directory = layersDirectory(how.map, how.host)
  const name = temporaryName()
  const draft = `${directory}/${name}`
  try {
    fs.mkdirSync(hostPath(draft), 0o700)
    const record = await unpackInto(draft, source, how)
    writeRecord(`${draft}/layer.json`, record)
    if (!moved(draft, `${directory}/${hexOf(record.chainId)}`)) await discard([name], how)
    return record
  } catch (error) {
    await discard([name], how)
    throw error instanceof SandboxError
      ? error
      : how.signal?.aborted
        ? how.signal.reason
        : storeFailure('unpack into', draft, error)
  }
}

async function unpackInto(draft: string, source: LayerSource, how: Unpacking): Promise<LayerRecord> {
  const { map, host, lowers, signal, about } = how
  const range = await source.open()
  const most = how.maxSize ?? Math.max(SMALL, GROWTH * source.size)
  const job = {
    map,
    target: draft,
    lowers,
    ...(signal !== undefined && { signal }),
    onEvent: ({ event, bytes }: HelperEvent) => {
      if (event === 'progress' && source.digest === undefined) how.onBytes?.(Number(bytes))
    },
  }
  const args = [
    'layer',
    ...['--format', source.format, '--whiteouts', source.whiteouts],
    ...['--owners', map.kind === 'one' ? 'one' : 'keep', '--max-bytes', String(most)],
  ]
  // The helper reads a squashfs here and there, and computes no digest of it.
  const digest = source.format === 'squashfs' ? stoppable((stop) => digestOfRange(range, stop), signal) : undefined
  let done: HelperEvent | undefined
  try {
    done = await (source.digest === undefined ? byItself(range, args) : checked(range, args, source.digest))
  } catch (error) {
    await digest?.stop()
    throw error
  }
  const diffId =
    typeof done?.digest === 'string' ? done.digest : await reading(digest?.result ?? digestOfRange(range, signal))
  if (done?.event !== 'done')
    throw new SandboxError({ step: 'image', what: 'the helper that unpacks reported no result' })
  if (source.diffId !== undefined && source.diffId !== diffId) throw wrongDigest(source.diffId, diffId, about)
  return {
    chainId: chainIdOf(source, diffId, how.parent),
    diffId,
    size: Number(done.size),
    entries: Number(done.entries),
    skipped: Number(done.skipped),
    unpacked: new Date().toISOString(),
  }

  /** The helper reads the file: a squashfs is read here and there. */
  function byItself({ fd, offset, size }: Range, words: string[]): Promise<HelperEvent | undefined> {
    return runHelper({ ...job, args: [...words, '--offset', String(offset), '--size', String(size)], input: fd }, host)
  }

  function reading<T>(of: Promise<T>): Promise<T> {
    return of.catch((error: unknown) => {
      throw readFailure(about, error)
    })
  }

  /** The bytes go through our hands, since nobody else compares the digest of the compressed archive. */
  async function checked(archive: Range, words: string[], digest: string): Promise<HelperEvent | undefined> {
    const running = startHelper({ ...job, args: words, input: 'pipe' }, host)
    const hash = createHash('sha256')
    const ended = running.ended
    ended.catch(() => {})
    try {
      if (running.input !== null)
        await reading(
          feed(archive, running.input, { hash, ...(how.onBytes !== undefined && { onBytes: how.onBytes }) }),
        )
    } catch (error) {
      // It waits for the rest, which never comes.
      running.kill()
      await ended.catch(() => {})
      throw error
    }
    const last = await ended
    const found = `sha256:${hash.digest('hex')}`
    if (found !== digest) throw wrongDigest(digest, found, about)
    return last
  }
}

/** Something that runs beside other work, and is ended where that fails. */
function stoppable<T>(
  run: (stop: AbortSignal) => Promise<T>,
  signal?: AbortSignal,
): { result: Promise<T>; stop(): Promise<void> } {
  const controller = new AbortController()
  const stop = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', stop, { once: true })
  const result = run(controller.signal).finally(() => signal?.removeEventListener('abort', stop))
  const ended = result.then(
    () => {},
    () => {},
  )
  return {
    result,
    stop() {
      stop()
      return ended
    },
  }
}

/**
 * The chain id of the image specification. A plain root isn't a layer of its rules (a name that begins with .wh. is a
 * file there), so it has a chain of its own.
 */
function chainIdOf({ whiteouts, format }: LayerSource, diffId: string, parent: string | undefined): string {
  return chainIdOn(parent, whiteouts === 'oci' ? diffId : sha256Digest(`${format} ${whiteouts} ${diffId}`))
}

/** False: another process has put the same layer there. */
function moved(from: string, to: string): boolean {
  try {
    fs.renameSync(hostPath(from), hostPath(to))
    return true
  } catch (error) {
    if (codeOf(error) === 'ENOTEMPTY' || codeOf(error) === 'EEXIST') return false
    throw error
  }
}

/**
 * Removes trees of a kind's directory. Returns the names of those that are in use, which stay. It takes the helper,
 * since a box's trees may have directories that their own owner can't enter, and files of other owners.
 */
export async function removeTrees(
  names: readonly string[],
  { map, host }: Pick<Unpacking, 'map' | 'host'>,
): Promise<string[]> {
  if (names.length === 0) return []
  const target = ensureDirectory(host, `layers/${map.name}`)
  const kept = new Set<string>()
  const onEvent = ({ event, name }: HelperEvent): void => {
    if (event === 'in-use') kept.add(String(name))
  }
  const remove = (as: MapKind) => runHelper({ map: as, args: ['remove', ...names], target, onEvent }, host)
  try {
    await remove(map)
  } catch (error) {
    if (map.kind !== 'auto' || !(error instanceof SandboxError) || error.step !== 'id maps') throw error
    // The ranges are no longer the caller's. Whoever owns a directory may still remove what others own in it.
    await remove(mapKind({}, host)).catch(() => {
      throw rangesGone(map, target)
    })
  }
  return [...kept]
}

function rangesGone({ idmap: { uid, gid } }: MapKind, path: string): SandboxError {
  const rangeOf = (ranges: IdMap['uid']): string =>
    ranges
      .filter(({ inside }) => inside > 0)
      .map(({ outside, count }) => `${outside}:${count}`)
      .join(', ')
  return new SandboxError({
    step: 'image',
    what: 'files there belong to ids that are no longer yours',
    path,
    hint: `only root can remove them; or for a moment USER:${rangeOf(uid)} in /etc/subuid and USER:${rangeOf(gid)} in /etc/subgid again`,
  })
}

/** A directory that can't be removed now, on a full disk say, is left for the next pull or for prune. */
async function discard(names: readonly string[], how: Unpacking): Promise<void> {
  await removeTrees(names, how).catch(() => {})
}

/**
 * Names of what killed processes have left in a kind's directory. The changes of boxes (sidecar/fs/scratch.c) may also
 * be in use: then a lock says so.
 */
export function abandonedIn(directory: string): string[] {
  return fs.readdirSync(hostPath(directory)).filter((name) => /^(gone|changes)-/.test(name) || isAbandoned(name))
}
