/** Warnings about a box, by process.emitWarning: Node.js and Bun print them on stderr, and a program can listen. */
import { hostOfProgram } from '../host/node.ts'
import { coveredMounts, coveredText, coveredWay } from '../planner/covered.ts'
import { missingKept, missingKeptText } from '../planner/missing-kept.ts'
import type { Options } from '../options/types.ts'
import type { Plan } from '../plan/types.ts'
import { inProgram } from './options.ts'

/**
 * Warns at the first plan of mounts that a later mount of the same box covers, once for each, and of what is missing
 * where a rule would keep it.
 */
export function warningsOf({ quiet }: Options): (plan: Plan) => void {
  let done = quiet === true
  return ({ mounts = [], root }) => {
    if (done) return
    done = true
    const missing = root === undefined ? [] : missingKept(mounts, root, hostOfProgram().look)
    if (missing.length > 0)
      process.emitWarning(inProgram(missingKeptText(missing)), { type: 'NsboxWarning', code: 'MISSING_KEPT' })
    for (const covered of coveredMounts(mounts))
      process.emitWarning(inProgram(coveredText(covered)), {
        type: 'NsboxWarning',
        code: 'COVERED_MOUNT',
        detail: `hint: ${inProgram(coveredWay(covered))}`,
      })
  }
}
