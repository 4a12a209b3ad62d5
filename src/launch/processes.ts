/**
 * Processes as /proc shows them. Nothing is read of a process before its owner is known, since a process chooses its
 * name, its words and what its executable is.
 */
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { codeOf } from '../host/errno.ts'
import { refuseLack } from '../host/lacks.ts'
import type { Step } from '../plan/steps.ts'

/** A child of nsbox that isn't the box, sidecar/process/watchdog.c. */
export const WATCHDOG = 'nsbox-watchdog'

/** Where /proc belongs to another pid namespace, its numbers mean other processes than ours. */
export function refuseForeignProc(step: Step = 'enter'): void {
  const status = textIn('/proc/self/status')
  // Our numbers in all pid namespaces, from that of /proc down to ours; before Linux 4.1 there is no such line.
  const numbers = /^NSpid:\t(.*)$/m.exec(status)?.[1]?.split('\t') ?? /^Pid:\t(.*)$/m.exec(status)?.slice(1) ?? []
  if (numbers.length === 1 && numbers[0] === String(process.pid)) return
  throw new SandboxError({
    step,
    what: 'process numbers in /proc are not ours',
    path: '/proc',
    hint: 'this /proc belongs to another pid namespace: mount a new one first, as unshare --mount-proc does',
  })
}

/** Content of a small file of /proc, or '' where it can't be read. */
export function textIn(path: string): string {
  try {
    return fs.readFileSync(path, 'latin1')
  } catch (error) {
    refuseLack(error, 'enter', 'look at the processes of this machine')
    return ''
  }
}

export function link(path: string): string | undefined {
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
export function ofOurs<T>(pid: number, body: (directory: string) => T | undefined): T | undefined {
  return ofUser(pid, [process.getuid?.() ?? 0], body)
}

/** The same for processes of other users; `users` absent: of any. */
export function ofUser<T>(
  pid: number,
  users: readonly number[] | undefined,
  body: (directory: string, uid: number) => T | undefined,
): T | undefined {
  let fd: number
  try {
    fd = fs.openSync(`/proc/${pid}`, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
  } catch {
    return undefined
  }
  try {
    const directory = `/proc/self/fd/${fd}`
    const uid = idOf(directory)
    if (uid === undefined || users?.includes(uid) === false || !isBesideUs(directory)) return undefined
    return body(directory, uid)
  } finally {
    fs.closeSync(fd)
  }
}

/** Whether a process lives in our own namespaces, as nothing in a box does. */
function isBesideUs(directory: string): boolean {
  const same = (name: string) => link(`${directory}/ns/${name}`) === fs.readlinkSync(`/proc/self/ns/${name}`)
  return same('mnt') && same('pid') && same('user')
}

/** The user of a process whose real, effective, saved and file system ids are one; its owner is the effective one. */
export function idOf(directory: string): number | undefined {
  const ids = /^Uid:\t(.*)$/m.exec(textIn(`${directory}/status`))?.[1]?.split('\t')
  return ids?.every((id) => id === ids[0]) ? Number(ids[0]) : undefined
}

/** All numbers that /proc lists. */
export function allProcesses(): number[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
}

type Stat = { pid: number; name: string; parent: number; started: number }

export function oldestChild(pid: number, except?: string): Stat | undefined {
  const children = childrenOf(pid)
    .map(statOf)
    .filter((stat) => stat !== undefined)
    .filter(({ name }) => name !== except)
  return children.sort((a, b) => a.started - b.started || a.pid - b.pid)[0]
}

export function childrenOf(pid: number): number[] {
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
    return allProcesses().filter((child) => statOf(child)?.parent === pid)
  }
}

/** Reads stat, proc(5). The name in parentheses may hold spaces and parentheses, so fields are counted behind it. */
export function statOf(pid: number): Stat | undefined {
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

/** Lets `body` read a regular file, with its size in bytes; undefined for anything else. */
export function reading(
  path: string,
  body: (fd: number, size: number) => Uint8Array | undefined,
): Uint8Array | undefined {
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

export function bytesOf(fd: number, at: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length)
  let done = 0
  for (let got = 1; got > 0 && done < length; done += got) got = fs.readSync(fd, bytes, done, length - done, at + done)
  return bytes.subarray(0, done)
}
