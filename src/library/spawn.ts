/**
 * child_process's spawn and spawnSync, with the command in a box. The child is the sidecar, which passes signals on; events
 * and results tell of the command.
 */
import * as child_process from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SandboxError, UsageError } from '../errors.ts'
import { codeOf } from '../host/bun.ts'
import { systemFailure } from '../host/errno.ts'
import { GRACE } from '../planner/build.ts'
import type { How, Planner } from './planner.ts'
import { prepare, wordsOf, type Launch } from './prepare.ts'
import type { Report } from './report.ts'

type SpawnOptions = child_process.SpawnOptions
type SpawnSyncOptions = child_process.SpawnSyncOptions
type Stdio = NonNullable<SpawnOptions['stdio']>

/** As child_process.spawn. Where nsbox itself fails, the child emits `error` with a SandboxError, and `exit` with 125, 126 or 127. */
export function spawn(planner: Planner, command: string, args: readonly string[], options: SpawnOptions): child_process.ChildProcess {
  const launch = launchOf(planner, command, args, options)
  return start(launch, optionsOf(launch, options), [command, ...args])
}

/** `options`: those of child_process, for the sidecar. */
export function start(launch: Launch, options: SpawnOptions, words: readonly string[]): child_process.ChildProcess {
  let child: child_process.ChildProcess
  try {
    child = child_process.spawn(launch.file, launch.args, options)
  } catch (error) {
    launch.report(null)
    throw causeOf(error, options)
  }
  Object.assign(child, { spawnfile: words[0], spawnargs: [...words] })
  // Not Object.assign: under Bun it has no setter.
  Object.defineProperty(child, 'stdio', { value: child.stdio.slice(0, 3), configurable: true, enumerable: true, writable: true })
  tellOfCommand(child, launch, options)
  killAfterGrace(child, options)
  return child
}

const reports = new WeakMap<child_process.ChildProcess, Report>()

/** What was reported of a child of `spawn` that has ended. */
export function reportOfChild(child: child_process.ChildProcess): Report {
  return reports.get(child) ?? {}
}

/** For child_process a directory that can't be entered is a program that can't be started: here it would name the sidecar. */
function causeOf(error: unknown, { cwd }: SpawnOptions): unknown {
  const code = cwd === undefined ? undefined : troubleOf(cwd)
  if (code === undefined || cwd === undefined) return error
  return systemFailure({ step: 'cwd', what: 'no directory of the host', path: typeof cwd === 'string' ? cwd : fileURLToPath(cwd), code })
}

function troubleOf(directory: string | URL): string | undefined {
  try {
    return statSync(directory).isDirectory() ? undefined : 'ENOTDIR'
  } catch (error) {
    return codeOf(error)
  }
}

/** The sidecar ends with 128 + N where signal N has killed the command: the child is to have ended by that signal. */
function tellOfCommand(child: child_process.ChildProcess, launch: Launch, options: SpawnOptions): void {
  const emit = child.emit.bind(child) as (event: string, ...args: unknown[]) => boolean
  const ended = (status: number | null): Report => {
    const report = reports.get(child) ?? launch.report(status)
    reports.set(child, report)
    return report
  }
  child.emit = (event: string, ...args: unknown[]): boolean => {
    if (event === 'error') {
      // It could not be started at all: there is no exit then.
      if (child.pid !== undefined) return emit(event, ...args)
      ended(null)
      return emit(event, causeOf(args[0], options))
    }
    if (event !== 'exit' && event !== 'close') return emit(event, ...args)
    const isFirst = !reports.has(child)
    const { error, signal, timedOut } = ended(args[0] as number | null)
    if (isFirst && error !== undefined) emit('error', error)
    if (signal === undefined || timedOut || args[1] !== null) return emit(event, ...args)
    Object.assign(child, { exitCode: null, signalCode: signal })
    return emit(event, null, signal)
  }
}

/** Node ends a child by a signal that it may ignore. A box is not to stay: what is left of it then is killed. */
function killAfterGrace(child: child_process.ChildProcess, { signal, timeout }: SpawnOptions): void {
  const timers: NodeJS.Timeout[] = []
  const killIn = (milliseconds: number) => void timers.push(setTimeout(() => child.kill('SIGKILL'), milliseconds).unref())
  const aborted = () => killIn(GRACE)
  if (timeout) killIn(timeout + GRACE)
  if (signal?.aborted) aborted()
  else signal?.addEventListener('abort', aborted, { once: true })
  child.once('exit', () => {
    for (const timer of timers) clearTimeout(timer)
    signal?.removeEventListener('abort', aborted)
  })
}

/** As child_process.spawnSync. Where nsbox itself fails, `error` is a SandboxError. */
export function spawnSync(planner: Planner, command: string, args: readonly string[], options: SpawnSyncOptions): child_process.SpawnSyncReturns<Buffer | string> {
  let launch: Launch
  try {
    launch = launchOf(planner, command, args, options as SpawnOptions, options.timeout ? { timeout: options.timeout + GRACE, grace: 0 } : undefined)
  } catch (error) {
    if (error instanceof SandboxError) return { pid: 0, output: [], stdout: '', stderr: '', status: null, signal: null, error }
    throw error
  }
  let report: Report | undefined
  try {
    const result = child_process.spawnSync(launch.file, launch.args, optionsOf(launch, options as SpawnOptions) as SpawnSyncOptions)
    report = launch.report(result.status)
    const { signal, timedOut } = report
    const error = result.error === undefined ? report.error : causeOf(result.error, options as SpawnOptions) as Error
    return {
      ...result, output: result.output?.slice(0, 3), ...(error !== undefined && { error }),
      ...(signal !== undefined && !timedOut && result.signal === null && { status: null, signal }),
    }
  } finally {
    if (report === undefined) launch.report(null)
  }
}

function launchOf(planner: Planner, command: string, args: readonly string[], options: SpawnOptions, limit?: How['limit']): Launch {
  refuseUnsupported(options)
  const { cwd, env, argv0, stdio } = options
  const how = { env, argv0, limit, place: cwd, ...(stdio !== undefined && { stdio }) }
  return prepare(planner(commandLine(wordsOf([command, ...args]), options), how))
}

function optionsOf(launch: Launch, options: SpawnOptions): SpawnOptions {
  // The sidecar starts in `cwd`: whether that can be entered is for child_process to say, as it does without a box.
  const { shell: _, argv0: __, ...rest } = options
  return { ...rest, stdio: [...threeOf(options.stdio), ...launch.descriptors] }
}

/** With `shell`, the command and its arguments are one line for it, as for child_process. */
function commandLine(words: string[], { shell }: SpawnOptions): string[] {
  if (shell === undefined || shell === false) return words
  return [shell === true ? '/bin/sh' : shell, '-c', words.join(' ')]
}

function refuseUnsupported({ stdio, uid, gid }: SpawnOptions): void {
  if (uid !== undefined || gid !== undefined) throw new UsageError('uid, gid: the ids in the box are an option of the box', 'box({ user: "1000:1000" })')
  if (Array.isArray(stdio) && (stdio.length > 3 || stdio.includes('ipc'))) throw new UsageError('stdio: a boxed command has descriptors 0, 1 and 2')
}

function threeOf(stdio: Stdio | undefined): Exclude<Stdio, string>[number][] {
  if (Array.isArray(stdio)) return [0, 1, 2].map((fd) => stdio[fd] ?? 'pipe')
  return Array.from({ length: 3 }, () => stdio ?? 'pipe')
}
