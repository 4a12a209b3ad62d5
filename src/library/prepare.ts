/**
 * Prepares the start of a command: plan and report travel in an unnamed file, on descriptors that the command doesn't
 * get.
 */
import { closeSync, fstatSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import { systemFailure } from '../host/errno.ts'
import { sidecarFor } from '../launch/sidecar-for.ts'
import { furtherStreams, ownDescriptors, refuseUnopened } from '../launch/caller-descriptors.ts'
import { planFile } from '../launch/tmpfile.ts'
import type { Plan } from '../plan/types.ts'
import { isTraced } from '../planner/trace-denied.ts'
import { HINTS } from './child.ts'
import { isReviewId } from '../review/id.ts'
import { followEvents, type NetworkEvent } from './network-events.ts'
import { readReport, reportText, type Report } from './report.ts'

export type Launch = {
  file: string
  args: string[]
  /** Descriptors that follow the command's own three. */
  descriptors: (number | 'ignore')[]
  /** The id of the review that the box makes. */
  review: string | undefined
  /** Whether the command enters a box that stays. */
  enters: boolean
  /** Whether the sidecar has reported that the command runs. */
  hasStarted: () => boolean
  /** The events of the box's network since the last call. */
  networkEvents: () => NetworkEvent[]
  /** After `report`: what a box that is traced has reported; undefined for others. */
  traced: () => string | undefined
  /** Must be called once the process has ended, or could not start. */
  report: (status: number | null) => Report
}

/** Throws SandboxError if the start can't be prepared, and then leaves nothing open. */
export function prepare(plan: () => Plan): Launch {
  const { plan: made, file } = planned(plan)
  const { keepFds = [] } = made.process
  const own = ownDescriptors(keepFds)
  // The two descriptors share one position in the file, so the sidecar writes the report behind the plan that it has
  // read.
  const from = fstatSync(file).size
  const close = once(() => closeSync(file))
  const follow = followEvents(file, from)
  let isOpen = true
  let last: NetworkEvent[] = []
  let traced: string | undefined
  return {
    file: sidecarOf(made, close),
    args: ['--plan-fd', String(own.plan)],
    descriptors: furtherStreams(
      new Map([...keepFds.map((fd) => [fd, fd] as const), [own.plan, file], [own.status, file]]),
    ),
    review: reviewOf(made),
    enters: made.enter !== undefined,
    hasStarted: () => fstatSync(file).size > from && readReport(file, from, null).started,
    networkEvents: () => [...last.splice(0), ...(isOpen ? follow() : [])],
    traced: () => traced,
    report: (ended) => {
      try {
        if (isOpen && isTraced(made)) traced = reportText(file, from)
        last = isOpen && made.helpers !== undefined ? follow() : []
        isOpen = false
        return readReport(file, from, ended)
      } finally {
        close()
      }
    },
  }
}

/** By the place where the box keeps its changes. */
function reviewOf({ root, mounts = [] }: Plan): string | undefined {
  for (const part of [root, ...mounts])
    if (part !== undefined && 'state' in part) {
      const [, id] = /\/changes\/([^/]+)\/[^/]+$/.exec(part.state ?? '') ?? []
      if (id !== undefined && isReviewId(id)) return id
    }
  return undefined
}

/** Closes what is open where there is none. */
function sidecarOf(plan: Plan, close: () => void): string {
  try {
    return sidecarFor(plan)
  } catch (error) {
    close()
    throw error
  }
}

/** The plan, and a file that contains it. */
export function planned<P extends Plan>(make: () => P): { plan: P; file: number } {
  try {
    const plan = make()
    refuseUnopened(plan.process.keepFds ?? [], false)
    return { plan, file: planFile(plan) }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === undefined || syscall === undefined) throw error
    throw systemFailure({ step: 'start', what: 'make the plan and its file', code, hint: HINTS[code] })
  }
}

/** Closes only once: the number may soon belong to another file. */
function once(body: () => void): () => void {
  let done = false
  return () => {
    if (!done) body()
    done = true
  }
}

/** Checks the words of a command. Throws UsageError. */
export function wordsOf(argv: unknown): string[] {
  if (!Array.isArray(argv)) throw new UsageError('command: must be an array of words', "such as ['ls', '-l']")
  const [command] = argv as unknown[]
  if (typeof command !== 'string' || command === '')
    throw new UsageError(command === '' ? "command: empty value ''" : 'command: must be text')
  return argv.map(String)
}
