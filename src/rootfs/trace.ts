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
import type { Use, UseKind } from './use.ts'

export type Traced = {
  uses: Use[]
  /** The command's exit status, 128 + N where signal N ended it. */
  status: number
  timedOut: boolean
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
}

/** Runs the command in a box with these options. Rejects where the box can't be made, and with the reason of `stop`. */
export async function trace(options: Options, argv: readonly string[], place: Place): Promise<Traced> {
  const { stop, silent = false } = place
  stop.throwIfAborted()
  const tracer = tracerFile()
  try {
    const plan = planOf(options, [TRACER, ...argv], tracer.path, place)
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
  } finally {
    tracer.remove()
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

/** The tracer as a file that a box can mount. */
function tracerFile(): { path: string; remove(): void } {
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

function removable(directory: string): { path: string; remove(): void } {
  let there = true
  return {
    path: `${directory}/trace`,
    remove() {
      if (there) rmSync(directory, { recursive: true, force: true })
      there = false
    },
  }
}

const KINDS: Readonly<Record<string, UseKind>> = { o: 'open', x: 'run', l: 'look', m: 'make' }
const FIELDS = 3

/** Reads the tracer's records: sidecar/trace/record.h. */
class Records {
  readonly #uses: Use[] = []
  readonly #foreign: string[] = []
  readonly #fields: string[] = []
  #rest = Buffer.alloc(0)
  #started = false
  #tooMany = false
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
    else if (what === 'E') this.#refused = errnoName(Number(path)) ?? path
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
    return {
      uses: this.#uses,
      foreign: this.#foreign,
      refused: this.#refused,
      timedOut,
      status: timedOut ? TIMED_OUT : (status ?? 128 + (signal === null ? 0 : constants.signals[signal])),
    }
  }
}
