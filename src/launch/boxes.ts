/**
 * The boxes that run now, found in /proc. There are no state files: none can be forged, be left behind, or tell of a
 * box that has ended.
 */
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { nearest } from '../text/nearest.ts'
import type { Plan } from '../plan/types.ts'
import { MAX_PLAN, knownPlan, planBytes } from './plan-of-process.ts'
import { allProcesses, ofUser, oldestChild, refuseForeignProc, statOf, textIn, WATCHDOG } from './processes.ts'

export type ListedBox = {
  /** The process of nsbox that watches it. */
  pid: number
  uid: number
  /** Absent where another version of nsbox has started it, or its plan is too large to be looked at. */
  plan?: Plan
  /** When its first process was started, in ticks since the boot: field 22 of proc(5)'s stat. */
  started: number
}

/** Bytes of a plan that are read for another user, who may have written anything. */
const MAX_OF_OTHERS = 1 << 20

/** The boxes of one user, or with `all` those of every user, the oldest first. */
export function listBoxes(uid: number, all: boolean): ListedBox[] {
  refuseForeignProc('ps')
  const boxes: ListedBox[] = []
  for (const pid of allProcesses()) {
    const box = ofUser(pid, all ? undefined : [uid], (directory, owner) => boxIn(pid, directory, owner, owner !== uid))
    if (box !== undefined) boxes.push(box)
  }
  return boxes.sort((a, b) => a.started - b.started || a.pid - b.pid)
}

/** `isOthers`: the process belongs to another user. Its name saves opening the executables of all processes. */
function boxIn(pid: number, directory: string, uid: number, isOthers: boolean): ListedBox | undefined {
  if (textIn(`${directory}/comm`) !== 'nsbox\n') return undefined
  const bytes = planBytes(directory, isOthers ? MAX_OF_OTHERS : MAX_PLAN, isOthers)
  if (bytes === undefined) return undefined
  const started = (oldestChild(pid, WATCHDOG) ?? statOf(pid))?.started
  if (started === undefined) return undefined
  try {
    const plan = knownPlan(bytes)
    // A command that has entered a box isn't one.
    if (plan?.enter !== undefined) return undefined
    return plan === undefined ? { pid, uid, started } : { pid, uid, started, plan }
  } catch {
    // What isn't a plan was put there by somebody who wants to be taken for a box.
    return undefined
  }
}

/** The process that watches the box of this user with the name NAME. Throws SandboxError where that isn't one. */
export function pidOfName(name: string, uid: number): number {
  const boxes = listBoxes(uid, false)
  const found = boxes.filter(({ plan }) => plan?.name === name)
  const [only] = found
  if (only !== undefined && found.length === 1) return only.pid
  throw only === undefined ? noSuchName(name, boxes) : severalNames(name, found)
}

function noSuchName(name: string, boxes: readonly ListedBox[]): SandboxError {
  const near = nearest(
    name,
    boxes.flatMap(({ plan }) => (plan?.name === undefined ? [] : [plan.name])),
  )
  return new SandboxError({
    step: 'enter',
    what: 'no box of yours has this name',
    path: name,
    hint:
      near === undefined
        ? 'nsbox ps lists them; nsbox --name NAME COMMAND gives one'
        : `the nearest is ${printable(near)}`,
  })
}

function severalNames(name: string, found: readonly ListedBox[]): SandboxError {
  const each = found.map(({ pid, plan }) => `${pid} (${printable(plan?.process.argv.join(' ').slice(0, 40) ?? '')})`)
  return new SandboxError({
    step: 'enter',
    what: `${found.length} boxes have this name`,
    path: name,
    hint: `say which: ${each.join(', ')}`,
  })
}
