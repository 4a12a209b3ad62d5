/** Makes the plan of each command: for a new box, or to enter one that stays. */
import type { SpawnOptions } from 'node:child_process'
import { isatty } from 'node:tty'
import { UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { hostOfProgram } from '../host/node.ts'
import { lateImageBox, lateReview } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import { absolute } from '../host/absolute.ts'
import { buildPlan, startingIn } from '../planner/build.ts'
import { enterPlan } from '../planner/enter.ts'
import { environment } from '../planner/environment.ts'
import { withTracer } from '../planner/trace-denied.ts'
import type { ImageRoot } from '../planner/image-root.ts'
import { ownDescriptors } from '../launch/caller-descriptors.ts'
import { readyImage } from './image.ts'
import { withHintInProgram } from './options.ts'
import { compact } from '../plan/compact.ts'
import type { BoxPlan, Entry, Environment, Plan, Process } from '../plan/types.ts'
import { pathOf } from './arguments.ts'

/** How one command differs from the others of its box. */
export type How = Pick<SpawnOptions, 'env' | 'argv0'> & {
  /** Directory of the box, absolute. */
  cwd?: string | URL | undefined
  /** A directory of the host, child_process's `cwd`, that counts in place of this program's own. */
  hostDirectory?: string | URL | undefined
  /** `env` counts even if the box has `clearEnv`. */
  keepEnv?: boolean | undefined
  /** Milliseconds until TERM, and then until KILL, unless the box itself has a shorter timeout. */
  limit?: { timeout: number; grace: number } | undefined
  stdio?: SpawnOptions['stdio'] | undefined
  /** The caller returns what a box with `traceDenied` has refused. */
  lists?: boolean
}
export type Planner<P extends Plan = Plan> = {
  (argv: readonly string[], how: How): P
  /** The box that its plans enter; absent where each plan is a box. */
  box?: BoxPlan
  /** There for the box of an image: brings it into the cache. Such a box has a command of its own. */
  ready?: (signal: AbortSignal | undefined) => Promise<void>
}

/** Options, argv and root, of which a plan is made. An image has to be in the cache by now. */
export function withCachedImage(
  options: Options,
  argv: readonly string[],
  host: HostFacts,
): { options: Options; argv: readonly string[]; root?: ImageRoot } {
  return options.image === undefined ? { options, argv } : lateImageBox().cachedImageBox(options, argv, host)
}

/** `look` sees each plan that was made from the options of the box. */
export function newBox(box: Options, look: (plan: Plan) => void): Planner<BoxPlan> {
  const planner: Planner<BoxPlan> = (argv, how) =>
    withHintInProgram(() => {
      if (box.traceDenied && !how.lists)
        throw new UsageError(
          'traceDenied: only run returns what was refused',
          'leave it out for spawn, spawnSync and open',
        )
      const host = hostOf(how)
      const made = withCachedImage({ ...box, ...reporting(box), ...commandOptions(how) }, argv, host)
      const directory = hostDirectoryOf(how, box)
      const options = directory === undefined ? made.options : { ...made.options, cwd: '/' }
      const built = buildOrReview(options, made.argv, host, made.root)
      const plan = box.traceDenied ? withTracer(built) : built
      look(plan)
      if (directory === undefined) return completed(plan, how)
      // Starts in the box's own `cwd` where the box does not show the directory.
      const start = startingIn(() => absolute(directory, host), plan.root, made.root?.cwd)
      const cwdFallback = box.cwd ?? start.cwdFallback
      return completed({ ...plan, process: compact<Process>({ ...plan.process, ...start, cwdFallback }) }, how)
    })
  if (box.image !== undefined) planner.ready = (signal) => readyImage(box, signal)
  return planner
}

function buildOrReview(options: Options, argv: readonly string[], host: HostFacts, root?: ImageRoot): BoxPlan {
  if (options.changes !== 'review') return buildPlan(options, argv, host, root)
  const { startReview } = lateReview()
  return startReview(options, host, (directory) => buildPlan(options, argv, host, root, directory)).plan
}

/** zx passes a directory with every command, mostly the program's own, which must not override the box's `cwd`. */
function hostDirectoryOf({ hostDirectory }: How, { cwd }: Options): string | undefined {
  if (hostDirectory === undefined) return undefined
  const path = pathOf(hostDirectory)
  return cwd !== undefined && path === ownDirectory() ? undefined : path
}

function ownDirectory(): string | undefined {
  try {
    return process.cwd()
  } catch {
    return undefined
  }
}

export function entering(plan: BoxPlan, entry: Entry, box: Options): Planner {
  const planner: Planner = (argv, how) => {
    const host = hostOf(how)
    const env = how.keepEnv ? givenEnv(plan.process.env, box, host) : plan.process.env
    const entered = { ...plan, process: compact<Process>({ ...plan.process, env }) }
    const options: Options = { ...reporting(box), ...commandOptions(how) }
    if (box.keepFds !== undefined) options.keepFds = box.keepFds
    const directory = hostDirectoryOf(how, box)
    if (directory === undefined && options.cwd === undefined && box.cwd !== undefined) options.cwd = box.cwd
    const caller = directory === undefined ? host : withCwd(host, absolute(directory, host))
    return completed(enterPlan(entered, entry, options, argv, caller, onTerminal(how)), how)
  }
  planner.box = plan
  return planner
}

/** The environment that a command is given wins over an image's variables; the box's own `env` wins over both. */
function givenEnv(own: Environment = {}, { image, env = [] }: Options, host: HostFacts): Environment {
  const inherited = { ...own, inherit: true }
  if (image === undefined) return inherited
  const nameOf = (entry: string): string => entry.slice(0, entry.indexOf('='))
  const chosen = environment({ env }, host).set?.map(nameOf) ?? []
  const set = own.set?.filter((entry) => chosen.includes(nameOf(entry)) || host.env[nameOf(entry)] === undefined)
  return compact<Environment>({ ...inherited, pass: undefined, set })
}

function withCwd(host: HostFacts, cwd: string): HostFacts {
  return Object.create(host, { cwd: { value: cwd } }) as HostFacts
}

function hostOf({ env }: How): HostFacts {
  const host = hostOfProgram()
  return env === undefined ? host : Object.assign(Object.create(host) as HostFacts, { env })
}

/** The sidecar of a command reports on a descriptor that no command keeps. */
const reporting = ({ dieWithParent = true, keepFds }: Options): Options => ({
  dieWithParent,
  statusFd: ownDescriptors(keepFds).status,
})

/** The options of one command. */
function commandOptions({ cwd, argv0, keepEnv }: How): Options {
  const options: Options = {}
  if (cwd !== undefined) options.cwd = pathOf(cwd)
  if (argv0 !== undefined) options.argv0 = argv0
  if (keepEnv) options.clearEnv = false
  return options
}

function onTerminal({ stdio }: How): boolean {
  const stdin: unknown = Array.isArray(stdio) ? stdio[0] : stdio
  return (stdin === 'inherit' || stdin === 0 || stdin === process.stdin) && isatty(0)
}

function completed<P extends Plan>(plan: P, { limit }: How): P {
  const { timeout = Infinity } = plan.supervision ?? {}
  const shorter = limit !== undefined && limit.timeout < timeout ? limit : {}
  return { ...plan, supervision: { ...plan.supervision, ...shorter, errors: 'status' } }
}
