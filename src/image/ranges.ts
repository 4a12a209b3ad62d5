/** Archives as ranges of open files: they are opened once, and read at offsets of our own. */
import { createHash, type Hash } from 'node:crypto'
import * as fs from 'node:fs'
import type { Writable } from 'node:stream'
import { SandboxError, UsageError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { systemFailure } from '../host/errno.ts'
import { openFailure } from './sniff.ts'

/** Bytes `offset` to `offset + size` of an open file. */
export type Range = { fd: number; offset: number; size: number }

const CHUNK = 256 << 10

/**
 * Opens a regular file. `link`: whether the last name may be a symbolic link, which is the caller's own business but
 * not that of an archive's maker. Throws SandboxError.
 */
export function openFile(path: string, how: { link: boolean }): Range {
  const { O_RDONLY, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = fs.constants
  let fd: number
  try {
    // Without O_NONBLOCK, opening a pipe waits for a writer.
    fd = fs.openSync(hostPath(path), O_RDONLY | O_NONBLOCK | O_NOCTTY | (how.link ? 0 : O_NOFOLLOW))
  } catch (error) {
    throw openFailure(path, error)
  }
  const stat = fs.fstatSync(fd)
  if (stat.isFile()) return { fd, offset: 0, size: stat.size }
  fs.closeSync(fd)
  throw new SandboxError({ step: 'image', what: 'is not a regular file', path })
}

/** All of a small range. `about`: its name in messages. */
export function readRange({ fd, offset, size }: Range, most: number, about: string): Buffer {
  if (size > most)
    throw new SandboxError({ step: 'image', what: `is larger than ${most} bytes`, path: about, hint: DAMAGED })
  const bytes = Buffer.alloc(size)
  let done = 0
  while (done < size) {
    const got = fs.readSync(fd, bytes, done, size - done, offset + done)
    if (got === 0) throw new SandboxError({ step: 'image', what: 'ends too early', path: about, hint: DAMAGED })
    done += got
  }
  return bytes
}

export const DAMAGED = 'the image is damaged, or made to deceive: nothing of it was kept'

/**
 * Writes a range into a pipe, at the reader's pace. `hash` sees what is read; `onBytes` the number so far. Ends early,
 * and without an error, where the reader has gone: the reader knows better why.
 */
export async function feed(
  { fd, offset, size }: Range,
  pipe: Writable,
  { hash, onBytes }: { hash?: Hash; onBytes?: (bytes: number) => void },
): Promise<void> {
  let gone = false
  const leave = () => {
    gone = true
  }
  pipe.on('error', leave)
  pipe.on('close', leave)
  for (let done = 0; done < size && !gone;) {
    // Not used again: the pipe keeps it until it is written.
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK, size - done))
    const got = await readAt(fd, chunk, offset + done)
    if (got === 0) break
    const bytes = chunk.subarray(0, got)
    hash?.update(bytes)
    done += got
    onBytes?.(done)
    if (!gone && !pipe.write(bytes)) await drained(pipe)
  }
  if (!gone) await new Promise<void>((resolve) => pipe.end(resolve).on('error', () => resolve()))
}

function readAt(fd: number, bytes: Buffer, position: number): Promise<number> {
  return new Promise((resolve, reject) =>
    fs.read(fd, bytes, 0, bytes.length, position, (error, got) => (error === null ? resolve(got) : reject(error))),
  )
}

function drained(pipe: Writable): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'error']) pipe.off(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'error']) pipe.on(event, done)
    if (pipe.destroyed) done()
  })
}

/** sha256:HEX of a range. */
export async function digestOfRange({ fd, offset, size }: Range, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  const chunk = Buffer.allocUnsafe(CHUNK)
  for (let done = 0; done < size;) {
    signal?.throwIfAborted()
    const got = await readAt(fd, chunk.subarray(0, Math.min(CHUNK, size - done)), offset + done)
    if (got === 0) break
    hash.update(chunk.subarray(0, got))
    done += got
  }
  return `sha256:${hash.digest('hex')}`
}

export const UNREADABLE = "a disk can't be read, or written, there: dmesg may say more"

/** The error for a system call that failed where nobody expects one, as on a broken disk; others stay as they are. */
export function readFailure(path: string, error: unknown): unknown {
  if (error instanceof SandboxError || error instanceof UsageError || !hasCode(error)) return error
  const hint = error.code === 'EIO' ? UNREADABLE : undefined
  return systemFailure({ step: 'image', what: 'read', path, code: error.code, ...(hint !== undefined && { hint }) })
}

const hasCode = (error: unknown): error is { code: string } =>
  error instanceof Error && 'code' in error && /^E[A-Z0-9]+$/.test(String(error.code))
