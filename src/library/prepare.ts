/** What starts a command: the plan and the report travel in nameless files, on descriptors of their own. */
import { closeSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import { nameless, planFile } from '../launch/nameless.ts'
import { sidecarPath } from '../launch/packaged.ts'
import type { Plan } from '../plan/types.ts'
import { readReport, type Report } from './report.ts'

/** The descriptor after it is STATUS, planner.ts. */
const PLAN = 3

export type Launch = {
  file: string
  args: string[]
  /** Descriptors that follow the command's own three. */
  descriptors: number[]
  /** To be called when the process has been started. */
  started: () => void
  /** To be called when it has ended, or did not start. */
  report: (status: number | null) => Report
}

export function prepare(plan: Plan): Launch {
  const readable = planFile(plan)
  let status: number
  try {
    status = nameless()
  } catch (error) {
    closeSync(readable)
    throw error
  }
  const closePlan = once(() => closeSync(readable))
  const closeStatus = once(() => closeSync(status))
  return {
    file: sidecarPath(), args: ['--plan-fd', String(PLAN)], descriptors: [readable, status], started: closePlan,
    report: (ended) => {
      closePlan()
      try {
        return readReport(status, ended)
      } finally {
        closeStatus()
      }
    },
  }
}

/** A number that was closed may be somebody else's by now. */
function once(body: () => void): () => void {
  let done = false
  return () => {
    if (!done) body()
    done = true
  }
}

/** The words of a command. Throws UsageError where they are none. */
export function wordsOf(argv: unknown): string[] {
  if (!Array.isArray(argv)) throw new UsageError('command: must be an array of words', "such as ['ls', '-l']")
  const [command] = argv as unknown[]
  if (typeof command !== 'string' || command === '') throw new UsageError(command === '' ? "command: empty value ''" : 'command: must be text')
  return argv.map(String)
}
