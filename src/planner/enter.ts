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
    process: processOf(box.process, { ...options, newSession: options.newSession || !onTerminal }, argv, host),
    supervision: { ...reporting(options), ...timing(options), ...(options.dieWithParent && { dieWithParent: true }) },
  }
}

function processOf(box: Process, options: Options, argv: readonly string[], host: HostFacts): Process {
  const { uid, gid, dropGroups, capabilities, noNewPrivs, seccomp, limits, scopes } = box
  const { signals } = host.changed()
  return {
    ...commandOf(options, argv),
    env: changed(box.env ?? {}, options, host),
    ...directory(box, options, host),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(dropGroups && { dropGroups }),
    ...(capabilities && { capabilities }),
    ...(noNewPrivs && { noNewPrivs }),
    ...(seccomp && { seccomp }),
    ...scoped(box),
    ...(limits && { limits }),
    // A Landlock domain can't be entered: in one of its own a command could not signal what runs in the box.
    ...(scopes?.includes('abstract') && { scopes: ['abstract'] }),
    ...(signals.length > 0 && { resetSignals: signals }),
    ...(options.newSession && { newSession: true }),
  }
}

/**
 * Landlock's scope of the box's own processes can't be joined, and in one of its own a command could signal none of them. Without
 * it, kill(0) would reach the process group of who called nsbox: so there is a session of its own wherever no terminal is, and on a
 * terminal a process group of its own, sidecar/process/foreground.c.
 */
function scoped({ scopes = [] }: Process): Pick<Process, 'scopes'> {
  const kept = scopes.filter((scope) => scope !== 'signals')
  return kept.length > 0 ? { scopes: kept } : {}
}

/** A directory that was named for the box counts for what enters it too. */
function directory({ cwd, cwdFallback }: Process, options: Options, host: HostFacts): Pick<Process, 'cwd' | 'cwdFallback'> {
  if (options.cwd !== undefined) return { cwd: options.cwd }
  return cwd !== undefined && !cwdFallback ? { cwd } : { cwd: host.cwd, cwdFallback: true }
}

/** The box's changes to the environment of its caller apply to ours, and then those that are asked for now. */
function changed(box: NonNullable<Process['env']>, options: Options, host: HostFacts): NonNullable<Process['env']> {
  const own = environment({ ...options, clearEnv: options.clearEnv || !box.inherit }, host)
  if (options.clearEnv) return own
  const set = [...(box.set ?? []), ...(own.set ?? [])]
  return { ...box, ...(set.length > 0 && { set }) }
}
