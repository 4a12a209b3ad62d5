/**
 * A program that starts boxes by the library, for Bun and for Node.js: run by scripts/bench/programs.ts with the one
 * argument below, it prints the microseconds of each start, from the call to the end of the command.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { box } from '../../src/index.ts'

export type BoxRequest = {
  rounds: number
  /** The root of the boxes, and the command in it. */
  root: string
  command: string
  /** The same program on the host. */
  bare: string
  /** The same box as a program. */
  baked: string
  bwrap: readonly string[] | null
  /** sandbox-runtime's module; slow, so every tenth round. */
  runtime: { module: string; config: unknown } | null
}

type Runtime = {
  SandboxManager: {
    initialize(config: unknown): Promise<void>
    wrapWithSandbox(command: string): Promise<string>
    reset(): Promise<void>
  }
}

const request = JSON.parse(process.argv[2] ?? '') as BoxRequest
const boxed = box({ root: request.root, tmpfs: '/tmp' })
const quiet = { stdio: 'ignore' } as const
const runtime = request.runtime === null ? null : ((await import(request.runtime.module)) as Runtime).SandboxManager
await runtime?.initialize(request.runtime?.config)

const ways: Record<string, () => ChildProcess | Promise<ChildProcess>> = {
  bare: () => spawn(request.bare, [], quiet),
  baked: () => spawn(request.baked, [], quiet),
  box: () => boxed.spawn(request.command, [], quiet),
}
const { bwrap } = request
if (bwrap !== null) ways.bubblewrap = () => spawn(bwrap[0] ?? '', bwrap.slice(1), quiet)
if (runtime !== null)
  ways['sandbox-runtime'] = async () => spawn(await runtime.wrapWithSandbox(request.bare), { ...quiet, shell: true })

async function time(start: () => ChildProcess | Promise<ChildProcess>): Promise<number> {
  const begun = performance.now()
  const child = await start()
  const status = await new Promise((done, fail) => child.once('exit', done).once('error', fail))
  if (status !== 0) throw new Error(`ended with ${status}`)
  return (performance.now() - begun) * 1000
}

const times: Record<string, number[]> = {}
for (let round = 0; round <= request.rounds; round++) {
  for (const [name, start] of Object.entries(ways)) {
    if (name === 'sandbox-runtime' && round % 10 !== 1) continue
    const taken = await time(start)
    if (round > 0) (times[name] ??= []).push(taken) // the first is for the caches
  }
}
console.log(JSON.stringify(times))
await runtime?.reset()
process.exit(0)
