/** The result of a run of the benchmark, and the shape of dist/bench/bench.json. */
import type { Spread } from './pace.ts'
import type { Absent } from './peers.ts'

export type Row = {
  name: string
  release?: string
  /** How its box differs from the measured box. */
  does?: string
  spread: Spread
  /** Ratio to the part's reference, round by round. */
  ratio?: Spread
}

export type Part = { title: string; unit: 'us' | 'kB' | '1/s'; rounds: number; reference?: string; rows: Row[] }

/** A demand on a ratio or size; `value` is null if one side of the comparison is missing. */
export type Target = {
  text: string
  value: number | null
  bound: number
  atLeast: boolean
  met: boolean | null
  unit?: 'kB'
}

export type Points = { name: string; times: [count: number, microseconds: number][] }

export type Result = {
  date: string
  machine: { kernel: string; processor: string; cores: number; memory: number; user: 'root' | 'ordinary' }
  quick: boolean
  parts: Part[]
  byMounts: Points[]
  targets: Target[]
  absent: Absent[]
}

export const atMost = (text: string, bound: number, value: number | null, unit?: 'kB'): Target => ({
  text,
  value,
  bound,
  atLeast: false,
  met: value === null ? null : value <= bound,
  ...(unit && { unit }),
})

export const atLeast = (text: string, bound: number, value: number | null): Target => ({
  text,
  value,
  bound,
  atLeast: true,
  met: value === null ? null : value >= bound,
})
