/** Runs a box with `--trace-denied`: this process waits for it, and says at its end what was refused. */
import { closeSync, readSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'
import { print } from '../cli/output.ts'
import { deniedOf, type DeniedList } from '../explain/denied.ts'
import { deniedText } from '../explain/denied-text.ts'
import { RefusalReader, type Refusals } from '../explain/refusals.ts'
import { thisHost } from '../host/bun.ts'
import { unnamedFile } from '../launch/tmpfile.ts'
import { waitForBox } from '../launch/wait-for-box.ts'
import type { Options } from '../options/types.ts'
import type { Plan } from '../plan/types.ts'
import { withTracer } from '../planner/trace-denied.ts'

/** Milliseconds between two looks at what the box has reported. */
const LOOK_EVERY = 50

/** Exit status of the box. */
export async function traceDenied(plan: Plan, { quiet, statusFd }: Options): Promise<number> {
  const traced = withTracer(plan)
  const { look } = thisHost()
  const status = statusFd ?? plan.supervision?.statusFd
  const report = new Report(status)
  const timer = setInterval(() => report.look(), LOOK_EVERY)
  try {
    const ended = await waitForBox(traced, report.file)
    report.look()
    const { root } = traced
    if (root === undefined || !report.isWhole) return ended
    const list = deniedOf({ ...traced, root }, report.refusals(), look)
    if (status !== undefined) print(deniedEvents(list), status)
    if (!quiet) print(deniedText(list), 2)
    return ended
  } finally {
    clearInterval(timer)
    report.close()
  }
}

/** Events for a program: after the last one of the box itself. */
function deniedEvents({ denied, unexplained }: DeniedList): string {
  const events: object[] = denied.map((one) => ({ event: 'denied', ...one }))
  events.push({ event: 'denied-end', unexplained })
  return events.map((event) => `${JSON.stringify(event)}\n`).join('')
}

/** What the box reports into a file without a name; all but the tracer's lines go on to the caller's descriptor. */
class Report {
  readonly file = unnamedFile()
  readonly #to: number | undefined
  readonly #reader = new RefusalReader()
  readonly #decoder = new StringDecoder('utf8')
  #at = 0
  #rest = ''
  #hasStarted = false
  #hasFailed = false

  constructor(to: number | undefined) {
    this.#to = to
  }

  look(): void {
    const bytes = Buffer.allocUnsafe(1 << 16)
    for (let got = 1; got > 0;) {
      got = readSync(this.file, bytes, 0, bytes.length, this.#at)
      this.#at += got
      this.#take(this.#decoder.write(bytes.subarray(0, got)))
    }
  }

  #take(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    const others: string[] = []
    for (const line of lines) {
      this.#hasStarted ||= line.startsWith('{"event":"start"')
      this.#hasFailed ||= line.startsWith('{"event":"error"')
      if (!this.#reader.add(line)) others.push(`${line}\n`)
    }
    if (this.#to !== undefined && others.length > 0) print(others.join(''), this.#to)
  }

  /** Whether the list has all: a box that could not be made has refused nothing, and without the tracer nobody knows. */
  get isWhole(): boolean {
    return this.#hasStarted && !this.#hasFailed
  }

  refusals(): Refusals {
    return this.#reader.result()
  }

  close(): void {
    closeSync(this.file)
  }
}
