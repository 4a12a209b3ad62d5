/** Warnings about a box, by process.emitWarning: Node.js and Bun print them on stderr, and a program can listen. */
import { coveredMounts, coveredText, coveredWay } from '../planner/covered.ts'
import type { Options } from '../options/types.ts'
import type { Plan } from '../plan/types.ts'
import { inProgram } from './options.ts'

/**
 * Warns at the first plan: of mounts that a later mount of the same box covers, once for each, and of what the box of
 * an image lacks here.
 */
export function warningsOf({ quiet }: Options): (plan: Plan, ofImage?: string) => void {
  let done = quiet === true
  return ({ mounts = [] }, ofImage) => {
    if (done) return
    done = true
    if (ofImage !== undefined)
      process.emitWarning(`image: ${inProgram(ofImage)}`, { type: 'NsboxWarning', code: 'OLD_KERNEL' })
    for (const covered of coveredMounts(mounts))
      process.emitWarning(inProgram(coveredText(covered)), {
        type: 'NsboxWarning',
        code: 'COVERED_MOUNT',
        detail: `hint: ${inProgram(coveredWay(covered))}`,
      })
  }
}
