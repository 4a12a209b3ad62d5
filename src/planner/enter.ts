/** The plan of a command that enters a running box: with the privileges of the box's own command, and never others. */
import type { HostFacts } from '../host/types.ts'
import { environment } from './environment.ts'
import type { Options } from '../options/types.ts'
import { commandOf, reporting, timing } from './build.ts'
import { compact } from '../plan/compact.ts'
import { CONTRACT } from '../plan/constants.ts'
import { showsHost } from '../plan/root.ts'
import { refusesMounts } from '../seccomp/seccomp.ts'
import type { Entry, Environment, Plan, Process, Scope, Supervision } from '../plan/types.ts'

/**
 * `box`: the plan of the box. Only options that say how a command runs count. `onTerminal`: standard input is a
 * terminal, so a shell may want job control.
 */
export function enterPlan(
  box: Plan,
  entry: Entry,
  options: Options,
  argv: readonly string[],
  host: HostFacts,
  onTerminal: boolean,
): Plan {
  return {
    contract: CONTRACT,
    namespaces: box.namespaces,
    enter: entry,
    process: enteringProcess(box, { ...options, newSession: options.newSession || !onTerminal }, argv, host),
    supervision: compact<Supervision>({
      ...reporting(options),
      ...timing(options),
      dieWithParent: options.dieWithParent,
    }),
  }
}

function enteringProcess(plan: Plan, options: Options, argv: readonly string[], host: HostFacts): Process {
  const box = plan.process
  const { uid, gid, dropGroups, groups, capabilities, noNewPrivs, seccomp, limits } = box
  return compact<Process>({
    ...commandOf(options, argv),
    env: changed(box.env ?? {}, options, host),
    ...startDirectory(plan, options, host),
    uid,
    gid,
    dropGroups,
    groups,
    capabilities,
    noNewPrivs,
    seccomp,
    landlock: enteringScopes(box),
    limits,
    resetSignals: host.changed().signals,
    newSession: options.newSession,
    keepFds: options.keepFds,
  })
}

/**
 * A command can't join the box's Landlock domain. A new scope of signals would keep it from signalling the box's
 * processes, so it has none. To keep kill(0) from the caller's process group it runs in a new session, or on a terminal
 * in a new process group (sidecar/process/foreground.c).
 *
 * It has a domain all the same, or it could look into the process that holds a box open. "trace" is that domain, but it
 * forbids mounting: a command that may mount gets the scope of abstract sockets instead, where the network is not the
 * box's own.
 */
function enteringScopes({ landlock = [], capabilities = [], seccomp }: Process): Scope[] {
  const kept = landlock.filter((scope) => scope !== 'signals')
  const mayMount = capabilities.includes('sys_admin') || !refusesMounts(seccomp?.from)
  if (!mayMount) kept.push('trace')
  else if (kept.length === 0 && landlock.length > 0) kept.push('abstract')
  return kept
}

type Directory = Pick<Process, 'cwd' | 'cwdOfHost' | 'cwdFallback'>

/** The caller's directory where the box shows it, otherwise the directory in which the box's own command started. */
function startDirectory(box: Plan, options: Options, host: HostFacts): Directory {
  if (options.cwd !== undefined) return { cwd: options.cwd }
  const start = startOf(box)
  try {
    return callersDirectory(host.cwd, box, start)
  } catch {
    return { cwd: start, cwdFallback: '/' }
  }
}

/**
 * Below an overlay the kernel takes a directory of the host for another one, so its path counts, unless a mount covers
 * it.
 */
function callersDirectory(cwd: string, box: Plan, start: string): Directory {
  const onOverlay = box.root?.type === 'layers' && showsHost(box.root) && !isCovered(cwd, box)
  return compact<Directory>({ cwd, cwdOfHost: !onOverlay, cwdFallback: start })
}

/** In a root of its own the same path may be another directory, where the command did not start. */
function startOf(box: Plan): string {
  const { cwd = '/', cwdOfHost, cwdFallback = '/' } = box.process
  return !cwdOfHost || (box.root !== undefined && showsHost(box.root)) || isCovered(cwd, box) ? cwd : cwdFallback
}

function isCovered(path: string, { mounts = [] }: Plan): boolean {
  return mounts.some(({ target }) => `${path}/`.startsWith(`${target}/`))
}

/** Applies the box's own changes to our environment, and then those of the options. */
function changed(box: Environment, options: Options, host: HostFacts): Environment {
  const own = environment({ ...options, clearEnv: options.clearEnv || !box.inherit }, host)
  if (options.clearEnv) return own
  const { set = [], unset = [] } = own
  const stays = (entry: string): boolean => !unset.some((name) => entry.startsWith(`${name}=`))
  return compact<Environment>({
    ...box,
    pass: box.pass?.filter((name) => !unset.includes(name)),
    unset: [...(box.unset ?? []), ...unset],
    set: [...(box.set ?? []).filter(stays), ...set],
  })
}
