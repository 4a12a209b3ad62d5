/** What a part of the benchmark is, and how its table is made of times. */
import { ratio, spread, type Bench, type Command, type Times } from './pace.ts'
import type { Absent, Usable } from './peers.ts'
import type { Part, Result, Row, Target } from './result.ts'

export type Found = Partial<Pick<Result, 'byMounts'>> & { parts?: Part[]; targets?: Target[]; absent?: Absent[] }

export type Context = {
  bench: Bench
  peers: readonly Usable[]
  find: (name: string) => Usable | undefined
  /** Whether to compare with the program of that name. */
  isWanted: (name: string) => boolean
}

export type Named = Command & Pick<Row, 'release' | 'does'>

export function part(title: string, times: Times, commands: readonly Named[], reference: string): Part {
  const rows = commands.map(({ name, release, does }) => ({
    name,
    ...(release !== undefined && { release }),
    ...(does !== undefined && { does }),
    spread: spread(times.get(name) ?? []),
    ratio: ratio(times, name, reference),
  }))
  return { title, unit: 'us', rounds: times.get(reference)?.length ?? 0, reference, rows }
}

export const ratioTo = (times: Times, a: string, b: string): number | null =>
  times.has(a) && times.has(b) ? ratio(times, a, b).median : null
