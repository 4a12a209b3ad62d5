/** Warnings about a box, by process.emitWarning: Node.js and Bun print them on stderr, and a program can listen. */
import { hostOfProgram } from '../host/node.ts'
import { coveredMounts, coveredText, coveredWay } from '../planner/covered.ts'
import { missingKeptText, missingToSay } from '../planner/missing-kept.ts'
import type { Options } from '../options/types.ts'
import type { Plan } from '../plan/types.ts'
import { inProgram } from './options.ts'

/**
 * Warns at the first plan of mounts that a later mount of the same box covers, once for each, and of what is missing
 * where a rule would keep it.
 */
export function warningsOf(options: Options): (plan: Plan) => void {
  let done = options.quiet === true
  return (plan) => {
    if (done) return
    done = true
    const missing = missingToSay(plan, options, hostOfProgram())
    if (missing.length > 0)
      process.emitWarning(inProgram(missingKeptText(missing)), { type: 'NsboxWarning', code: 'MISSING_KEPT' })
    for (const covered of coveredMounts(plan.mounts ?? []))
      process.emitWarning(inProgram(coveredText(covered)), {
        type: 'NsboxWarning',
        code: 'COVERED_MOUNT',
        detail: `hint: ${inProgram(coveredWay(covered))}`,
      })
  }
}
