/** What starts a command: the plan and the report travel in a nameless file, on descriptors that the command does not have. */
import { closeSync, fstatSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import { systemFailure } from '../host/errno.ts'
import { sidecarPath } from '../launch/sidecar-path.ts'
import { planFile } from '../launch/tmpfile.ts'
import type { Plan } from '../plan/types.ts'
import { HINTS } from './child.ts'
import { readReport, type Report } from './report.ts'

/** The descriptor after it is STATUS, planner.ts. */
const PLAN = 3

export type Launch = {
  file: string
  args: string[]
  /** Descriptors that follow the command's own three. */
  descriptors: number[]
  /** The sidecar has written that the command runs. */
  hasStarted: () => boolean
  /** To be called when the process has ended, or did not start. */
  report: (status: number | null) => Report
}

/** Throws SandboxError where that can't be done; nothing stays open then. */
export function prepare(plan: () => Plan): Launch {
  const sidecar = sidecarPath()
  const { file } = planned(plan)
  // Under two numbers the sidecar has one place in the file: where it has read the plan, it writes the report.
  const from = fstatSync(file).size
  const close = once(() => closeSync(file))
  return {
    file: sidecar, args: ['--plan-fd', String(PLAN)], descriptors: [file, file],
    hasStarted: () => fstatSync(file).size > from && readReport(file, from, null).started,
    report: (ended) => {
      try {
        return readReport(file, from, ended)
      } finally {
        close()
      }
    },
  }
}

/** The plan, and a file that holds it. */
export function planned<P extends Plan>(make: () => P): { plan: P; file: number } {
  try {
    const plan = make()
    return { plan, file: planFile(plan) }
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (code === undefined || syscall === undefined) throw error
    const hint = HINTS[code]
    throw systemFailure({ step: 'start', what: 'make the plan and its file', code, ...(hint !== undefined && { hint }) })
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
