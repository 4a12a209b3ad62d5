/** Becomes the box where the system executes no file in memory. */
import { dirname, join } from 'node:path'
import { execute, isWhole } from '#execute'
import { systemFailure } from '../host/errno.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'
import { reasonOf } from './execve.ts'
import { filled, unnamedFile, unnamedFileIn, temporaryDirectories } from './tmpfile.ts'
import { withPlan } from './append-plan.ts'

/** Never returns. `failed`: the error of a file in memory. */
export function becomeFile(plan: Plan, kept: readonly number[], failed: string): never {
  // Otherwise the command would have no environment.
  if (!isWhole()) throw new Error('this program was built without its entry: make, or make NATIVE=0')
  const parts = withPlan(plan)
  let last = failed
  for (const directory of temporaryDirectories())
    last = reasonOf(() => execute(`/proc/self/fd/${filled(unnamedFileIn(directory, 0o500), parts)}`, ['nsbox'], kept))
  reasonOf(() => executeBeside(plan, kept))
  throw systemFailure({
    step: 'hand over',
    what: 'no place from which a file can be executed',
    path: temporaryDirectories().join(' '),
    code: last,
    hint: 'set TMPDIR to a directory on a file system that is not mounted noexec, or put nsbox-sidecar beside nsbox',
  })
}

/**
 * For machines that execute no file of our making: runs the sidecar beside this program, with the plan on a descriptor,
 * as the library does. The plan lies in an unnamed file: a pipe would need a process that stays to write what doesn't
 * fit into it. No variable and no PATH can name another sidecar.
 */
function executeBeside(plan: Plan, kept: readonly number[]): void {
  const text = filled(unnamedFile(), [Buffer.from(encodePlan(plan))])
  execute(join(dirname(process.execPath), 'nsbox-sidecar'), ['nsbox', '--plan-fd', String(text)], [...kept, text])
}
