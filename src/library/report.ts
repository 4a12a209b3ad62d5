/** What the sidecar reports of a box, on a descriptor that the command does not have: JSON lines, behind the plan in its file. */
import { fstatSync, readSync } from 'node:fs'
import { constants } from 'node:os'
import { SandboxError, type Failure } from '../errors.ts'
import { inProgram } from './options.ts'

export type Report = {
  /** nsbox could not do what was asked. */
  error?: SandboxError
  /** The signal that killed the command. */
  signal?: NodeJS.Signals
  /** The box's own timeout ran out. */
  timedOut?: true
  usage?: Usage
}

/** What a box used in all: seconds; and bytes, of the process that had most. */
export type Usage = {
  wall: number
  user: number
  system: number
  maxRss: number
  /** Bytes that all of the box had at one time at most, with its share of the page cache. Only with `memory`, `cpus` or `pids`, and from Linux 5.19 on. */
  peakMemory?: number
  /** Processes that were killed for lack of memory; above zero the box hit its limit. Only with `memory`. */
  oomKills?: number
}

type Event =
  | { event: 'start'; pid: number }
  | { event: 'exit'; status: number; signal: number; timedOut?: true; usage: Usage }
  | ({ event: 'error' } & Failure)

/** After the box has ended. `status`: what the sidecar ended with; a report is missing where it was killed itself. */
export function readReport(file: number, from: number, status: number | null): Report {
  return reportOf(textOf(file, from), status)
}

export function reportOf(text: string, status: number | null): Report {
  const events = text.split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Event)
  const failure = events.find((event) => event.event === 'error')
  const exit = events.find((event) => event.event === 'exit')
  if (failure !== undefined) return { error: new SandboxError({ ...failure, ...(failure.hint !== undefined && { hint: inProgram(failure.hint) }) }) }
  if (exit === undefined && status === 125) return { error: new SandboxError({ step: 'start', what: 'the sidecar ended without a report' }) }
  const signal = exit === undefined || exit.signal === 0 ? undefined : signalName(exit.signal)
  return { ...(signal !== undefined && { signal }), ...(exit?.timedOut && { timedOut: true as const }), ...(exit && { usage: exit.usage }) }
}

function textOf(file: number, from: number): string {
  const bytes = Buffer.alloc(fstatSync(file).size - from)
  let done = 0
  for (let got = 1; got > 0 && done < bytes.length; done += got) got = readSync(file, bytes, done, bytes.length - done, from + done)
  return bytes.toString('utf8', 0, done)
}

function signalName(number: number): NodeJS.Signals | undefined {
  return (Object.keys(constants.signals) as NodeJS.Signals[]).find((name) => constants.signals[name] === number)
}
