/** `--trace-denied`: a program outside of the box watches its calls, from its start on. */
import { UsageError } from '../errors.ts'
import type { Options } from '../options/types.ts'
import type { Helper, Plan } from '../plan/types.ts'

const TRACER: Helper = { part: 'trace', argv: ['nsbox-trace', '--denied'], ends: 'box' }

/** The same box, with the program that reports what is refused in it. Throws UsageError for a command in another box. */
export function withTracer<P extends Plan>(plan: P): P {
  if (plan.enter !== undefined)
    throw new UsageError('--trace-denied: this command enters a box, and only a whole box is traced', ONLY_RUN)
  return { ...plan, helpers: [...(plan.helpers ?? []), TRACER] }
}

export const isTraced = ({ helpers = [] }: Plan): boolean => helpers.some(({ part }) => part === TRACER.part)

/** Throws UsageError where no command runs now. */
export function refuseTraceDenied({ traceDenied }: Options, name = '--trace-denied'): void {
  if (traceDenied) throw new UsageError(`${name}: only a command that runs now can be traced`, ONLY_RUN)
}

const ONLY_RUN = 'nsbox [run] OPTIONS COMMAND; in a program: run'
