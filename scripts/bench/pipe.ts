/**
 * A program that reads a command's output, in turn from a box and from the host. scripts/bench/programs.ts runs it
 * with the one argument below, and it prints the microseconds of each.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { box } from '../../src/index.ts'

export type PipeRequest = { rounds: number; bytes: number; root: string; command: string; bare: string }

const { rounds, bytes, root, command, bare } = JSON.parse(process.argv[2] ?? '') as PipeRequest
const boxed = box({ root, tmpfs: '/tmp' })
const stdio: ('ignore' | 'pipe')[] = ['ignore', 'pipe', 'ignore']

const ways: Record<string, () => ChildProcess> = {
  unboxed: () => spawn(bare, [String(bytes)], { stdio }),
  boxed: () => boxed.spawn(command, [String(bytes)], { stdio }),
}

async function time(start: () => ChildProcess): Promise<number> {
  const begun = performance.now()
  let got = 0
  for await (const chunk of start().stdout ?? []) got += (chunk as Buffer).length
  if (got !== bytes) throw new Error(`${got} bytes instead of ${bytes}`)
  return (performance.now() - begun) * 1000
}

const times: Record<string, number[]> = {}
for (let round = 0; round < rounds; round++)
  for (const [name, start] of Object.entries(ways)) (times[name] ??= []).push(await time(start))
console.log(JSON.stringify(times))
