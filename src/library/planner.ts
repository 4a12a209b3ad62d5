/** Makes the plan of each command: for a new box, or to enter one that stays. */
import type { SpawnOptions } from 'node:child_process'
import { isatty } from 'node:tty'
import type { HostFacts } from '../host/bun.ts'
import { hostOfProgram } from '../host/node.ts'
import type { Options } from '../options/types.ts'
import { absolute, buildPlan, startingIn } from '../planner/build.ts'
import { enterPlan } from '../planner/enter.ts'
import { withHintInProgram } from './options.ts'
import type { BoxPlan, Entry, Plan } from '../plan/types.ts'
import { pathOf } from './arguments.ts'

/** How one command differs from the others of its box. */
export type How = Pick<SpawnOptions, 'env' | 'argv0'> & {
  /** Directory of the box. */
  cwd?: string | URL | undefined
  /** A directory of the host, child_process's `cwd`, that counts in place of this program's own. */
  place?: string | URL | undefined
  /** `env` counts even if the box has `clearEnv`. */
  keepEnv?: boolean | undefined
  /** Milliseconds until TERM, and then until KILL, unless the box itself has a shorter timeout. */
  limit?: { timeout: number; grace: number } | undefined
  stdio?: SpawnOptions['stdio'] | undefined
}
export type Planner<P extends Plan = Plan> = (argv: readonly string[], how: How) => P

/** Descriptor on which the sidecar of a command reports. */
const STATUS = 4

export function newBox(box: Options): Planner<BoxPlan> {
  const plain = { ...box, ...reporting(box) }
  return (argv, how) =>
    withHintInProgram(() => {
      const host = hostOf(how)
      const place = placeOf(how, box)
      const asked = differs(how) ? { ...plain, ...asking(how, host) } : plain
      const plan = completed(buildPlan(place === undefined ? asked : { ...asked, cwd: '/' }, argv, host), how)
      return place === undefined
        ? plan
        : { ...plan, process: { ...plan.process, ...startingAt(absolute(place, host), box, plan.root) } }
    })
}

/** Starts in the box's own `cwd` where the box does not show PLACE. */
function startingAt(
  place: string,
  { cwd }: Options,
  root: BoxPlan['root'],
): Pick<BoxPlan['process'], 'cwd' | 'cwdOfHost' | 'cwdFallback'> {
  return { ...startingIn(() => place, root), ...(cwd !== undefined && { cwdFallback: cwd }) }
}

/** zx passes a directory with every command, mostly the program's own, which must not override the box's `cwd`. */
function placeOf({ place }: How, { cwd }: Options): string | undefined {
  if (place === undefined) return undefined
  const path = pathOf(place)
  return cwd !== undefined && path === ownDirectory() ? undefined : path
}

function ownDirectory(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

export function entering(plan: Plan, entry: Entry, box: Options): Planner {
  return (argv, how) => {
    const host = hostOf(how)
    const entered = how.keepEnv
      ? { ...plan, process: { ...plan.process, env: { ...plan.process.env, inherit: true } } }
      : plan
    const place = placeOf(how, box)
    const cwd = place === undefined ? box.cwd : undefined
    const from =
      place === undefined ? host : (Object.create(host, { cwd: { value: absolute(place, host) } }) as HostFacts)
    return completed(
      enterPlan(
        entered,
        entry,
        { ...(cwd !== undefined && { cwd }), ...asking(how, host), ...reporting(box) },
        argv,
        from,
        onTerminal(how),
      ),
      how,
    )
  }
}

function hostOf({ env }: How): HostFacts {
  const host = hostOfProgram()
  return env === undefined ? host : Object.assign(Object.create(host) as HostFacts, { env })
}

const reporting = ({ dieWithParent = true }: Options): Options => ({ dieWithParent, statusFd: STATUS })

const differs = ({ cwd, argv0, keepEnv }: How): boolean => cwd !== undefined || argv0 !== undefined || keepEnv === true

function asking({ cwd, argv0, keepEnv }: How, host: HostFacts): Options {
  return {
    ...(cwd !== undefined && { cwd: absolute(pathOf(cwd), host) }),
    ...(argv0 !== undefined && { argv0 }),
    ...(keepEnv && { clearEnv: false }),
  }
}

function onTerminal({ stdio }: How): boolean {
  const stdin: unknown = Array.isArray(stdio) ? stdio[0] : stdio
  return (stdin === 'inherit' || stdin === 0 || stdin === process.stdin) && isatty(0)
}

function completed<P extends Plan>(plan: P, { limit }: How): P {
  const { timeout = Infinity } = plan.supervision ?? {}
  return {
    ...plan,
    supervision: { ...plan.supervision, ...(limit && limit.timeout < timeout && limit), errors: 'status' },
  }
}
