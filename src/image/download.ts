/**
 * Downloads a blob into the cache: to `PATH.part`, which the next try goes on with after any end of this
 * one, and to PATH once all of it is there and has the right digest.
 */
import { createHash, type Hash } from 'node:crypto'
import { constants, statSync } from 'node:fs'
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import type { Answer } from './http.ts'
import type { Descriptor } from './manifest.ts'
import { isTransient, networkFault, pullFault } from './pull-fault.ts'
import type { Registry } from './registry.ts'

export type DownloadPlace = {
  /** Path of the finished blob, in a directory that is the caller's alone. `PATH.part` lies beside it. */
  path: string
  /** Waits for an exclusive lock that other processes see. */
  lock: (name: string) => Promise<{ release(): Promise<void> }>
  /** Asked once the lock is there: whether somebody else has made the blob unnecessary in the meantime. */
  unless?: () => boolean
  /** Bytes that are on the disk and belong to the blob. */
  onBytes?: (bytes: number) => void
}

/** Tries in a row that bring nothing. */
const FRUITLESS_TRIES = 5
const READ_BYTES = 1 << 20
const ALGORITHM = 'sha256:'

/**
 * Whether the blob is there: false where `unless` says that nobody needs it. Throws SandboxError, or the reason of the
 * registry's signal; the bytes until then are kept, but not when the server has sent wrong ones.
 */
export async function downloadBlob(
  registry: Registry,
  blob: Descriptor,
  { path, lock, unless, onBytes }: DownloadPlace,
): Promise<boolean> {
  // By two digits, so that there are 256 files of locks at most, and none has to be removed.
  const held = await lock(`download-${blob.digest.slice(ALGORITHM.length, ALGORITHM.length + 2)}`)
  try {
    if (unless?.() === true) return false
    if (await hasSize(path, blob.size)) {
      onBytes?.(blob.size)
      return true
    }
    await fill(registry, blob, `${path}.part`, onBytes)
    await onDisk(path, () => rename(hostPath(`${path}.part`), hostPath(path)))
    return true
  } finally {
    await held.release()
  }
}

/** Bytes of a blob that an earlier pull has left at PATH. */
export function bytesThere({ size }: Descriptor, path: string): number {
  for (const name of [path, `${path}.part`]) {
    const found = statSync(hostPath(name), { throwIfNoEntry: false })
    if (found !== undefined) return found.size > size ? 0 : found.size
  }
  return 0
}

/** Whether the whole blob is there. Its digest is compared again whenever it is read. */
async function hasSize(path: string, size: number): Promise<boolean> {
  try {
    return (await stat(hostPath(path))).size === size
  } catch {
    return false
  }
}

/** Brings the rest of a partial file, and compares the whole. */
async function fill(
  registry: Registry,
  blob: Descriptor,
  part: string,
  onBytes: DownloadPlace['onBytes'],
): Promise<void> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW
  const file = await onDisk(part, () => open(hostPath(part), flags, 0o600))
  try {
    const state = await stateOf(file, part, blob.size, registry.signal, onBytes)
    for (let fruitless = 0; state.at < blob.size;) {
      const before = state.at
      try {
        await append(registry, blob, file, part, state, onBytes)
      } catch (error) {
        registry.signal?.throwIfAborted()
        if (error instanceof SandboxError || error instanceof WrongContent) throw error
        fruitless = state.at > before ? 1 : fruitless + 1
        if (fruitless === FRUITLESS_TRIES || !isTransient(error)) throw networkFault(error, state.url, registry.subject)
        await registry.waitForTry(fruitless)
      }
    }
    const digest = `sha256:${state.hash.digest('hex')}`
    if (digest !== blob.digest) throw wrong(registry, blob, `what came has the digest ${digest}`)
    await onDisk(part, () => file.sync())
  } catch (error) {
    if (error instanceof WrongContent) await rm(hostPath(part), { force: true })
    throw error instanceof WrongContent ? error.fault : error
  } finally {
    await file.close()
  }
}

/** How far a partial file has come. */
type State = { at: number; hash: Hash; url: URL }

/** A file that is longer than the blob, or that is whole, is compared too; the longer one starts anew. */
async function stateOf(
  file: FileHandle,
  part: string,
  size: number,
  signal: AbortSignal | undefined,
  onBytes: DownloadPlace['onBytes'],
): Promise<State> {
  const state: State = { at: 0, hash: createHash('sha256'), url: new URL('https://unknown.invalid') }
  if ((await file.stat()).size > size) await onDisk(part, () => file.truncate(0))
  const buffer = Buffer.alloc(Math.min(READ_BYTES, size))
  for (;;) {
    signal?.throwIfAborted()
    const { bytesRead } = await onDisk(part, () => file.read(buffer, 0, buffer.length, state.at))
    if (bytesRead === 0) break
    state.hash.update(buffer.subarray(0, bytesRead))
    state.at += bytesRead
  }
  onBytes?.(state.at)
  return state
}

async function append(
  registry: Registry,
  blob: Descriptor,
  file: FileHandle,
  part: string,
  state: State,
  onBytes: DownloadPlace['onBytes'],
): Promise<void> {
  const answer = await registry.blob(blob, state.at)
  state.url = answer.url
  try {
    const fault = rangeFault(answer, state.at, blob.size)
    if (fault !== undefined) throw wrong(registry, blob, fault)
    for await (const bytes of answer.body) {
      if (state.at + bytes.length > blob.size)
        throw wrong(registry, blob, `the server sends more than its ${blob.size} bytes`)
      await onDisk(part, () => writeAll(file, bytes, state.at))
      state.hash.update(bytes)
      state.at += bytes.length
      onBytes?.(state.at)
    }
  } finally {
    answer.cancel()
  }
  if (state.at < blob.size) throw wrong(registry, blob, `the server sends ${state.at} of its ${blob.size} bytes`)
}

/** Returns what is wrong with the answer to a request for the bytes of a blob of SIZE bytes from OFFSET on. */
function rangeFault({ status, headers }: Answer, offset: number, size: number): string | undefined {
  const length = headers.get('content-length')
  const isEncoded = ![null, '', 'identity'].includes(headers.get('content-encoding'))
  if (status === 416) return `the server has no bytes from ${offset} on, but there should be ${size}`
  if (status === 200 && offset > 0) return `asked for the bytes from ${offset} on, the server sends all of them (200)`
  if (status === 206) {
    const range = headers.get('content-range') ?? ''
    const [, first, last, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(range) ?? []
    const isAsked = Number(first) === offset && Number(last) === size - 1 && (total === '*' || Number(total) === size)
    if (offset === 0 || !isAsked) return `asked for the bytes from ${offset} on, the server sends '${range}'`
  }
  if (length !== null && !isEncoded && Number(length) !== size - offset)
    return `the server has ${Number(length) + offset} bytes, but there should be ${size}`
  return undefined
}

async function writeAll(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;)
    done += (await file.write(bytes, done, bytes.length - done, position + done)).bytesWritten
}

/** The server's bytes can't be part of the blob, so none are kept. */
class WrongContent extends Error {
  readonly fault: SandboxError

  constructor(fault: SandboxError) {
    super(fault.message)
    this.fault = fault
  }
}

function wrong({ subject }: Registry, { digest }: Descriptor, text: string): WrongContent {
  return new WrongContent(
    pullFault(
      subject,
      `${digest}: ${text}`,
      'nothing of it was kept: pull again; if it fails again, ask whoever runs the registry',
    ),
  )
}

async function onDisk<T>(path: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body()
  } catch (error) {
    const code = codeOf(error)
    const isFull = code === 'ENOSPC' || code === 'EDQUOT'
    throw systemFailure({
      step: 'image',
      what: 'download',
      path,
      code,
      hint: isFull ? 'nsbox image prune makes room; NSBOX_CACHE=DIR puts the cache on another disk' : undefined,
    })
  }
}
