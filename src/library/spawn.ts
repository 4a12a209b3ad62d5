/**
 * child_process's spawn and spawnSync, with the command in a box. The child is the sidecar, which passes signals on and
 * ends as the command does; the plan and the report travel in nameless files on descriptors of their own.
 */
import * as child_process from 'node:child_process'
import { closeSync } from 'node:fs'
import { UsageError } from '../errors.ts'
import { nameless, planFile } from '../launch/nameless.ts'
import type { Planner } from './planner.ts'
import { readReport, type Report } from './report.ts'
import { sidecarPath } from '../launch/packaged.ts'

type SpawnOptions = child_process.SpawnOptions
type Stdio = NonNullable<SpawnOptions['stdio']>

/** The descriptor after it is STATUS, planner.ts. */
const PLAN = 3

type Launch = { file: string; args: string[]; options: SpawnOptions; report: (status: number | null) => Report; close: () => void }

/** All that starts the box of a command, as child_process wants it. Descriptors are open until `close`. */
function prepare(planner: Planner, command: string, args: readonly string[], options: SpawnOptions): Launch {
  refuseUnsupported(options)
  const readable = planFile(planner(commandLine(command, args, options), options))
  const status = nameless()
  const { shell: _, cwd: __, argv0: ___, ...rest } = options
  return {
    file: sidecarPath(),
    args: ['--plan-fd', String(PLAN)],
    options: { ...rest, stdio: [...threeOf(options.stdio), readable, status] },
    report: (ended) => readReport(status, ended),
    close: once(() => {
      closeSync(readable)
      closeSync(status)
    }),
  }
}

/** With `shell`, the command and its arguments are one line for it, as for child_process. */
function commandLine(command: string, args: readonly string[], { shell }: SpawnOptions): string[] {
  if (shell === undefined || shell === false) return [command, ...args]
  return [shell === true ? '/bin/sh' : shell, '-c', [command, ...args].join(' ')]
}

function refuseUnsupported({ stdio, uid, gid }: SpawnOptions): void {
  if (uid !== undefined || gid !== undefined) throw new UsageError('uid, gid: the ids in the box are an option of the box', 'box({ user: "1000:1000" })')
  if (Array.isArray(stdio) && (stdio.length > 3 || stdio.includes('ipc'))) throw new UsageError('stdio: a boxed command has descriptors 0, 1 and 2')
}

/** A number that was closed may be somebody else's by now. */
function once(body: () => void): () => void {
  let done = false
  return () => {
    if (!done) body()
    done = true
  }
}

function threeOf(stdio: Stdio | undefined): Exclude<Stdio, string>[number][] {
  if (Array.isArray(stdio)) return [0, 1, 2].map((fd) => stdio[fd] ?? 'pipe')
  return Array.from({ length: 3 }, () => stdio ?? 'pipe')
}

/** As child_process.spawn. Where nsbox itself fails, the child emits `error` with a SandboxError, and `exit` with 125. */
export function spawn(planner: Planner, command: string, args: readonly string[], options: SpawnOptions): child_process.ChildProcess {
  const launch = prepare(planner, command, args, options)
  let child: child_process.ChildProcess
  try {
    child = child_process.spawn(launch.file, launch.args, launch.options)
  } catch (error) {
    launch.close()
    throw error
  }
  child.once('error', () => launch.close())
  child.prependOnceListener('exit', (status) => {
    const report = launch.report(status)
    launch.close()
    reports.set(child, report)
    if (report.error !== undefined) child.emit('error', report.error)
  })
  return child
}

const reports = new WeakMap<child_process.ChildProcess, Report>()

/** What was reported of a child of `spawn` that has ended. */
export function reportOfChild(child: child_process.ChildProcess): Report {
  return reports.get(child) ?? {}
}

/** As child_process.spawnSync. Where nsbox itself fails, `error` is a SandboxError. */
export function spawnSync(planner: Planner, command: string, args: readonly string[], options: child_process.SpawnSyncOptions): child_process.SpawnSyncReturns<Buffer | string> {
  const launch = prepare(planner, command, args, options as SpawnOptions)
  try {
    const result = child_process.spawnSync(launch.file, launch.args, launch.options as child_process.SpawnSyncOptions)
    const { error } = launch.report(result.status)
    return { ...result, output: result.output?.slice(0, 3), ...(error !== undefined && { error }) }
  } finally {
    launch.close()
  }
}
