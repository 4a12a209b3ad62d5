/** What is written down of a review before its box starts. */
import { closeSync, fsyncSync, lstatSync, openSync, readdirSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf } from '../host/errno.ts'
import { type Caller, reviewFailure, reviewsDirectory } from './places.ts'

/** A directory of the host that the box saw with changes of its own. */
export type ReviewPlace = {
  /** Absolute path on the host. */
  path: string
  /** Where the overlay keeps the changes: a name in the review's directory. */
  state: string
}

export type ReviewRecord = {
  version: 1
  /** When the box started: nanoseconds of the clock that gives files their times, as decimal digits. */
  started: string
  /** The command, for people. */
  argv: string[]
  cwd: string
  places: ReviewPlace[]
  /** Paths and globs of the host, absolute, that apply leaves alone; with the option that says so. */
  held: { pattern: string; by: string }[]
  /** Which attributes the overlays have: trusted ones where no user namespace was made. */
  attributes: 'trusted' | 'user'
  /** The process that started the box, as ownProcess() names it; on a command line it becomes the box's own. */
  process?: string
}

export type StoredReview = { id: string; directory: string; record: ReviewRecord }

const FILE = 'review.json'

/** Writes the record under another name first, so that a reader finds a whole one or none. */
export function writeReview(directory: string, record: ReviewRecord): void {
  const path = `${directory}/${FILE}`
  try {
    const fd = openSync(hostPath(`${path}.new`), 'wx', 0o600)
    try {
      writeSync(fd, `${JSON.stringify(record)}\n`)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(hostPath(`${path}.new`), hostPath(path))
  } catch (error) {
    throw reviewFailure('write', path, error)
  }
}

/** The time of a file that is made now, as file systems give it. */
export function stamp(directory: string): string {
  const path = `${directory}/started`
  try {
    closeSync(openSync(hostPath(path), 'wx', 0o600))
    return String(lstatSync(hostPath(path), { bigint: true }).ctimeNs)
  } catch (error) {
    throw reviewFailure('write', path, error)
  }
}

/** All reviews, the newest first. What has no whole record is left out: its box never started. */
export function storedReviews(host: Caller): StoredReview[] {
  const above = reviewsDirectory(host)
  const found: StoredReview[] = []
  for (const id of namesIn(above)) {
    const record = recordIn(`${above}/${id}`)
    if (record !== undefined) found.push({ id, directory: `${above}/${id}`, record })
  }
  return found.sort((a, b) => (BigInt(a.record.started) < BigInt(b.record.started) ? 1 : -1))
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(hostPath(directory))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw reviewFailure('read', directory, error)
  }
}

/** The record of a review; undefined where there is no whole one. */
export function recordIn(directory: string): ReviewRecord | undefined {
  try {
    const value = JSON.parse(readFileSync(hostPath(`${directory}/${FILE}`), 'utf8')) as ReviewRecord | null
    return value?.version === 1 && /^\d+$/.test(value.started) && Array.isArray(value.places) ? value : undefined
  } catch {
    return undefined
  }
}

/**
 * The review that WORD means: its id, or a directory of the host whose newest review it is; undefined for the newest of
 * DIRECTORY, the caller's. Throws SandboxError where there is none.
 */
export function findReview(word: string | undefined, directory: string, host: Caller): StoredReview {
  const reviews = storedReviews(host)
  const named = reviews.find(({ id }) => id === word)
  const found = named ?? reviews.find(({ record }) => isAbout(record, word ?? directory))
  if (found !== undefined) return found
  throw new SandboxError({
    step: 'changes',
    what: word === undefined ? 'no review of this directory' : 'no such review',
    path: word ?? directory,
    hint: 'nsbox changes --all lists all; nsbox --changes review COMMAND makes one',
  })
}

function isAbout({ cwd, places }: ReviewRecord, directory: string): boolean {
  return cwd === directory || places.some(({ path }) => path === directory)
}
