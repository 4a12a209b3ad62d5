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

/** A word with this has the number of the round in its place. */
export const ROUND = '{round}'

type PaceOptions = {
  count?: number
  together?: number
  equal?: boolean
  env?: Readonly<Record<string, string>>
  user?: number
}

/**
 * Each command `count` times a round, `together` of them at the same time; `equal`: without priority over others.
 * `env` is added to the environment. `user`: the number of the user, for root alone, who keeps root's priority.
 * Throws with the message of a command that fails.
 */
export function pace(
  bench: Bench,
  full: number,
  commands: readonly Command[],
  { count = 1, together = 1, equal = false, env = {}, user }: PaceOptions = {},
): Times {
  const file = join(bench.dir, 'pace.commands')
  writeFileSync(file, commands.map(({ argv }) => `${argv.map((word) => `${word}\0`).join('')}\0`).join(''))
  const [program = '', ...args] = [
    ...(user === undefined ? [] : asUser(user, equal)),
    bench.program('pace'),
    ...(equal || user !== undefined ? ['--equal'] : []),
    ...[String(rounds(bench, full)), String(count), String(together), file],
  ]
  const { status, error, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    // A command line that comes again isn't measured by its remembered plan, unless ENV says so.
    env: { ...process.env, NSBOX_REMEMBER: '0', ...env },
  })
  if (status !== 0) throw new Error(error?.message ?? stderr.trim())
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' ').map((text) => Number(text) / 1000))
  return new Map(commands.map(({ name }, i) => [name, lines.map((line) => line[i] ?? NaN)]))
}

/** Words that run a command as another user. A user can't ask for pace.c's priority, but inherits it. */
export const asUser = (user: number, equal = false): string[] => [
  ...(equal ? [] : ['chrt', '--fifo', '1']),
  ...['setpriv', '--reuid', String(user), '--regid', String(user), '--clear-groups', '--'],
]

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
