/**
 * Finds a running box by the number of one of its processes. A plan is read only from processes of our own, in our
 * namespaces: a process in a box could otherwise pose as another box, with a plan that has more privileges.
 */
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { codeOf } from '../host/errno.ts'
import { refuseLack } from '../host/lacks.ts'
import { fromBytes } from '../text/bytes.ts'
import { PlanError } from '../plan/error.ts'
import { parsePlan } from '../plan/parse.ts'
import type { Entry, Plan } from '../plan/types.ts'
import { MAGIC, TRAILER_BYTES } from './trailer.ts'

/** A child of nsbox that isn't the box, sidecar/process/watchdog.c. */
const WATCHDOG = 'nsbox-watchdog'

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

/** Where /proc belongs to another pid namespace, its numbers mean other processes than ours. */
export function refuseForeignProc(): void {
  const status = textOf('/proc/self/status')
  // Our numbers in all pid namespaces, from that of /proc down to ours; before Linux 4.1 there is no such line.
  const numbers = /^NSpid:\t(.*)$/m.exec(status)?.[1]?.split('\t') ?? /^Pid:\t(.*)$/m.exec(status)?.slice(1) ?? []
  if (numbers.length === 1 && numbers[0] === String(process.pid)) return
  throw new SandboxError({
    step: 'enter',
    what: 'process numbers in /proc are not ours',
    path: '/proc',
    hint: 'this /proc belongs to another pid namespace: mount a new one first, as unshare --mount-proc does',
  })
}

function textOf(path: string): string {
  try {
    return fs.readFileSync(path, 'latin1')
  } catch (error) {
    refuseLack(error, 'enter', 'look at the processes of this machine')
    return ''
  }
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
  if (!hasOurIds(`/proc/${pid}`)) return anothers(pid)
  const hint = isHidden(pid)
    ? 'this process or one above it hides from its owner, as with --share pid or while a command enters: name nsbox itself instead'
    : 'name nsbox itself (nsbox ... & nsbox enter $!), or a process in the box'
  return enterFailure('no box of yours has this process', pid, hint)
}

/** Whether a process, or one above it, can't be inspected by its own user. */
function isHidden(pid: number): boolean {
  const parent = statOf(pid)?.parent ?? 0
  return (hasOurIds(`/proc/${pid}`) && link(`/proc/${pid}/ns/mnt`) === undefined) || (parent > 1 && isHidden(parent))
}

function enterFailure(what: string, pid: number, hint?: string): SandboxError {
  return new SandboxError({ step: 'enter', what, path: String(pid), hint })
}

function link(path: string): string | undefined {
  try {
    return fs.readlinkSync(path)
  } catch {
    return undefined
  }
}

/**
 * Reads from the directory of a process in /proc, if the process is ours. The open directory stays that process's, even
 * when its number is used again. Nothing is read of a process that isn't ours, since it chooses what its executable is.
 */
function ofOurs<T>(pid: number, body: (directory: string) => T | undefined): T | undefined {
  let fd: number
  try {
    fd = fs.openSync(`/proc/${pid}`, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  } catch {
    return undefined
  }
  try {
    const directory = `/proc/self/fd/${fd}`
    return isOurs(directory) ? body(directory) : undefined
  } finally {
    fs.closeSync(fd)
  }
}

/** Whether a process has our ids and lives in our own namespaces, as nothing in a box does. */
function isOurs(directory: string): boolean {
  const same = (name: string) => link(`${directory}/ns/${name}`) === fs.readlinkSync(`/proc/self/ns/${name}`)
  return hasOurIds(directory) && same('mnt') && same('pid') && same('user')
}

/** Compares the real, effective, saved and file system ids; the owner of the directory shows only the effective one. */
function hasOurIds(directory: string): boolean {
  const ids = /^Uid:\t(.*)$/m.exec(textOf(`${directory}/status`))?.[1]
  return ids?.split('\t').every((id) => Number(id) === process.getuid?.()) ?? false
}

const livesBesideUs = (pid: number): boolean => ofOurs(pid, () => true) ?? false

/** The plan of a process, if it is our sidecar: from its executable, or from a file that it has open. */
function planOf(pid: number): Plan | undefined {
  const text = ofOurs(pid, (directory) => trailerOf(`${directory}/exe`) ?? keptBy(`${directory}/fd`))
  return text === undefined ? undefined : readPlan(text, pid)
}

/** A box of another nsbox may have a plan of another contract. */
function readPlan(text: Uint8Array, pid: number): Plan {
  try {
    return parsePlan(text)
  } catch (error) {
    if (!(error instanceof PlanError) || error.pointer !== '/contract') throw error
    throw enterFailure(
      'its box was started by another version of nsbox',
      pid,
      'enter it with the nsbox that started it',
    )
  }
}

function anothers(pid: number): SandboxError {
  return enterFailure(
    'belongs to another user',
    pid,
    'only the user who started a box can enter it, and not even root instead',
  )
}

/** Bytes, as in sidecar/plan/plan_source.c. */
const MAX_PLAN = 256 << 20

/** Lets `body` read a regular file, with its size in bytes; undefined for anything else. */
function reading(path: string, body: (fd: number, size: number) => Uint8Array | undefined): Uint8Array | undefined {
  let fd: number
  try {
    // Without O_NONBLOCK, opening a pipe waits for a writer.
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  } catch {
    return undefined
  }
  try {
    const stat = fs.fstatSync(fd)
    return stat.isFile() ? body(fd, stat.size) : undefined
  } finally {
    fs.closeSync(fd)
  }
}

function bytesOf(fd: number, at: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length)
  let done = 0
  for (let got = 1; got > 0 && done < length; done += got) got = fs.readSync(fd, bytes, done, length - done, at + done)
  return bytes.subarray(0, done)
}

function trailerOf(path: string): Uint8Array | undefined {
  return reading(path, (fd, size) => {
    const text = size - TRAILER_BYTES
    if (text <= 0) return undefined
    const end = Buffer.from(bytesOf(fd, text, TRAILER_BYTES))
    if (end.length < TRAILER_BYTES || end.toString('latin1', 8) !== MAGIC) return undefined
    const length = end.readBigUInt64LE()
    return length > BigInt(Math.min(text, MAX_PLAN)) ? undefined : bytesOf(fd, text - Number(length), Number(length))
  })
}

/** The plan that source_keep holds open, sidecar/plan/plan_source.c. */
function keptBy(directory: string): Uint8Array | undefined {
  let names: string[]
  try {
    names = fs.readdirSync(directory)
  } catch {
    return undefined
  }
  const kept = names.find((fd) => link(`${directory}/${fd}`)?.startsWith('/memfd:nsbox-plan '))
  return kept === undefined
    ? undefined
    : reading(`${directory}/${kept}`, (fd, size) => (size > MAX_PLAN ? undefined : bytesOf(fd, 0, size)))
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

type Stat = { pid: number; name: string; parent: number; started: number }

export function oldestChild(pid: number, except?: string): Stat | undefined {
  const children = childrenOf(pid)
    .map(statOf)
    .filter((stat) => stat !== undefined)
    .filter(({ name }) => name !== except)
  return children.sort((a, b) => a.started - b.started || a.pid - b.pid)[0]
}

function childrenOf(pid: number): number[] {
  try {
    return fs
      .readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1')
      .split(' ')
      .filter((word) => word !== '')
      .map(Number)
  } catch (error) {
    refuseLack(error, 'enter', 'look at the processes of this machine')
    if (codeOf(error) !== 'ENOENT') return []
    // This kernel has no CONFIG_PROC_CHILDREN.
    return fs
      .readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((child) => statOf(child)?.parent === pid)
  }
}

/** Reads stat, proc(5). The name in parentheses may hold spaces and parentheses, so fields are counted behind it. */
function statOf(pid: number): Stat | undefined {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return {
      pid,
      name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
      parent: Number(fields[1]),
      started: Number(fields[19]),
    }
  } catch (error) {
    refuseLack(error, 'enter', 'look at the processes of this machine')
    return undefined
  }
}
