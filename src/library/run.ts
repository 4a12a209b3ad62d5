/** Runs a command in a box to its end. */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import { constants } from 'node:os'
import type { Readable } from 'node:stream'
import { UsageError } from '../errors.ts'
import { oldestChild, WATCHDOG } from '../launch/processes.ts'
import { nearest } from '../text/nearest.ts'
import { printable } from '../text/printable.ts'
import { isUint8Array } from 'node:util/types'
import type { RunOptions, RunResult } from './commands.ts'
import { kindOf } from '../options/mount-list.ts'
import { hostOfProgram } from '../host/node.ts'
import { lateDenied, lateHints } from '../lazy.ts'
import type { Plan } from '../plan/types.ts'
import type { How, Planner } from './planner.ts'
import { prepare, wordsOf } from './prepare.ts'
import { isAbortSignal, isUrl, throwIfAborted } from './arguments.ts'
import { review } from './review.ts'
import { reportOfChild, start } from './spawn.ts'

type Failed = { error?: unknown }

/** Rejects with SandboxError if nsbox itself failed. A failing command is a result. */
export async function run(
  planner: Planner,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult<string | Buffer>> {
  const { input, signal, onConnect, maxBuffer = Infinity, encoding = 'utf8' } = readRunOptions(options)
  throwIfAborted(signal)
  const words = planner.ready !== undefined && Array.isArray(argv) && argv.length === 0 ? [] : wordsOf(argv)
  const stdio = stdioOf(options)
  if (planner.ready !== undefined) {
    await planner.ready(signal)
    throwIfAborted(signal)
  }
  let plan: Plan | undefined
  const launch = prepare(() => (plan = planner(words, howOf(options))))
  if (launch.enters && onConnect !== undefined) {
    launch.report(null)
    throw new UsageError('run: onConnect: this box stays', 'give it to open')
  }
  const child = start(launch, { ...environmentOf(options), stdio: [...stdio, ...launch.descriptors] }, words, {})
  const kill = () => killCommand(child, launch.enters)
  const failed: Failed = {}
  const passEvents = () => {
    try {
      if (onConnect !== undefined && !('error' in failed)) for (const event of launch.networkEvents()) onConnect(event)
    } catch (error) {
      failed.error = error
      kill()
    }
  }
  const events = onConnect === undefined ? undefined : setInterval(passEvents, EVENTS_EVERY)
  signal?.addEventListener('abort', kill, { once: true })
  try {
    if (child.stdin !== null) {
      child.stdin.on('error', () => {}) // a command may end before it has read all of it
      child.stdin.end(input)
    }
    const tooMuch = () => {
      failed.error = new RangeError(`maxBuffer: more than ${maxBuffer} bytes of output`)
      kill()
    }
    const [stdout, stderr, exitCode] = await Promise.all([
      collect(child.stdout, maxBuffer, tooMuch),
      collect(child.stderr, maxBuffer, tooMuch),
      ending(child),
    ])
    passEvents()
    throwIfAborted(signal)
    if ('error' in failed) throw failed.error
    const { signal: killedBy, timedOut = false, usage } = reportOfChild(child)
    const decoded = (bytes: Buffer) => (encoding === 'buffer' ? bytes : bytes.toString(encoding))
    const result = { exitCode, signal: killedBy, stdout: decoded(stdout), stderr: decoded(stderr), timedOut, usage }
    const reviewed = launch.review === undefined ? result : { ...result, review: review(launch.review) }
    const shown = { ...reviewed, ...refused(plan, launch.traced()) }
    if (exitCode === 0) return shown
    // A shell hands the end of its program on as a status.
    const bySignal = killedBy === 'SIGSYS' || exitCode === 128 + constants.signals.SIGSYS
    return { ...shown, ...explained(planner, plan, stderr, bySignal) }
  } catch (error) {
    throwIfAborted(signal)
    throw error
  } finally {
    clearInterval(events)
    signal?.removeEventListener('abort', kill)
  }
}

/** Milliseconds between two looks at what the network has reported. */
const EVENTS_EVERY = 50

/** What a box with `traceDenied` has refused. */
function refused(plan: Plan | undefined, report: string | undefined): Pick<RunResult, 'denied' | 'unexplained'> {
  if (plan?.root === undefined || report === undefined) return {}
  const { RefusalReader, deniedOf } = lateDenied()
  const reader = new RefusalReader()
  for (const line of report.split('\n')) reader.add(line)
  return deniedOf({ ...plan, root: plan.root }, reader.result(), hostOfProgram().look)
}

/** Why a command may have failed: by what its box could do. */
function explained(
  planner: Planner,
  plan: Plan | undefined,
  stderr: Buffer,
  bySignal: boolean,
): Pick<RunResult, 'limits' | 'hints'> {
  const box = planner.box ?? (plan?.root === undefined ? undefined : { ...plan, root: plan.root })
  if (box === undefined || plan === undefined) return {}
  const { hintsOf, limitsOf } = lateHints()
  const { cwd = box.process.cwd ?? '/', argv } = plan.process
  const ofCommand = { ...box, process: { ...box.process, argv } }
  return { limits: limitsOf(box), hints: hintsOf(ofCommand, stderr.toString(), cwd, hostOfProgram().look, bySignal) }
}

/**
 * KILL can't be ignored, and the kernel ends everything in the box with the sidecar. In a box that stays, only the
 * command itself ends with the sidecar, so its process group is killed first.
 */
function killCommand(child: ChildProcess, entered: boolean): void {
  const command = entered && child.pid !== undefined ? oldestChild(child.pid, WATCHDOG) : undefined
  if (command !== undefined)
    try {
      process.kill(-command.pid, 'SIGKILL')
    } catch {
      // It leads no group yet, or has ended.
    }
  child.kill('SIGKILL')
}

function howOf({ cwd, env, timeout, stdio }: RunOptions): How {
  const limit = timeout === undefined ? undefined : { timeout: Math.max(1, Math.round(timeout)), grace: 0 }
  return { stdio, cwd, env, keepEnv: env !== undefined, limit, lists: true }
}

const environmentOf = ({ env }: RunOptions): SpawnOptions => (env === undefined ? {} : { env })

function stdioOf({ stdio, input }: RunOptions): Exclude<NonNullable<SpawnOptions['stdio']>, string>[number][] {
  if (stdio === undefined) return [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe']
  const three = Array.isArray(stdio) ? [0, 1, 2].map((fd) => stdio[fd] ?? 'pipe') : [stdio, stdio, stdio]
  if (input !== undefined && three[0] !== 'pipe')
    throw new UsageError('input: needs standard input to be a pipe, and stdio says otherwise')
  return three
}

/** Collects a stream up to `max` bytes, and skips the rest until the box has ended. */
async function collect(stream: Readable | null, max: number, tooMuch: () => void): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    if (size <= max && (size += (chunk as Buffer).length) > max) tooMuch()
    if (size <= max) chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function ending(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.once('close', (status, signal) => resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}

type Check = (value: unknown) => string | undefined
const positive: Check = (value) => (typeof value === 'number' && value > 0 ? undefined : 'a number above 0')

/** The check of each option; one without a check is a compile error. */
const CHECKS: { [K in keyof RunOptions]-?: Check } = {
  // A place in the box, where no relative path means anything: --cwd and the box's own `cwd` refuse it too.
  cwd: (value) =>
    isUrl(value) || (typeof value === 'string' && value.startsWith('/')) ? undefined : 'an absolute path in the box',
  env: (value) => (typeof value === 'object' && value !== null && !Array.isArray(value) ? undefined : 'an object'),
  stdio: (value) =>
    !Array.isArray(value) || (value.length <= 3 && !value.includes('ipc')) ? undefined : 'for descriptors 0, 1 and 2',
  input: (value) => (typeof value === 'string' || isUint8Array(value) ? undefined : 'text or bytes'),
  signal: (value) => (isAbortSignal(value) ? undefined : 'an AbortSignal'),
  onConnect: (value) => (typeof value === 'function' ? undefined : 'a function'),
  timeout: positive,
  maxBuffer: positive,
  encoding: (value) =>
    value === 'buffer' || (typeof value === 'string' && Buffer.isEncoding(value))
      ? undefined
      : 'an encoding, or "buffer"',
}

function readRunOptions(options: RunOptions): RunOptions {
  for (const [key, value] of Object.entries(options)) {
    if (!Object.hasOwn(CHECKS, key)) {
      const near = nearest(key, Object.keys(CHECKS))
      throw new UsageError(
        `run: unknown option ${printable(key)}`,
        near === undefined ? undefined : `the nearest is ${near}`,
      )
    }
    const wanted = value === undefined ? undefined : CHECKS[key as keyof RunOptions](value)
    if (wanted !== undefined) throw new UsageError(`run: ${key}: must be ${wanted}, not ${kindOf(value)}`)
  }
  return options
}
