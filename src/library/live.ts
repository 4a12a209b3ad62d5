/** Opens a box that stays: it is made once, and each command enters it. */
import { closeSync } from 'node:fs'
import { SandboxError, UsageError } from '../errors.ts'
import { sidecarFor } from '../launch/sidecar-for.ts'
import { oldestChild, refuseForeignProc } from '../launch/processes.ts'
import type { Options } from '../options/types.ts'
import type { BoxPlan, Entry, Plan } from '../plan/types.ts'
import { isAbortSignal, throwIfAborted } from './arguments.ts'
import { startChild, type Child } from './child.ts'
import type { Commands } from './commands.ts'
import { readyImage } from './image.ts'
import { type NetworkEvent, NetworkEvents } from './network-events.ts'
import { kindOf } from '../options/mount-list.ts'
import { entering, newBox } from './planner.ts'
import { planned } from './prepare.ts'
import { reportOf, type Report, type Usage } from './report.ts'
import { commandsOf } from './start.ts'

export type OpenOptions = {
  /** Closes the box. If it has not started yet, `open` rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Called with each event of the network of a box with `allowHosts` or `publish`. */
  onConnect?: ((event: NetworkEvent) => void) | undefined
}

/** How a box that stayed has ended. */
export type Closed = {
  /** Whether the box's own timeout has ended it. */
  timedOut: boolean
  /** Time and memory that the whole box used; undefined if it was killed before it could report. */
  usage: Usage | undefined
}

/**
 * A box that stays. Files in its tmpfs, processes of its commands and its host name stay until it is closed: by
 * `close`, at the end of an `await using` block, or with this program. It keeps the mounts that the host had when it
 * was made, so a device that the host unmounts stays busy until then.
 */
export type LiveBox = Commands &
  AsyncDisposable & {
    /** Number of the process that watches the box; `nsbox enter PID` enters it from a shell. */
    readonly pid: number
    /** Settles when the box has ended, for whatever reason. Reading it keeps the program alive until then. */
    readonly closed: Promise<Closed>
    /** End the box and all that runs in it. */
    close(): Promise<void>
  }

/** Milliseconds that the sidecar has to remove what it made on the host. */
const GRACE = 5000

/**
 * Rejects with SandboxError if the box can't be made, and with the signal's reason if that is aborted before the box
 * has started.
 */
export async function open(
  options: Options,
  look: (plan: Plan) => void,
  { signal, onConnect }: OpenOptions = {},
): Promise<LiveBox> {
  if (signal !== undefined && !isAbortSignal(signal))
    throw new UsageError(`open: signal: must be an AbortSignal, not ${kindOf(signal)}`)
  if (onConnect !== undefined && typeof onConnect !== 'function')
    throw new UsageError(`open: onConnect: must be a function, not ${kindOf(onConnect)}`)
  throwIfAborted(signal)
  refuseForeignProc()
  await readyImage(options, signal)
  throwIfAborted(signal)
  const { plan, sidecar } = startHolding(options, look)
  const { started, ended } = eventsOf(sidecar, onConnect)
  const close = () => end(sidecar, ended)
  const abort = () => void close()
  signal?.addEventListener('abort', abort, { once: true })
  void ended.then(() => signal?.removeEventListener('abort', abort))
  let entry: Entry
  try {
    entry = entryOf(await started)
    throwIfAborted(signal)
  } catch (error) {
    await close()
    throwIfAborted(signal)
    throw error
  }
  const closed = ended.then(({ timedOut = false, usage }) => ({ timedOut, usage }))
  // The program may end unless it waits for the box's end.
  refer(sidecar, 'unref')
  return {
    ...commandsOf(entering(plan, entry, options)),
    pid: sidecar.pid as number,
    get closed() {
      refer(sidecar, 'ref')
      return closed
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** The plan of a box that stays. Events come on the sidecar's standard output, which no command gets. */
function holding(options: Options, look: (plan: Plan) => void): BoxPlan {
  const { share = [], init } = options
  if (share.includes('pid') || init === false) {
    const name = init === false ? 'noInit' : 'share: pid'
    throw new UsageError(
      `open: ${name}: a box that stays needs a process 1 that ends with it`,
      'leave it out, or use run, which makes a box for each command',
    )
  }
  const plan = newBox(options, look)(['nsbox'], {})
  const { keepFds: _, ...process } = plan.process
  return { ...plan, process: { ...process, pause: true }, supervision: { ...plan.supervision, statusFd: 1 } }
}

function startHolding(options: Options, look: (plan: Plan) => void): { plan: BoxPlan; sidecar: Child } {
  const { plan, file } = planned(() => holding(options, look))
  try {
    return {
      plan,
      sidecar: startChild(sidecarFor(plan), ['--plan-fd', '3'], { stdio: ['ignore', 'pipe', 'ignore', file] }),
    }
  } finally {
    closeSync(file)
  }
}

function eventsOf(
  sidecar: Child,
  onConnect: OpenOptions['onConnect'],
): { started: Promise<number>; ended: Promise<Report> } {
  let text = ''
  const events = new NetworkEvents()
  const ended = new Promise<Report>((resolve) => {
    sidecar.once('close', (status) => resolve(reportOf(text, status)))
  })
  const started = new Promise<number>((resolve, reject) => {
    sidecar.on('error', reject)
    sidecar.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (onConnect !== undefined) for (const event of events.read(chunk)) onConnect(event)
      const pid = /^\{"event":"start","pid":(\d+)\}\n/.exec(text)?.[1]
      if (pid !== undefined) resolve(Number(pid))
    })
    void ended.then(({ error }) => reject(error ?? new SandboxError({ step: 'start', what: 'the box ended at once' })))
  })
  return { started, ended }
}

/** The process that waits in place of a command. */
function entryOf(first: number): Entry {
  const holder = oldestChild(first)
  if (holder === undefined) throw new SandboxError({ step: 'enter', what: 'the box has ended' })
  return { pid: holder.pid, started: holder.started }
}

async function end(sidecar: Child, ended: Promise<Report>): Promise<void> {
  refer(sidecar, 'ref')
  sidecar.kill('SIGTERM')
  const late = setTimeout(() => sidecar.kill('SIGKILL'), GRACE)
  await ended
  clearTimeout(late)
}

function refer(sidecar: Child, how: 'ref' | 'unref'): void {
  sidecar[how]()
  const pipe = sidecar.stdout as unknown as Partial<Record<typeof how, () => void>> | null
  pipe?.[how]?.()
}
