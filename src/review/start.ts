/**
 * Starts a review: the box can write where it could otherwise, but to overlays, whose changes stay apart until
 * somebody has looked at them.
 */
import { rmSync } from 'node:fs'
import { hostPath } from '../host/bun.ts'
import { ownProcess } from '../host/process-start.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import type { BoxPlan, Mount } from '../plan/types.ts'
import { ownDirectories } from '../planner/own-directories.ts'
import { literal, realPath, realPattern } from './patterns.ts'
import { newReviewId } from './id.ts'
import { ensureReviews, makeDirectory } from './places.ts'
import { removeFailed } from './prune.ts'
import { type ReviewPlace, type ReviewRecord, stamp, writeReview } from './record.ts'

type StartedReview = { id: string; plan: BoxPlan }

/** `make`: makes the plan of a box whose changes go below the directory that it gets. Nothing is left where it throws. */
export function startReview(options: Options, host: HostFacts, make: (directory: string) => BoxPlan): StartedReview {
  const id = newReviewId()
  const reviews = ensureReviews(host)
  removeFailed(reviews)
  const directory = `${reviews}/${id}`
  makeDirectory(directory, false)
  try {
    const plan = make(directory)
    const places = placesOf(plan, directory)
    for (const { state } of places) makeDirectory(`${directory}/${state}`, false)
    writeReview(directory, recordOf(plan, places, stamp(directory), options, host))
    return { id, plan }
  } catch (error) {
    rmSync(hostPath(directory), { recursive: true, force: true })
    throw error
  }
}

/** The directories of the host for which the plan has an overlay below DIRECTORY. */
function placesOf({ root, mounts = [] }: BoxPlan, directory: string): ReviewPlace[] {
  const places: ReviewPlace[] = []
  const add = (path: string | undefined, state: string | undefined): void => {
    if (path !== undefined && state?.startsWith(`${directory}/`))
      places.push({ path: realPath(path), state: state.slice(directory.length + 1) })
  }
  if (root.type === 'layers') add(root.lowers[0], root.state)
  for (const mount of mounts) if (mount.type === 'overlay') add(mount.lower, mount.state)
  return places
}

function recordOf(
  plan: BoxPlan,
  places: ReviewPlace[],
  started: string,
  options: Options,
  host: HostFacts,
): ReviewRecord {
  return {
    version: 1,
    started,
    argv: plan.process.argv,
    cwd: host.cwd,
    places,
    held: [...rulesOf(options, host), ...mountedIn(plan), ...ownRules(host)],
    attributes: plan.namespaces.includes('user') ? 'user' : 'trusted',
    process: ownProcess(),
  }
}

type Held = ReviewRecord['held']

function rulesOf(options: Options, host: HostFacts): Held {
  const held: Held = []
  for (const [name, words] of [
    ['keep', options.keep],
    ['keep-try', options.keepTry],
    ['hide', options.hide],
  ] as const)
    for (const word of words ?? [])
      if (!word.startsWith('!')) held.push({ pattern: realPattern(word, host.cwd), by: `--${name} ${word}` })
  return held
}

/** What a read-only bind or a mask covers inside a place, as a path of the host. */
function mountedIn({ root, mounts = [] }: BoxPlan): Held {
  const held: Held = []
  for (const [n, mount] of mounts.entries()) {
    const by = coverOf(mount)
    if (by === undefined || !('target' in mount)) continue
    const path = hostPathOf(mount.target, mounts.slice(0, n), root)
    if (path !== undefined) held.push({ pattern: literal(realPath(path)), by })
  }
  return held
}

function coverOf(mount: Mount): string | undefined {
  if (mount.type === 'mask' && !mount.kernel) return `--mask ${mount.target}`
  if (mount.type === 'bind' && mount.options?.includes('ro')) return `--ro-bind ${mount.source}`
  return undefined
}

/** Where a path of the box lies on the host, if it lies in an overlay. */
function hostPathOf(path: string, mounts: readonly Mount[], root: BoxPlan['root']): string | undefined {
  for (const mount of mounts.toReversed())
    if ('target' in mount && (path === mount.target || path.startsWith(`${mount.target}/`)))
      return mount.type === 'overlay' && path !== mount.target
        ? mount.lower + path.slice(mount.target.length)
        : undefined
  const lower = root.type === 'layers' ? root.lowers[0] : undefined
  return lower === undefined ? undefined : lower === '/' ? path : lower + path
}

/** No change that a box has made reaches nsbox's own configuration. */
function ownRules(host: HostFacts): Held {
  return ownDirectories(host).map((path) => ({ pattern: literal(realPath(path)), by: "it is nsbox's own" }))
}
