/** Warnings about a box, by process.emitWarning: Node.js and Bun print them on stderr, and a program can listen. */
import { coveredMounts, coveredText, coveredWay } from '../planner/covered.ts'
import type { Options } from '../options/types.ts'
import type { Plan } from '../plan/types.ts'
import { inProgram } from './options.ts'

/** Warns at the first plan of mounts that a later mount of the same box covers, once for each. */
export function warningsOf({ quiet }: Options): (plan: Plan) => void {
  let done = quiet === true
  return ({ mounts = [] }) => {
    if (done) return
    done = true
    for (const covered of coveredMounts(mounts))
      process.emitWarning(inProgram(coveredText(covered)), {
        type: 'NsboxWarning',
        code: 'COVERED_MOUNT',
        detail: `hint: ${inProgram(coveredWay(covered))}`,
      })
  }
}
