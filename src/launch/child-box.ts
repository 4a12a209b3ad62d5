/** A box as a child of this process, in whichever way this program carries the sidecar. */
import { spawn, type ChildProcess } from 'node:child_process'
import * as fs from 'node:fs'
import { sidecarCommand } from '#sidecar'
import { SandboxError, type Failure } from '../errors.ts'
import type { BoxPlan } from '../plan/types.ts'
import { unnamedFile, planFile } from './tmpfile.ts'

const PLAN = 3
const STATUS = 4

/** What the plan of such a box says about its supervision: failures come back by a descriptor, and it ends with us. */
export const CHILD_SUPERVISION = { statusFd: STATUS, errors: 'status', dieWithParent: true } as const

/** Standard input, output and error of the command: descriptors of ours, or what spawn(3) of Node makes for a word. */
type Stream = number | 'pipe' | 'ignore'
type Streams = readonly [Stream, Stream, Stream]

export type Ending = {
  status: number | null
  signal: NodeJS.Signals | null
  /** The box could not be made. */
  failure?: SandboxError | undefined
  /** The box's own timeout has ended the command. */
  timedOut: boolean
}

export type ChildBox = {
  child: ChildProcess
  /** Rejects where the child could not be started. */
  ended: Promise<Ending>
}

/** Starts the box of a plan that has CHILD_SUPERVISION. */
export function startChildBox(plan: BoxPlan, streams: Streams): ChildBox {
  const open: number[] = []
  try {
    const file = planFile(plan)
    open.push(file)
    const status = unnamedFile()
    const [program, ...args] = sidecarCommand(PLAN)
    try {
      // The caller's own directory may be gone.
      const child = spawn(program, args, { argv0: 'nsbox', cwd: '/', stdio: [...streams, file, status] })
      return { child, ended: endOf(child, status) }
    } catch (error) {
      fs.closeSync(status)
      throw error
    }
  } finally {
    for (const fd of open) fs.closeSync(fd)
  }
}

async function endOf(child: ChildProcess, status: number): Promise<Ending> {
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (...ending) => resolve(ending))
    })
    return { status: code, signal, ...reportIn(status) }
  } finally {
    fs.closeSync(status)
  }
}

/** A name has at most 4096 bytes, each of which may be six characters of JSON. */
const LONGEST_REPORT = 64 << 10

function reportIn(status: number): Pick<Ending, 'failure' | 'timedOut'> {
  const { size } = fs.fstatSync(status)
  const bytes = Buffer.alloc(Math.min(size, LONGEST_REPORT))
  fs.readSync(status, bytes, 0, bytes.length, 0)
  const found: Pick<Ending, 'failure' | 'timedOut'> = { timedOut: false }
  for (const line of bytes.toString('utf8').split('\n')) {
    const event = eventIn(line)
    if (event?.['event'] === 'error') found.failure ??= new SandboxError(event as unknown as Failure)
    if (event?.['event'] === 'exit') found.timedOut = event['timedOut'] === true
  }
  return found
}

function eventIn(line: string): Record<string, unknown> | undefined {
  try {
    return (JSON.parse(line) as Record<string, unknown> | null) ?? undefined
  } catch {
    return undefined
  }
}
