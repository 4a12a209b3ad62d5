/** A review: looked at, brought to the host, thrown away. */
import { lstatSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import type { HostFacts } from '../host/types.ts'
import { runHelper } from '../image/helper.ts'
import { mapKind } from '../image/map.ts'
import { applyTo } from './apply.ts'
import { bringAttributes } from './attributes.ts'
import { changesOf, only } from './changes.ts'
import { reviewsDirectory } from './places.ts'
import type { ReviewPlace, StoredReview } from './record.ts'
import type { Applied, Change } from './types.ts'
import { openUpper, type OpenUpper } from './upper.ts'

type OpenPlace = { place: ReviewPlace; changes: Change[] }

/** By path, a directory before what is in it. */
function sorted(changes: Change[]): Change[] {
  const key = ({ path }: Change): string => path.replaceAll('/', '\0')
  return changes.sort((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** All changes of a review. Rejects with SandboxError, also while its box runs. */
export async function listChanges(review: StoredReview, host: HostFacts): Promise<Change[]> {
  return opened(review, host, (places) => sorted(places.flatMap(({ changes }) => changes)))
}

/**
 * Brings the changes that no rule holds back to the host: all, or those that PATTERNS name (absolute globs). Where the
 * host has changed the same files since, nothing is done and the promise rejects, unless `overwrite`. A review whose
 * changes are all there is removed.
 */
export async function applyChanges(
  review: StoredReview,
  host: HostFacts,
  { patterns, overwrite = false }: { patterns?: readonly string[]; overwrite?: boolean },
): Promise<Applied> {
  const result = await opened(review, host, async (places) => {
    const all = places.map(({ place, changes }) => ({ place, ...chosen(changes, patterns) }))
    const conflict = all.flatMap(({ wanted }) => wanted).find((change) => change.conflict !== undefined)
    if (conflict !== undefined && !overwrite)
      throw new SandboxError({
        step: 'changes',
        what: 'nothing was applied',
        path: conflict.path,
        text: conflict.conflict,
        hint: 'nsbox changes lists all; --only GLOB leaves some out, --overwrite takes what the box has written',
      })
    for (const { place, wanted } of all) {
      const upper = `${review.directory}/${place.state}/upper`
      applyTo({ path: place.path, upper }, wanted)
      await bringAttributes(upper, place.path, wanted, review.record.attributes, host)
    }
    return {
      applied: sorted(all.flatMap(({ wanted }) => wanted)),
      held: sorted(all.flatMap(({ held }) => held)),
      left: sorted(all.flatMap(({ left }) => left)),
    }
  })
  if (result.held.length === 0 && result.left.length === 0) await discardReview(review, host)
  return result
}

const isDirectory = (path: string): boolean =>
  lstatSync(hostPath(path), { throwIfNoEntry: false })?.isDirectory() === true

function chosen(changes: readonly Change[], patterns: readonly string[] | undefined) {
  const named = patterns === undefined ? changes : only(changes, patterns)
  const wanted: Change[] = []
  const held: Change[] = []
  for (const change of named)
    if (change.held !== undefined || held.some(({ path }) => change.path.startsWith(`${path}/`))) held.push(change)
    else wanted.push(change)
  return { wanted, held, left: changes.filter((change) => !named.includes(change)) }
}

/** Removes a review with its changes. Rejects with SandboxError while its box runs. */
export async function discardReview(review: StoredReview, host: HostFacts): Promise<void> {
  // The overlays' working directories can't be listed by their owner, but by the helper, which also sees the lock.
  await opened(review, host, () => {})
  await runHelper({ map: mapKind({}, host), args: ['remove', review.id], target: reviewsDirectory(host) }, host)
}

/** Calls USE while no box can start with the review. */
async function opened<T>(
  { directory, record }: StoredReview,
  host: HostFacts,
  use: (places: OpenPlace[]) => T | Promise<T>,
): Promise<T> {
  const open: OpenUpper[] = []
  try {
    const places: OpenPlace[] = []
    for (const place of record.places) {
      const state = `${directory}/${place.state}`
      const upper = await openUpper(state, isDirectory(place.path) ? place.path : undefined, record.attributes, host)
      open.push(upper)
      places.push({ place, changes: changesOf(place, state, upper.top, record) })
    }
    return await use(places)
  } finally {
    for (const upper of open) await upper.close()
  }
}
