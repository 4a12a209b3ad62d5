/**
 * Runs a command in a box, and returns which files it used: its system calls stop for a small program of ours in the
 * box (sidecar/trace/), which writes them to its standard output. What the command prints goes to standard error.
 */
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { tracePath } from '#trace'
import { SandboxError } from '../errors.ts'
import { codeOf, errnoName, systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { CHILD_SUPERVISION, startChildBox, type Ending } from '../launch/child-box.ts'
import { isExecutable } from '../launch/executable-copy.ts'
import { temporaryDirectories } from '../launch/tmpfile.ts'
import type { Options } from '../options/types.ts'
import type { BoxPlan } from '../plan/types.ts'
import { fromBytes } from '../text/bytes.ts'
import { layers } from './layers.ts'
import type { Use, UseKind } from './use.ts'

export type Traced = {
  uses: Use[]
  /** The command's exit status, 128 + N where signal N ended it, 124 where it ran out of time. */
  status: number
  signal: NodeJS.Signals | undefined
  timedOut: boolean
  /** Paths that it could not write, as on a read-only file system. */
  readOnly: string[]
  /** Some of its paths were longer than the kernel's names for directories, and are unknown. */
  tooLong: boolean
  /** Programs of another architecture, whose calls weren't followed. */
  foreign: string[]
  /** The name of the error by which the command could not be executed. */
  refused?: string | undefined
}

/** Where the tracer stands in the box. */
const TRACER = '/.nsbox-trace'
const TIMED_OUT = 124

export type Boxes = {
  host: HostFacts
  /** Makes the plan of a box. */
  plan(options: Options, argv: readonly string[]): BoxPlan
}
type Place = Boxes & {
  /** Ends the command, with all that it has started. */
  stop: AbortSignal
  /** Its standard input and output are nobody's. */
  silent?: boolean
  /** All that the command may write to on this host has a layer that takes the changes. */
  layered?: boolean
}

/** Runs the command in a box with these options. Rejects where the box can't be made, and with the reason of `stop`. */
export async function trace(options: Options, argv: readonly string[], place: Place): Promise<Traced> {
  const tracer = tracerFile()
  try {
    const plan = planOf(options, [TRACER, ...argv], tracer.path, place)
    return await (place.layered === true ? traceLayered(plan, place, tracer) : traceIn(plan, place, tracer))
  } finally {
    tracer.remove()
  }
}

/** A layer that this host can't mount is left out: only the kernel knows which file systems can have one. */
async function traceLayered(plan: BoxPlan, place: Place, tracer: Removable): Promise<Traced> {
  // A directory in a layer isn't the host's own, which the box would insist on.
  const { cwdOfHost: _, ...process } = plan.process
  const refused = new Map<string, number>()
  for (;;) {
    const mounts = [...layers(place.host, refused), ...(plan.mounts ?? [])]
    try {
      return await traceIn({ ...plan, process, mounts }, place, tracer)
    } catch (error) {
      const path = refusedBy(error)
      const times = path === undefined ? MOST_TRIES : (refused.get(path) ?? 0)
      if (path === undefined || times === MOST_TRIES) throw error
      refused.set(path, times + 1)
    }
  }
}

/** First something else takes the layer's place, then nothing. */
const MOST_TRIES = 2

/** The mount that failed before the command started. */
function refusedBy(error: unknown): string | undefined {
  return error instanceof SandboxError && error.step === 'mounts' ? error.path : undefined
}

async function traceIn(plan: BoxPlan, { stop, silent = false }: Place, tracer: Removable): Promise<Traced> {
  stop.throwIfAborted()
  const box = startChildBox(plan, silent ? ['ignore', 'pipe', 'ignore'] : [0, 'pipe', 2])
  const kill = () => void box.child.kill('SIGKILL')
  stop.addEventListener('abort', kill, { once: true })
  try {
    const records = new Records()
    box.child.stdout?.on('data', (chunk: Buffer) => {
      // The box has its own copy by now.
      tracer.remove()
      records.add(chunk)
    })
    const ending = await box.ended.catch((error) => {
      throw systemFailure({ step: 'rootfs', what: 'start a box for the command', code: codeOf(error) })
    })
    stop.throwIfAborted()
    return records.result(ending)
  } finally {
    stop.removeEventListener('abort', kill)
  }
}

function planOf(options: Options, argv: readonly string[], tracer: string, boxes: Boxes): BoxPlan {
  const { mounts = [], capabilities = [] } = options
  const plan = boxes.plan(
    {
      ...options,
      mounts: [...mounts, { type: 'file', source: tracer, target: TRACER }],
      // To follow a daemon that becomes another user.
      capabilities: boxes.host.uid === 0 ? [...capabilities, { type: 'add', name: 'sys_ptrace' }] : capabilities,
    },
    argv,
  )
  return { ...plan, supervision: { ...plan.supervision, ...CHILD_SUPERVISION } }
}

type Removable = { path: string; remove(): void }

/** The tracer as a file that a box can mount. */
function tracerFile(): Removable {
  const carried = tracePath()
  if (isExecutable(carried)) return { path: carried, remove: () => {} }
  const content = readFileSync(carried)
  let failure: unknown
  for (const place of temporaryDirectories()) {
    let directory: string | undefined
    try {
      directory = mkdtempSync(`${place}/nsbox-`)
      writeFileSync(`${directory}/trace`, content, { flag: 'wx', mode: 0o555 })
      return removable(directory)
    } catch (error) {
      failure = error
      if (directory !== undefined) rmSync(directory, { recursive: true, force: true })
    }
  }
  throw systemFailure({ step: 'rootfs', what: 'write a temporary file', code: codeOf(failure) })
}

function removable(directory: string): Removable {
  let there = true
  return {
    path: `${directory}/trace`,
    remove() {
      if (there) rmSync(directory, { recursive: true, force: true })
      there = false
    },
  }
}

const KINDS: Readonly<Record<string, UseKind>> = { o: 'open', x: 'run', l: 'look', m: 'make', w: 'replace' }
const FIELDS = 3

/** Reads the tracer's records: sidecar/trace/record.h. */
class Records {
  readonly #uses: Use[] = []
  readonly #foreign: string[] = []
  readonly #readOnly: string[] = []
  readonly #fields: string[] = []
  #rest = Buffer.alloc(0)
  #started = false
  #tooMany = false
  #tooLong = false
  #status: number | undefined
  #signal = 0
  #refused: string | undefined

  add(chunk: Buffer): void {
    let bytes = Buffer.concat([this.#rest, chunk])
    for (let end = bytes.indexOf(0); end >= 0; end = bytes.indexOf(0)) {
      this.#fields.push(fromBytes(bytes.subarray(0, end)))
      bytes = bytes.subarray(end + 1)
      if (this.#fields.length === FIELDS) this.#take(...(this.#fields.splice(0) as [string, string, string]))
    }
    this.#rest = bytes
  }

  #take(what: string, path: string, real: string): void {
    const kind = KINDS[what.charAt(0)]
    if (what === 'S') this.#started = true
    else if (what === 'T') this.#tooMany = true
    else if (what === 'F') this.#foreign.push(path)
    else if (what === 'R') this.#readOnly.push(path)
    else if (what === 'P') this.#tooLong = true
    else if (what === 'X') {
      this.#status = Number(path)
      this.#signal = Number(real)
    } else if (what === 'E') this.#refused = errnoName(Number(path)) ?? path
    else if (kind !== undefined) {
      const [, follow, found, changed] = what
      this.#uses.push({
        kind,
        path,
        follow: follow === 'f',
        found: found === '+',
        changed: changed === 'u',
        real: real === '' ? undefined : real,
      })
    }
  }

  result({ status, signal, failure, timedOut }: Ending): Traced {
    if (failure !== undefined) throw failure
    if (this.#tooMany)
      throw new SandboxError({
        step: 'rootfs',
        what: 'the command used more than 500000 paths',
        hint: 'trace a smaller job, or name directories in place of a trace',
      })
    if (!this.#started)
      throw new SandboxError({ step: 'rootfs', what: 'the box of the command ended before it started' })
    if (this.#status === undefined && this.#refused === undefined && !timedOut)
      throw new SandboxError({
        step: 'rootfs',
        what: `the tracer ended before the command (${signal ?? `status ${status}`})`,
        hint: 'something has killed it, such as the command itself or the kernel for want of memory: nothing was built',
      })
    return {
      uses: this.#uses,
      foreign: this.#foreign,
      readOnly: this.#readOnly,
      tooLong: this.#tooLong,
      refused: this.#refused,
      timedOut,
      status: timedOut ? TIMED_OUT : (this.#status ?? status ?? 0),
      signal: signalOf(this.#signal),
    }
  }
}

function signalOf(number: number): NodeJS.Signals | undefined {
  const names = Object.keys(constants.signals) as NodeJS.Signals[]
  return names.find((name) => constants.signals[name] === number)
}
