/** System calls by their numbers: a large table, which few need. */
import { MACHINES } from './judge.ts'
import { SYSCALLS } from './syscalls.ts'

/** The name of a call; undefined for one that these machines don't have. */
export function callName(machine: number, number: number): string | undefined {
  for (const abi of ['x64', 'arm64', 'i386', 'arm'] as const)
    if (MACHINES[abi] === machine)
      for (const [name, value] of Object.entries(SYSCALLS[abi])) if (value === number) return name
  return undefined
}
