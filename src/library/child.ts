/**
 * Starts the sidecar as a child of this program. Every failure to start becomes one SandboxError, emitted as `error`
 * with `close` after it. child_process alone throws some of these errors, emits others, and then returns a child
 * without streams.
 */
import * as child_process from 'node:child_process'
import { EventEmitter } from 'node:events'
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { Readable, Writable } from 'node:stream'
import { SandboxError } from '../errors.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import { LACKS } from '../host/lacks.ts'
import { pathOf } from './arguments.ts'

export type Child = child_process.ChildProcess
type Options = child_process.SpawnOptions & { stdio: unknown[] }

export function startChild(file: string, args: readonly string[], options: Options): Child {
  try {
    reserveDescriptors(2 * options.stdio.filter(isPipe).length + 2)
    const child = child_process.spawn(file, args, options as child_process.SpawnOptions)
    if (child.pid !== undefined) return child
    return failedChild(
      new Promise((resolve) => child.once('error', (error) => resolve(startFailure(error, file, options.cwd)))),
      options,
    )
  } catch (error) {
    return failedChild(Promise.resolve(startFailure(error, file, options.cwd)), options)
  }
}

/**
 * Throws EMFILE or ENFILE where fewer than COUNT descriptors are free. A runtime that runs out of them reports an
 * error, but Node then leaves some open, and Bun has started the child all the same.
 */
export function reserveDescriptors(count: number): void {
  if (arePlenty(count)) return
  const opened: number[] = []
  try {
    while (opened.length < count) opened.push(openSync('/dev/null', 'r'))
  } finally {
    for (const fd of opened) closeSync(fd)
  }
}

let limit: number | undefined

/**
 * Saves opening them, which takes a tenth of a millisecond. From Linux 6.2 on, the directory's size is the number of
 * open ones.
 */
function arePlenty(count: number): boolean {
  try {
    limit ??= Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 0)
    const { size } = statSync('/proc/self/fd')
    return size > 0 && 2 * (size + count) < limit
  } catch {
    return false
  }
}

/** The SandboxError for a failed start. Throws the error itself where it is about a wrong argument. */
export function startFailure(error: unknown, file: string, cwd?: string | URL): SandboxError {
  const { code, syscall } = error as NodeJS.ErrnoException
  if (error instanceof SandboxError) return error
  if (code === undefined || code.startsWith('ERR_') || syscall === undefined) throw error
  const trouble = cwd === undefined ? undefined : troubleOf(cwd)
  // child_process reports a bad directory as a program that can't be started, and would name the sidecar.
  if (trouble !== undefined)
    return systemFailure({ step: 'cwd', what: 'no directory of the host', path: pathOf(cwd), code: trouble })
  const path = OF_THE_FILE.includes(code) ? file : undefined
  return systemFailure({ step: 'start', what: 'start the sidecar', code, path, hint: HINTS[code] })
}

function troubleOf(directory: string | URL): string | undefined {
  try {
    return statSync(directory).isDirectory() ? undefined : 'ENOTDIR'
  } catch (error) {
    return codeOf(error)
  }
}

const OF_THE_FILE = ['ENOENT', 'EACCES', 'EPERM', 'ENOEXEC', 'ELIBBAD', 'ENOTDIR', 'ETXTBSY', 'EIO', 'EINVAL']
const REINSTALL = 'the package is damaged, or made for another machine: install it again'

/** Ways out of errors that keep a process from starting. */
export const HINTS: Readonly<Record<string, string>> = {
  ...LACKS,
  E2BIG:
    'the environment is too large: one variable may have 128 KiB, and all of it a quarter of the limit on the stack (ulimit -s)',
  EACCES: 'the file must be executable, and its file system not mounted noexec',
  EPERM: 'the file must be executable, and its file system not mounted noexec',
  ENOENT: REINSTALL,
  ENOEXEC: REINSTALL,
  ELIBBAD: REINSTALL,
  ENOTDIR: REINSTALL,
  ENOSPC: 'set TMPDIR to a directory with space in it',
  EDQUOT: 'set TMPDIR to a directory with space in it',
  EROFS: 'set TMPDIR to a directory that can be written to',
}

/** The error for a sidecar that ended without a report: damaged, or for another machine, where a shell ran the file. */
export function withoutReport(file: string): SandboxError {
  const machine = { x64: 62, arm64: 183 }[process.arch as string]
  const start = Buffer.alloc(20)
  const fd = openSync(file, 'r')
  try {
    readSync(fd, start, 0, start.length, 0)
  } finally {
    closeSync(fd)
  }
  if (start.toString('latin1', 0, 4) === '\x7fELF' && start.readUInt16LE(18) === machine) {
    return new SandboxError({ step: 'start', what: 'the sidecar ended without a report', path: file, hint: REINSTALL })
  }
  return startFailure({ code: 'ENOEXEC', syscall: 'spawn' }, file)
}

/** A child that has never started, with empty streams. */
export function failedChild(failure: Promise<SandboxError>, { stdio }: Options): Child {
  const child = Object.setPrototypeOf(new EventEmitter(), child_process.ChildProcess.prototype) as EventEmitter
  const [stdin, stdout, stderr] = [0, 1, 2].map((fd) =>
    !isPipe(stdio[fd]) ? null : fd === 0 ? nowhere() : Readable.from([]),
  )
  const own = {
    stdin,
    stdout,
    stderr,
    stdio: [stdin, stdout, stderr],
    channel: undefined,
    pid: undefined,
    connected: false,
    killed: false,
    exitCode: null,
    signalCode: null,
    spawnargs: [],
    spawnfile: '',
    kill: () => false,
    ref: () => {},
    unref: () => {},
    [Symbol.dispose]: () => {},
  }
  // Defined, not assigned: under Bun the prototype has getters for some.
  for (const key of Reflect.ownKeys(own) as (keyof typeof own)[]) {
    Object.defineProperty(child, key, { value: own[key], writable: true, enumerable: true, configurable: true })
  }
  void failure.then((error) => {
    const status = closeStatus(error)
    // Each event has its own turn, since an `error` without a listener throws.
    process.nextTick(() => {
      Object.assign(child, { exitCode: status })
      ;(stdin as Writable | null)?.destroy()
      child.emit('error', error)
    })
    setImmediate(() => child.emit('close', status, null))
  })
  return child as unknown as Child
}

/** The exit status of a child that did not start, as in child_process: the error number, below zero. */
export const closeStatus = ({ errno, status }: SandboxError): number => errno ?? status

const isPipe = (stdio: unknown): boolean =>
  stdio === 'pipe' || stdio === 'overlapped' || stdio === undefined || stdio === null

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() })
}
