/** Reviews for programs: what a box with `changes: 'review'` has changed. */
import { UsageError } from '../errors.ts'
import { absolute } from '../host/absolute.ts'
import { hostOfProgram } from '../host/node.ts'
import { lateReview } from '../lazy.ts'
import { kindOf } from '../options/mount-list.ts'
import { cleanPath } from '../plan/box-path.ts'
import type { Applied, Change } from '../review/types.ts'
import { isReviewId } from '../review/id.ts'
import { throwWithHint } from './report.ts'

export type ApplyOptions = {
  /** Take only what these globs name, from the program's directory on. A directory stands for all that is in it. */
  only?: string | readonly string[] | undefined
  /** Take what the box has written also where the host has changed since. */
  overwrite?: boolean | undefined
}

export type Review = {
  /** As `nsbox changes --all` lists it. */
  readonly id: string
  /** What the box has changed, a directory before what is in it. Rejects with SandboxError while it runs. */
  changes(): Promise<Change[]>
  /** Bring the changes to the host; those that `keep` and `hide` name, and devices, stay apart. Rejects with
   *  SandboxError, and does nothing, where the host has changed the same files since. */
  apply(options?: ApplyOptions): Promise<Applied>
  /** Throw the changes away. */
  discard(): Promise<void>
}

/** Finds a review: by its id, or the newest one of a directory. Default: the program's directory. */
export function review(which?: string): Review {
  if (which !== undefined && (typeof which !== 'string' || which === ''))
    throw new UsageError(`review: must be an id or a directory, not ${kindOf(which)}`)
  const host = hostOfProgram()
  const late = lateReview()
  const found = late.findReview(
    which === undefined || isReviewId(which) ? which : cleanPath(absolute(which, host)),
    host.cwd,
    host,
  )
  return {
    id: found.id,
    changes: () => late.listChanges(found, host).catch(throwWithHint),
    apply: (options = {}) => late.applyChanges(found, host, readApply(options, host)).catch(throwWithHint),
    discard: () => late.discardReview(found, host).catch(throwWithHint),
  }
}

function readApply({ only, overwrite = false }: ApplyOptions, host: { cwd: string }) {
  if (typeof overwrite !== 'boolean')
    throw new UsageError(`apply: overwrite: must be true or false, not ${kindOf(overwrite)}`)
  if (only === undefined) return { overwrite }
  const globs: readonly unknown[] = Array.isArray(only) ? only : [only]
  for (const glob of globs)
    if (typeof glob !== 'string' || glob === '')
      throw new UsageError(`apply: only: must be text (GLOB), not ${kindOf(glob)}`)
  return { overwrite, patterns: (globs as string[]).map((glob) => cleanPath(absolute(glob, host))) }
}
