/**
 * The front end becomes the box: the sidecar, with the plan at its end, goes into a nameless file, and that is executed in
 * place of this process. Nothing of Bun is left then.
 *
 * The file has no name, so nobody can put another in its place, and nobody can write to it once it is executed. Most often
 * it is a file in memory that entry.c makes, so that a start has no need of node:fs; the other ways are for systems that
 * execute no file in memory.
 */
import { execute } from '#execute'
import { late } from '../lazy.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'
import { reasonOf } from './execve.ts'

export { thisHost as hostOfCommand } from '../host/bun.ts'

/** Does not come back. */
export function becomeBox(plan: Plan): never {
  const status = plan.supervision?.statusFd ?? -1
  const kept = status > 2 ? [status] : []
  const failed = reasonOf(() => execute('nsbox', [encodePlan(plan)], kept))
  return late().becomeFile(plan, kept, failed)
}
