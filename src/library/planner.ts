/** The plan of each command that a box starts: a new box, or an entry into one that stays. */
import type { SpawnOptions } from 'node:child_process'
import { hostOfLibrary, type HostFacts } from '../host/facts.ts'
import { absolute, buildPlan } from '../plan/build.ts'
import { enterPlan } from '../plan/enter.ts'
import type { Options } from '../plan/options.ts'
import type { BoxPlan, Entry, Plan } from '../plan/types.ts'

/** Of what child_process takes, this is the plan's business. */
export type How = Pick<SpawnOptions, 'cwd' | 'env' | 'argv0' | 'detached'>
export type Planner<P extends Plan = Plan> = (argv: readonly string[], how: How) => P

/** Descriptor on which the sidecar of a command reports. */
export const STATUS = 4

export function newBox(box: Options): Planner<BoxPlan> {
  return (argv, how) => {
    const host = hostOf(how)
    const { cwd, ...asked } = asking(how, box, host)
    return reported(buildPlan({ ...box, ...(box.cwd === undefined && cwd !== undefined && { cwd }), ...asked }, argv, host))
  }
}

export function entering(plan: Plan, entry: Entry, box: Options): Planner {
  return (argv, how) => {
    const host = hostOf(how)
    return reported(enterPlan(plan, entry, asking(how, box, host), argv, host))
  }
}

function hostOf({ env }: How): HostFacts {
  return { ...hostOfLibrary(), ...(env && { env }) }
}

function asking({ cwd, argv0, detached }: How, box: Options, host: HostFacts): Options {
  const directory = cwd === undefined ? undefined : pathOf(cwd)
  return {
    ...(directory !== undefined && directory !== host.cwd && { cwd: absolute(directory, host) }),
    ...(argv0 !== undefined && { argv0 }),
    dieWithParent: box.dieWithParent ?? !detached,
    statusFd: STATUS,
  }
}

const pathOf = (cwd: string | URL): string => (cwd instanceof URL ? decodeURIComponent(cwd.pathname) : cwd)

const reported = <P extends Plan>(plan: P): P => ({ ...plan, supervision: { ...plan.supervision, errors: 'status' } })
