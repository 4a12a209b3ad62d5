/** The plan of each command that a box starts: a new box, or an entry into one that stays. */
import type { SpawnOptions } from 'node:child_process'
import { isatty } from 'node:tty'
import { fileURLToPath } from 'node:url'
import type { HostFacts } from '../host/bun.ts'
import { hostOfProgram } from '../host/node.ts'
import { absolute, buildPlan } from '../planner/build.ts'
import { enterPlan } from '../planner/enter.ts'
import type { Options } from '../options/types.ts'
import type { BoxPlan, Entry, Plan } from '../plan/types.ts'

/** How one command differs from the others of its box. */
export type How = Pick<SpawnOptions, 'env' | 'argv0'> & {
  cwd?: string | URL | undefined
  /** Where the box has no such directory the command starts in "/", as it does for the caller's own; otherwise that is an error. */
  cwdFallback?: boolean | undefined
  /** `env` counts although the box has `clearEnv`. */
  keepEnv?: boolean | undefined
  /** Milliseconds until TERM, and from then on until KILL, where the box itself has no shorter time. */
  limit?: { timeout: number; grace: number } | undefined
  stdio?: SpawnOptions['stdio'] | undefined
}
export type Planner<P extends Plan = Plan> = (argv: readonly string[], how: How) => P

/** Descriptor on which the sidecar of a command reports. */
export const STATUS = 4

export function newBox(box: Options): Planner<BoxPlan> {
  const plain = { ...box, ...reporting(box) }
  return (argv, how) => {
    const host = hostOf(how)
    return completed(buildPlan(differs(how) ? { ...plain, ...asking(how, host) } : plain, argv, host), how)
  }
}

export function entering(plan: Plan, entry: Entry, box: Options): Planner {
  return (argv, how) => {
    const host = hostOf(how)
    const entered = how.keepEnv ? { ...plan, process: { ...plan.process, env: { ...plan.process.env, inherit: true } } } : plan
    return completed(enterPlan(entered, entry, { ...asking(how, host), ...reporting(box) }, argv, host, onTerminal(how)), how)
  }
}

function hostOf({ env }: How): HostFacts {
  return env === undefined ? hostOfProgram() : { ...hostOfProgram(), env }
}

const reporting = ({ dieWithParent = true }: Options): Options => ({ dieWithParent, statusFd: STATUS })

const differs = ({ cwd, argv0, keepEnv }: How): boolean => cwd !== undefined || argv0 !== undefined || keepEnv === true

function asking({ cwd, argv0, keepEnv }: How, host: HostFacts): Options {
  return {
    ...(cwd !== undefined && { cwd: absolute(cwd instanceof URL ? fileURLToPath(cwd) : cwd, host) }),
    ...(argv0 !== undefined && { argv0 }),
    ...(keepEnv && { clearEnv: false }),
  }
}

function onTerminal({ stdio }: How): boolean {
  const stdin: unknown = Array.isArray(stdio) ? stdio[0] : stdio
  return (stdin === 'inherit' || stdin === 0 || stdin === process.stdin) && isatty(0)
}

function completed<P extends Plan>(plan: P, { cwdFallback, limit }: How): P {
  const { timeout = Infinity } = plan.supervision ?? {}
  return {
    ...plan,
    process: { ...plan.process, ...(cwdFallback && { cwdFallback }) },
    supervision: { ...plan.supervision, ...(limit && limit.timeout < timeout && limit), errors: 'status' },
  }
}
