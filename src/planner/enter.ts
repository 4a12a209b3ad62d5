/** The plan of a command that enters a running box: with the privileges of the box's own command, and never others. */
import type { HostFacts } from '../host/bun.ts'
import { environment } from './environment.ts'
import type { Options } from '../options/types.ts'
import { commandOf, reporting, timing } from './build.ts'
import { CONTRACT } from '../plan/constants.ts'
import type { Entry, Plan, Process } from '../plan/types.ts'

/**
 * `box`: its plan. Of the options those count that say how a command runs, and not what the box is. `onTerminal`: its standard
 * input is one, so that a shell may want job control.
 */
export function enterPlan(box: Plan, entry: Entry, options: Options, argv: readonly string[], host: HostFacts, onTerminal: boolean): Plan {
  return {
    contract: CONTRACT,
    namespaces: box.namespaces,
    enter: entry,
    process: enteringProcess(box, { ...options, newSession: options.newSession || !onTerminal }, argv, host),
    supervision: { ...reporting(options), ...timing(options), ...(options.dieWithParent && { dieWithParent: true }) },
  }
}

function enteringProcess(plan: Plan, options: Options, argv: readonly string[], host: HostFacts): Process {
  const box = plan.process
  const { uid, gid, dropGroups, capabilities, noNewPrivs, seccomp, limits } = box
  const { signals } = host.changed()
  return {
    ...commandOf(options, argv),
    env: changed(box.env ?? {}, options, host),
    ...startDirectory(plan, options, host),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(dropGroups && { dropGroups }),
    ...(capabilities && { capabilities }),
    ...(noNewPrivs && { noNewPrivs }),
    ...(seccomp && { seccomp }),
    ...enteringScopes(box),
    ...(limits && { limits }),
    ...(signals.length > 0 && { resetSignals: signals }),
    ...(options.newSession && { newSession: true }),
  }
}

/**
 * The box's Landlock domain can't be joined. In the scope of signals of its own a command could signal none of the box's processes. Without
 * it, kill(0) would reach the process group of who called nsbox: so there is a session of its own wherever no terminal is, and on a
 * terminal a process group of its own, sidecar/process/foreground.c.
 *
 * But it has a domain: in none, it could look into what holds a box open. With a network of the box's own, abstract sockets are the
 * box's, and so the domain closes none. That one forbids to mount; for a command that may, it is the scope of abstract sockets.
 */
function enteringScopes({ scopes = [], capabilities = [], seccomp }: Process): Pick<Process, 'scopes'> {
  const kept = scopes.filter((scope) => scope !== 'signals')
  const mayMount = capabilities.includes('sys_admin') || seccomp?.from !== 'default'
  if (!mayMount) kept.push('trace')
  else if (kept.length === 0 && scopes.length > 0) kept.push('abstract')
  return kept.length > 0 ? { scopes: kept } : {}
}

type Directory = Pick<Process, 'cwd' | 'cwdOfHost' | 'cwdFallback'>

/** The caller's directory where the box shows it, otherwise the one that the box's own command started in. */
function startDirectory(box: Plan, options: Options, host: HostFacts): Directory {
  if (options.cwd !== undefined) return { cwd: options.cwd }
  const start = startOf(box)
  try {
    return callersDirectory(host.cwd, box, start)
  } catch {
    return { cwd: start, cwdFallback: '/' }
  }
}

/** An overlay shows a directory of the host as another one: there its path counts, unless something is mounted on it. */
function callersDirectory(cwd: string, box: Plan, start: string): Directory {
  const onOverlay = box.root?.type === 'overlay' && box.root.path === '/' && !isCovered(cwd, box)
  return { cwd, ...(!onOverlay && { cwdOfHost: true }), cwdFallback: start }
}

/** A root of its own may have a directory of the same path that is another one: then the command did not start there. */
function startOf(box: Plan): string {
  const { cwd = '/', cwdOfHost, cwdFallback = '/' } = box.process
  return !cwdOfHost || box.root?.path === '/' || isCovered(cwd, box) ? cwd : cwdFallback
}

function isCovered(path: string, { mounts = [] }: Plan): boolean {
  return mounts.some(({ target }) => `${path}/`.startsWith(`${target}/`))
}

/** The box's changes to the environment of its caller apply to ours, and then those that are asked for now. */
function changed(box: NonNullable<Process['env']>, options: Options, host: HostFacts): NonNullable<Process['env']> {
  const own = environment({ ...options, clearEnv: options.clearEnv || !box.inherit }, host)
  if (options.clearEnv) return own
  const set = [...(box.set ?? []), ...(own.set ?? [])]
  return { ...box, ...(set.length > 0 && { set }) }
}
