/**
 * The front end becomes the box: it writes the sidecar, with the plan at its end, into an unnamed file, and executes
 * that in its own place, so that nothing of Bun is left.
 *
 * Nobody can replace a file without a name, or write to it once it is executed. Mostly it is a file in memory that
 * entry.c makes, so that a start needs no node:fs; the other ways are for systems that execute no file in memory.
 */
import { execute, holds } from '#execute'
import { kernelFact } from '../host/facts.ts'
import { thisHost } from '../host/bun.ts'
import type { HostFacts } from '../host/types.ts'
import { late } from '../lazy.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'
import { reasonOf } from './execve.ts'
import { hasParts, recordOf } from './record.ts'

/**
 * Facts are verified without node:fs; where one doesn't hold, or nobody knows, the host is looked at. `goesOn`: this
 * process does more than become a box, and may need the ticks that `execute` gives up, so the host is looked at.
 */
export function hostOfCommand(goesOn = false): HostFacts {
  const host = thisHost()
  if (goesOn) return host
  const { isKernel } = host
  host.isKernel = (major, minor) => holds([kernelFact(major, minor)]) || isKernel(major, minor)
  return host
}

/** Whether starts are noted, and go by such notes. */
export const notesStarts: boolean = true

/** Never returns. `looks`: what the plan depends on, where it is to be remembered. */
export function becomeBox(plan: Plan, looks?: readonly string[]): never {
  const status = plan.supervision?.statusFd ?? -1
  const { keepFds } = plan.process
  if (keepFds !== undefined) late().refuseUnopened(keepFds, true)
  const kept = [...(status > 2 ? [status] : []), ...(keepFds ?? [])]
  const failed = reasonOf(() =>
    execute(
      hasParts(plan) ? 'nsbox+' : 'nsbox',
      looks === undefined ? [encodePlan(plan)] : recordOf(plan, looks),
      kept,
    ),
  )
  return late().becomeFile(plan, kept, failed)
}
