/**
 * child_process's spawn and spawnSync, with the command in a box. The child is the sidecar, which passes signals on;
 * events and results are about the command.
 */
import * as child_process from 'node:child_process'
import { constants } from 'node:os'
import { SandboxError } from '../errors.ts'
import { GRACE } from '../planner/build.ts'
import { type Arguments, abortError } from './arguments.ts'
import { closeStatus, failedChild, reserveDescriptors, startChild, startFailure } from './child.ts'
import type { How, Planner } from './planner.ts'
import { prepare, type Launch } from './prepare.ts'
import { withHint, type Report } from './report.ts'

type SpawnOptions = child_process.SpawnOptions
type SpawnSyncOptions = child_process.SpawnSyncOptions
type Stdio = NonNullable<SpawnOptions['stdio']>

/** Like child_process.spawn. When nsbox itself fails, the child emits `error` with a SandboxError and no `exit`. */
export function spawn(planner: Planner, { words, options }: Arguments): child_process.ChildProcess {
  const argv = commandLine(words, options)
  let launch: Launch
  try {
    launch = launchOf(planner, argv, options)
  } catch (error) {
    if (!(error instanceof SandboxError)) throw error
    return named(
      failedChild(Promise.resolve(about(error, 'spawn', argv) as SandboxError), { stdio: threeOf(options.stdio) }),
      argv,
      options,
    )
  }
  return start(launch, optionsOf(launch, options), argv, options)
}

/** `options`: child_process's, for the sidecar. `how`: those that we carry out ourselves. */
export function start(
  launch: Launch,
  options: SpawnOptions & { stdio: unknown[] },
  argv: readonly string[],
  how: SpawnOptions,
): child_process.ChildProcess {
  let child: child_process.ChildProcess
  try {
    child = startChild(launch.file, launch.args, options)
  } catch (error) {
    launch.report(null)
    throw error
  }
  named(child, argv, how)
  // Defined, not assigned: under Bun the property has no setter.
  Object.defineProperty(child, 'stdio', {
    value: child.stdio.slice(0, 3),
    configurable: true,
    enumerable: true,
    writable: true,
  })
  const stop = endInTime(child, how)
  emitForCommand(child, launch, argv, stop)
  return child
}

function named(
  child: child_process.ChildProcess,
  [file, ...args]: readonly string[],
  { argv0 }: SpawnOptions,
): child_process.ChildProcess {
  return Object.assign(child, { spawnfile: file, spawnargs: [argv0 ?? file, ...args] })
}

const reports = new WeakMap<child_process.ChildProcess, Report>()

/** The report of a child of `spawn` that has ended. */
export function reportOfChild(child: child_process.ChildProcess): Report {
  return reports.get(child) ?? { started: false }
}

/**
 * Replaces the sidecar's events with the command's. A command that could not start has neither `spawn` nor `exit`. The
 * sidecar ends with 128 + N when signal N has killed the command, and then the child shows that signal.
 */
function emitForCommand(
  child: child_process.ChildProcess,
  launch: Launch,
  argv: readonly string[],
  stop: () => void,
): void {
  const emit = child.emit.bind(child) as (event: string, ...args: unknown[]) => boolean
  const ended = (status: number | null): Report => {
    const report = reports.get(child) ?? launch.report(status)
    reports.set(child, report)
    return report
  }
  const spawned = delayed(() => emit('spawn'), launch)
  const emitNow = (event: string, ...args: unknown[]): boolean => {
    if (event === 'error') {
      if (child.pid !== undefined) return emit(event, ...args)
      ended(null)
      stop()
      return emit(event, about(args[0] as SandboxError, 'spawn', argv))
    }
    if (child.pid === undefined || (event !== 'exit' && event !== 'close')) return emit(event, ...args)
    stop()
    const { error, started, signal, timedOut } = ended(args[0] as number | null)
    if (error !== undefined && !started) {
      const status = closeStatus(error)
      Object.assign(child, { exitCode: status, signalCode: null })
      return event === 'close' ? emit(event, status, null) : emit('error', about(error, 'spawn', argv))
    }
    if (event === 'exit' && error !== undefined) emit('error', about(error, 'spawn', argv))
    if (signal === undefined || timedOut || args[1] !== null) return emit(event, ...args)
    Object.assign(child, { exitCode: null, signalCode: signal })
    return emit(event, null, signal)
  }
  child.emit = (event: string, ...args: unknown[]): boolean => {
    if (event === 'spawn') return spawned.delay(child.listenerCount('spawn') > 0)
    if (event !== 'error' && event !== 'exit' && event !== 'close') return emit(event, ...args)
    if (event === 'exit') {
      const { error, started } = ended(args[0] as number | null)
      if (error !== undefined && !started) spawned.drop()
    }
    return spawned.before(() => emitNow(event, ...args))
  }
}

/** Delays `spawn` until the command has started or ended. The sidecar's report shows that, and has to be polled. */
function delayed(
  emitSpawn: () => void,
  launch: Launch,
): { delay: (isAwaited: boolean) => boolean; drop: () => void; before: (next: () => boolean) => boolean } {
  let isPending = false
  let isLate = false
  let timer: NodeJS.Timeout | undefined
  const drop = () => {
    isPending = false
    clearTimeout(timer)
  }
  const look = (wait: number) => {
    if (!launch.hasStarted()) timer = setTimeout(look, wait, Math.min(2 * wait, 50))
    else {
      drop()
      emitSpawn()
    }
  }
  const delay = (isAwaited: boolean) => {
    isPending = isAwaited
    if (isPending) look(1)
    return isAwaited
  }
  /** Later events come in a later turn: a caller that awaits `spawn` adds listeners for them only then. */
  const before = (next: () => boolean) => {
    if (isPending) {
      drop()
      isLate = true
      emitSpawn()
    }
    if (!isLate) return next()
    setImmediate(next)
    return true
  }
  return { delay, drop, before }
}

/** Gives an error all that child_process's own have. */
function about(error: Error, call: 'spawn' | 'spawnSync', [file, ...args]: readonly string[]): Error {
  const { path = file } = error as NodeJS.ErrnoException
  return Object.assign(error instanceof SandboxError ? withNumber(withHint(error)) : error, {
    syscall: `${call} ${file}`,
    path,
    spawnargs: args,
  })
}

/**
 * Callers of child_process rely on an error's number, and zx prints it: "errno: undefined (Unknown error)" where there
 * is none. What fails by no system call is something that the box can't be made of.
 */
function withNumber(error: SandboxError): SandboxError {
  if (error.code !== undefined || error.errno !== undefined) return error
  return Object.assign(error, { code: 'EINVAL', errno: -constants.errno.EINVAL })
}

/** Node ends a child by a signal that the child may ignore, so a box that is still there after the grace is killed. */
function endInTime(child: child_process.ChildProcess, { signal, timeout, killSignal }: SpawnOptions): () => void {
  const timers: NodeJS.Timeout[] = []
  const killIn = (milliseconds: number) =>
    void timers.push(setTimeout(() => child.kill('SIGKILL'), milliseconds).unref())
  const abort = () => {
    killIn(GRACE)
    if (child.kill(killSignal)) child.emit('error', abortError(signal?.reason))
  }
  if (child.pid === undefined) return () => {}
  if (timeout) killIn(timeout + GRACE)
  if (signal?.aborted) process.nextTick(abort)
  else signal?.addEventListener('abort', abort, { once: true })
  return () => {
    for (const timer of timers) clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** Descriptors of three pipes and of an event loop. */
const FOR_SPAWN_SYNC = 12

type Result = child_process.SpawnSyncReturns<Buffer | string>

/** Like child_process.spawnSync. When nsbox itself fails, `error` is a SandboxError. */
export function spawnSync(planner: Planner, { words, options }: Arguments): Result {
  const argv = commandLine(words, options)
  let launch: Launch | undefined
  let report: Report | undefined
  try {
    launch = launchOf(
      planner,
      argv,
      options,
      options.timeout ? { timeout: options.timeout + GRACE, grace: 0 } : undefined,
    )
    reserveDescriptors(FOR_SPAWN_SYNC)
    const result = child_process.spawnSync(launch.file, launch.args, optionsOf(launch, options) as SpawnSyncOptions)
    if (result.error !== undefined && !result.pid) throw startFailure(result.error, launch.file, options.cwd)
    report = launch.report(result.status)
    return resultOf(result, report, argv)
  } catch (error) {
    const failure =
      error instanceof SandboxError || launch === undefined ? error : startFailure(error, launch.file, options.cwd)
    if (failure instanceof SandboxError) return notStarted(failure, argv)
    throw failure
  } finally {
    if (report === undefined) launch?.report(null)
  }
}

function resultOf(result: Result, { error, started, signal, timedOut }: Report, argv: readonly string[]): Result {
  if (error !== undefined && !started) return notStarted(error, argv)
  const changed = { ...result, output: result.output?.slice(0, 3) }
  const failure = error ?? result.error
  if (failure !== undefined) changed.error = about(ofCommand(failure, argv), 'spawnSync', argv)
  return signal === undefined || timedOut || result.signal !== null ? changed : { ...changed, status: null, signal }
}

/** Names the command in child_process's error, which names the sidecar. */
function ofCommand(error: Error, [file]: readonly string[]): Error {
  if (error instanceof SandboxError) return error
  return Object.assign(error, { path: file, message: `spawnSync ${file} ${(error as NodeJS.ErrnoException).code}` })
}

/** Like child_process's result, whose types are wrong here. */
function notStarted(error: SandboxError, argv: readonly string[]): Result {
  return {
    pid: 0,
    output: null,
    stdout: null,
    stderr: null,
    status: null,
    signal: null,
    error: about(error, 'spawnSync', argv),
  } as unknown as Result
}

function launchOf(
  planner: Planner,
  argv: readonly string[],
  { cwd, env, argv0, stdio }: SpawnOptions,
  limit?: How['limit'],
): Launch {
  return prepare(() => planner(argv, { env, argv0, limit, hostDirectory: cwd, stdio }))
}

/**
 * child_process gets `cwd`, so that it refuses a bad directory as it does without a box. It doesn't get the signal: we
 * watch that, with one listener for each child.
 */
function optionsOf(launch: Launch, options: SpawnOptions): SpawnOptions & { stdio: unknown[] } {
  const { shell: _, argv0: __, signal: ___, ...rest } = options
  return { ...rest, stdio: [...threeOf(options.stdio), ...launch.descriptors] }
}

/** With `shell`, the command and its arguments form one line, as in child_process. */
function commandLine(words: string[], { shell }: SpawnOptions): string[] {
  if (shell === undefined || shell === false) return words
  return [shell === true ? '/bin/sh' : shell, '-c', words.join(' ')]
}

function threeOf(stdio: Stdio | undefined): Exclude<Stdio, string>[number][] {
  if (Array.isArray(stdio)) return [0, 1, 2].map((fd) => stdio[fd] ?? 'pipe')
  return Array.from({ length: 3 }, () => stdio ?? 'pipe')
}
