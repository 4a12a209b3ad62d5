/** Shared by the verbs that make a plan: an image gives a box its root, and defaults below the options. */
import type { HostFacts } from '../host/types.ts'
import { lateImageBox } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import type { BoxPlan } from '../plan/types.ts'
import { buildPlan } from '../planner/build.ts'
import type { ImageRoot } from '../planner/image-root.ts'
import { refuseTraceDenied } from '../planner/trace-denied.ts'
import { pullShown } from './pull-shown.ts'

type Prepared = { options: Options; argv: readonly string[]; root?: ImageRoot }

/** Calls USE with the options, the command and the root of the box, as soon as its image is here. */
export function prepared<T>(
  options: Options,
  argv: readonly string[],
  host: HostFacts,
  use: (prepared: Prepared) => T,
): T | Promise<T> {
  refuseTraceDenied(options)
  if (options.image === undefined) return use({ options, argv })
  const box = lateImageBox().imageBox(options, argv, host, pullShown(options))
  return box instanceof Promise ? box.then(use) : use(box)
}

/** The same with the plan. `review`: as buildPlan takes it. */
export function planned<T>(
  options: Options,
  argv: readonly string[],
  host: HostFacts,
  use: (plan: BoxPlan, options: Options) => T,
  review?: string,
): T | Promise<T> {
  return prepared(options, argv, host, (box) =>
    use(buildPlan(box.options, box.argv, host, box.root, review), box.options),
  )
}
