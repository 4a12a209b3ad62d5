import { print } from '../cli/output.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import type { BoxPlan } from '../plan/types.ts'
import { buildPlan } from '../planner/build.ts'
import type { ImageRoot } from '../planner/image-root.ts'
import { startReview } from '../review/start.ts'

/** The plan of a box whose review is made now; says on standard error how its changes are found later. */
export function reviewedPlan(
  options: Options,
  argv: readonly string[],
  host: HostFacts,
  root: ImageRoot | undefined,
): BoxPlan {
  const { id, plan } = startReview(options, host, (directory) => buildPlan(options, argv, host, root, directory))
  if (!options.quiet) print(`note: changes are kept apart: nsbox changes ${id}\n`, 2)
  return plan
}
