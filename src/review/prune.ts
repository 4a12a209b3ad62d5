/** Removes reviews that nobody can want: of boxes that never started, and of those that have changed nothing. */
import { lstatSync, readdirSync, rmSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf } from '../host/errno.ts'
import { hasEnded } from '../host/process-start.ts'
import type { HostFacts } from '../host/types.ts'
import { isReviewId } from './id.ts'
import { recordIn, storedReviews, type StoredReview } from './record.ts'
import { discardReview, listChanges } from './review.ts'

/** A process of another pid namespace can't be seen, so what is younger stays. */
const MILLISECONDS_OF_A_START = 60_000

/** Below DIRECTORY, that of all reviews: the starts that have failed or were killed before their box had an overlay. */
export function removeFailed(directory: string): void {
  for (const id of readdirSync(hostPath(directory)))
    if (isReviewId(id) && hasFailed(`${directory}/${id}`)) removeIfPossible(`${directory}/${id}`)
}

/** What an overlay has made for itself only the helper can remove: that stays for `pruneReviews`. */
function removeIfPossible(directory: string): void {
  try {
    rmSync(hostPath(directory), { recursive: true, force: true })
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ENOTEMPTY'].includes(codeOf(error))) throw error
  }
}

function hasFailed(directory: string): boolean {
  const stats = lstatSync(hostPath(directory), { throwIfNoEntry: false })
  if (stats === undefined || Date.now() - stats.mtimeMs < MILLISECONDS_OF_A_START) return false
  const record = recordIn(directory)
  if (record === undefined) return true
  if (record.process === undefined || !hasEnded(record.process)) return false
  // The sidecar makes it when it mounts the overlay.
  return record.places.every(
    ({ state }) => lstatSync(hostPath(`${directory}/${state}/upper`), { throwIfNoEntry: false }) === undefined,
  )
}

type Pruned = {
  removed: StoredReview[]
  /** What could not be looked through, with the reason. */
  failed: { review: StoredReview; error: SandboxError }[]
}

/** Removes all without a change whose box has ended. Those that still run stay. */
export async function pruneReviews(host: HostFacts): Promise<Pruned> {
  const pruned: Pruned = { removed: [], failed: [] }
  for (const review of storedReviews(host))
    try {
      if (review.record.process !== undefined && !hasEnded(review.record.process)) continue
      if ((await listChanges(review, host)).length > 0) continue
      await discardReview(review, host)
      pruned.removed.push(review)
    } catch (error) {
      if (!(error instanceof SandboxError)) throw error
      if (!error.message.includes('still runs')) pruned.failed.push({ review, error })
    }
  return pruned
}

/** Bytes that the changes of a review take on disk, without what the caller can't list. */
export function sizeOf({ directory, record }: StoredReview): number {
  return record.places.reduce((sum, { state }) => sum + sizeBelow(hostPath(`${directory}/${state}/upper`)), 0)
}

const SLASH = Buffer.from('/')

function sizeBelow(path: string | Buffer): number {
  let names: Buffer[]
  try {
    names = readdirSync(path, { encoding: 'buffer' })
  } catch {
    return 0
  }
  let sum = 0
  for (const name of names) {
    const inner = Buffer.concat([Buffer.from(path), SLASH, name])
    const stats = lstatSync(inner, { throwIfNoEntry: false })
    sum += (stats?.blocks ?? 0) * 512 + (stats?.isDirectory() ? sizeBelow(inner) : 0)
  }
  return sum
}
