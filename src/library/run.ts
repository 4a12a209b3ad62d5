/** A command in a box, to its end. */
import type { ChildProcess, SpawnOptions } from 'node:child_process'
import type { Readable } from 'node:stream'
import type { Planner } from './planner.ts'
import type { Usage } from './report.ts'
import { reportOfChild, spawn } from './spawn.ts'

export type RunOptions = Pick<SpawnOptions, 'cwd' | 'env' | 'stdio'> & {
  /** What the command reads from standard input; without it that is empty. */
  input?: string | Uint8Array | undefined
  /** Ends the box, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Milliseconds after which the box is killed. */
  timeout?: number | undefined
  /** Bytes of standard output, and of standard error, after which the box is killed. Without it there is no limit. */
  maxBuffer?: number | undefined
}

export type RunResult = {
  /** Exit status; 128 + N where signal N killed the command. */
  exitCode: number
  /** The signal that killed the command. */
  signal: NodeJS.Signals | undefined
  stdout: string
  stderr: string
  /** `timeout` ran out, that of the call or the box's own. */
  timedOut: boolean
  /** What the box used; undefined where it was killed before it could tell. */
  usage: Usage | undefined
}

/** Rejects with SandboxError where nsbox itself failed. A command that fails is a result. */
export async function run(planner: Planner, argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { input, signal, timeout, maxBuffer = Infinity, stdio, cwd, env } = options
  const [command = '', ...args] = argv
  signal?.throwIfAborted()
  const child = spawn(planner, command, args, {
    stdio: stdio ?? [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'], ...(cwd !== undefined && { cwd }), ...(env !== undefined && { env }),
  })
  // KILL, since it can't be ignored: with the sidecar the kernel ends all that is in the box.
  const kill = () => void child.kill('SIGKILL')
  let timedOut = false
  const timer = timeout === undefined ? undefined : setTimeout(() => { timedOut = true; kill() }, timeout)
  signal?.addEventListener('abort', kill, { once: true })
  try {
    if (child.stdin !== null) {
      child.stdin.on('error', () => {}) // the command need not read all of it
      child.stdin.end(input)
    }
    const [stdout, stderr, exitCode] = await Promise.all([collect(child.stdout, maxBuffer, kill), collect(child.stderr, maxBuffer, kill), ending(child)])
    signal?.throwIfAborted()
    const report = reportOfChild(child)
    return { exitCode, signal: timedOut ? 'SIGKILL' : report.signal, stdout, stderr, timedOut: timedOut || report.timedOut === true, usage: report.usage }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', kill)
  }
}

async function collect(stream: Readable | null, max: number, kill: () => void): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream ?? []) {
    size += (chunk as Buffer).length
    if (size > max) {
      kill()
      throw new RangeError(`maxBuffer: more than ${max} bytes of output`)
    }
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString()
}

function ending(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve(status ?? 137))
  })
}
