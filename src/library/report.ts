/** Reads the sidecar's report: JSON lines behind the plan in its file, on a descriptor that the command doesn't get. */
import { fstatSync, readSync } from 'node:fs'
import { constants } from 'node:os'
import { SandboxError, type Failure } from '../errors.ts'
import { sidecarPath } from '../launch/sidecar-path.ts'
import { withoutReport } from './child.ts'
import { inProgram } from './options.ts'

export type Report = {
  /** The command was started. */
  started: boolean
  /** The failure of nsbox itself. */
  error?: SandboxError | undefined
  /** The signal that killed the command. */
  signal?: NodeJS.Signals | undefined
  /** The box's own timeout ran out. */
  timedOut?: boolean | undefined
  usage?: Usage | undefined
}

/** Resources that a box used: seconds in all, and bytes of its largest process. */
export type Usage = {
  wall: number
  user: number
  system: number
  maxRss: number
  /**
   * Peak memory of the whole box in bytes, with its share of the page cache. Only with `memory`, `cpus` or `pids`, from
   * Linux 5.19 on.
   */
  peakMemory?: number
  /** Processes that were killed for lack of memory; above zero, the box hit its limit. Only with `memory`. */
  oomKills?: number
}

type Event =
  | { event: 'start'; pid: number }
  | { event: 'exit'; status: number; signal: number; timedOut?: true; usage: Usage }
  | ({ event: 'error' } & Failure)

/** Reads the report of a box that has ended. `status`: the sidecar's own; a killed sidecar leaves no report. */
export function readReport(file: number, from: number, status: number | null): Report {
  return reportOf(reportText(file, from), status)
}

export function reportOf(text: string, status: number | null): Report {
  const events = text
    .split('\n')
    .filter((line) => line !== '')
    .flatMap(eventIn)
  const started = events.some(({ event }) => event === 'start')
  const failure = events.find((event) => event.event === 'error')
  const exit = events.find((event) => event.event === 'exit')
  if (failure !== undefined) return { started, error: errorOf(failure) }
  if (exit === undefined && !started && status !== null) return { started, error: withoutReport(sidecarPath()) }
  const signal = exit === undefined || exit.signal === 0 ? undefined : signalName(exit.signal)
  return { started, signal, timedOut: exit?.timedOut, usage: exit?.usage }
}

/**
 * A directory that the box does not show is ENOENT, as for child_process: zx prints code and errno, whether there are
 * any or not.
 */
function errorOf({ hint, ...failure }: Failure): SandboxError {
  const error = new SandboxError({ ...failure, hint: hint === undefined ? undefined : inProgram(hint) })
  return failure.step === 'cwd' && failure.code === undefined
    ? Object.assign(error, { code: 'ENOENT', errno: -constants.errno.ENOENT })
    : error
}

/** Adds the hint to the message as its second line, since zx and others print nothing else of an error. */
export function withHint(error: SandboxError): SandboxError {
  const { hint } = error
  if (hint !== undefined && !error.message.endsWith(`\nhint: ${hint}`)) error.message += `\nhint: ${hint}`
  return error
}

export function throwWithHint(error: unknown): never {
  throw error instanceof SandboxError ? withHint(error) : error
}

/** Skips a broken line: a killed sidecar may have written half of one. */
function eventIn(line: string): Event[] {
  try {
    return [JSON.parse(line) as Event]
  } catch {
    return []
  }
}

/** All that was reported behind the first FROM bytes of the file. */
export function reportText(file: number, from: number): string {
  const bytes = Buffer.alloc(fstatSync(file).size - from)
  let done = 0
  for (let got = 1; got > 0 && done < bytes.length; done += got)
    got = readSync(file, bytes, done, bytes.length - done, from + done)
  return bytes.toString('utf8', 0, done)
}

function signalName(number: number): NodeJS.Signals | undefined {
  return (Object.keys(constants.signals) as NodeJS.Signals[]).find((name) => constants.signals[name] === number)
}
