/** Times whole processes in turn by pace.c, and evaluates their times. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type Command = { name: string; argv: readonly string[] }

/** Times of a command, a round each, in microseconds. */
export type Times = Map<string, number[]>

export type Spread = { median: number; low: number; high: number }

export type Bench = {
  /** Directory for boxes and their files. */
  dir: string
  /** Only a few rounds, to show that all of it works. */
  quick: boolean
  /** Directory of the programs of scripts/bench/*.c. */
  program: (name: string) => string
}

/** The number of rounds: `full`, or a few. */
export const rounds = ({ quick }: Bench, full: number): number => (quick ? 2 : full)

type PaceOptions = { count?: number; together?: number; equal?: boolean; env?: Readonly<Record<string, string>> }

/**
 * Each command `count` times a round, `together` of them at the same time; `equal`: without priority over others.
 * `env` is added to the environment.
 * Throws with the message of a command that fails.
 */
export function pace(
  bench: Bench,
  full: number,
  commands: readonly Command[],
  { count = 1, together = 1, equal = false, env = {} }: PaceOptions = {},
): Times {
  const file = join(bench.dir, 'pace.commands')
  writeFileSync(file, commands.map(({ argv }) => `${argv.map((word) => `${word}\0`).join('')}\0`).join(''))
  const args = [...(equal ? ['--equal'] : []), String(rounds(bench, full)), String(count), String(together), file]
  const { status, stdout, stderr } = spawnSync(bench.program('pace'), args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, ...env },
  })
  if (status !== 0) throw new Error(stderr.trim())
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map((text) => Number(text) / 1000))
  return new Map(commands.map(({ name }, i) => [name, lines.map((line) => line[i] ?? NaN)]))
}

/** Median and quartiles. */
export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b)
  const at = (part: number) => {
    const place = part * (sorted.length - 1)
    const below = sorted[Math.floor(place)] ?? NaN
    return below + ((sorted[Math.ceil(place)] ?? NaN) - below) * (place % 1)
  }
  return { median: at(0.5), low: at(0.25), high: at(0.75) }
}

/** A / B, round by round, since a slow moment of the machine slows both. */
export function ratio(times: Times, a: string, b: string): Spread {
  const [over, under] = [times.get(a) ?? [], times.get(b) ?? []]
  return spread(over.map((value, i) => value / (under[i] ?? NaN)))
}

/** The median of a command's times. */
export const median = (times: Times, name: string): number => spread(times.get(name) ?? []).median
