/**
 * Finds a running box by the number of one of its processes. A plan is read only from processes of our own, in our
 * namespaces: a process in a box could otherwise pose as another box, with a plan that has more privileges.
 */
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { fromBytes } from '../text/bytes.ts'
import type { Entry, Plan } from '../plan/types.ts'
import { MAX_PLAN, knownPlan, planBytes } from './plan-of-process.ts'
import { childrenOf, idOf, link, ofOurs, oldestChild, refuseForeignProc, statOf, WATCHDOG } from './processes.ts'

export type RunningBox = { plan: Plan; entry: Entry }

/** PID: nsbox itself, a process that has started only this box, or any process in the box. */
export function findBox(pid: number): RunningBox {
  refuseForeignProc()
  if (statOf(pid) === undefined) throw enterFailure('no such process', pid)
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = statOf(at)?.parent) {
    const plan = planOf(at)
    // A command that has entered a box isn't the box.
    if (plan?.enter !== undefined) return enteredBy(at, plan.enter)
    if (plan !== undefined) return { plan: startedIn(at, plan), entry: entryOf(at, plan) }
  }
  const below = boxesBelow(pid)
  if (below.length === 1) return findBox(below[0] as number)
  throw noBox(pid, below)
}

/** A baked box starts in its caller's directory, where the supervisor still is. */
function startedIn(supervisor: number, plan: Plan): Plan {
  const { cwdOfCaller, ...process } = plan.process
  if (!cwdOfCaller) return plan
  return { ...plan, process: { ...process, cwd: cwdOf(supervisor), cwdOfHost: true } }
}

function cwdOf(pid: number): string {
  try {
    return fromBytes(fs.readlinkSync(`/proc/${pid}/cwd`, { encoding: 'buffer' }))
  } catch {
    return '/'
  }
}

function enteredBy(pid: number, { pid: within, started }: Entry): RunningBox {
  if (statOf(within)?.started !== started) throw enterFailure('the box that it has entered has ended', pid)
  return findBox(within)
}

/** Looks below PID: npx nsbox is a process of Node that waits for nsbox, and other processes may stand between. */
function boxesBelow(pid: number): number[] {
  if (!livesBesideUs(pid)) return []
  return childrenOf(pid).flatMap((child) => {
    const plan = planOf(child)
    return plan === undefined ? boxesBelow(child) : plan.enter === undefined ? [child] : []
  })
}

function noBox(pid: number, below: readonly number[]): SandboxError {
  if (below.length > 0) return enterFailure('has started more than one box', pid, `say which: ${below.join(' ')}`)
  if (!isOfOurUser(pid)) return anothers(pid)
  const hint = isHidden(pid)
    ? 'this process or one above it hides from its owner, as with --share pid or while a command enters: name nsbox itself instead'
    : 'name nsbox itself (nsbox ... & nsbox enter $!), or a process in the box'
  return enterFailure('no box of yours has this process', pid, hint)
}

const isOfOurUser = (pid: number): boolean => idOf(`/proc/${pid}`) === process.getuid?.()

/** Whether a process, or one above it, can't be inspected by its own user. */
function isHidden(pid: number): boolean {
  const parent = statOf(pid)?.parent ?? 0
  return (isOfOurUser(pid) && link(`/proc/${pid}/ns/mnt`) === undefined) || (parent > 1 && isHidden(parent))
}

function enterFailure(what: string, pid: number, hint?: string): SandboxError {
  return new SandboxError({ step: 'enter', what, path: String(pid), hint })
}

const livesBesideUs = (pid: number): boolean => ofOurs(pid, () => true) ?? false

/** The plan of a process, if it is our sidecar. */
function planOf(pid: number): Plan | undefined {
  const bytes = ofOurs(pid, (directory) => planBytes(directory, MAX_PLAN, false))
  if (bytes === undefined) return undefined
  const plan = knownPlan(bytes)
  if (plan !== undefined) return plan
  // A box of another nsbox may have a plan of another contract.
  throw enterFailure('its box was started by another version of nsbox', pid, 'enter it with the nsbox that started it')
}

function anothers(pid: number): SandboxError {
  return enterFailure(
    'belongs to another user',
    pid,
    'only the user who started a box can enter it, and not even root instead',
  )
}

/**
 * The process whose namespaces are joined. Process 1 of a box hides from its owner; its oldest child, the command,
 * doesn't, and lives as long as the box.
 */
function entryOf(supervisor: number, plan: Plan): Entry {
  const first = oldestChild(supervisor, WATCHDOG)
  const found = first !== undefined && plan.supervision?.init ? oldestChild(first.pid) : first
  if (found === undefined) throw enterFailure('has not started its command yet, or has ended', supervisor)
  return { pid: found.pid, started: found.started }
}
