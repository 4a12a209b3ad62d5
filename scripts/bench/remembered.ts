/** The start of a command line that is remembered, beside its first start, as root and as an ordinary user. */
import { spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { COMMAND, NSBOX, ROOT_OPTIONS } from './boxes.ts'
import { asUser, pace, ROUND, type Bench } from './pace.ts'
import { part, ratioTo, type Context, type Found, type Named } from './part.ts'
import type { Absent, Usable } from './peers.ts'
import { installed } from './programs.ts'
import { atMost } from './result.ts'

/** The number of the ordinary user: nobody's. */
const USER = 65534

export function remembered({ bench, find }: Context): Found {
  const users = process.getuid?.() === 0 ? [undefined, USER] : [undefined]
  const found = users.map((user) => startsOf(bench, find('bubblewrap'), user))
  return {
    parts: found.flatMap(({ parts = [] }) => parts),
    targets: found.flatMap(({ targets = [] }) => targets),
    absent: found.flatMap(({ absent = [] }) => absent),
  }
}

function startsOf(bench: Bench, bwrap: Usable | undefined, user: number | undefined): Found {
  const isRoot = user === undefined && process.getuid?.() === 0
  const title = `command line, ${isRoot ? 'root' : 'ordinary user'}`
  const env = { NSBOX_CACHE: join(bench.dir, `remembered-${user ?? 'own'}`), NSBOX_REMEMBER: '1' }
  rmSync(env.NSBOX_CACHE, { recursive: true, force: true })
  mkdirSync(env.NSBOX_CACHE, { mode: 0o700 })
  if (user !== undefined) chownSync(env.NSBOX_CACHE, user, user)
  const program = installed(bench, NSBOX)
  const why = reasonNot(bench, program, user, env)
  if (why !== undefined) return { absent: [{ name: title, why }] }

  const line = (name: string, ...words: readonly string[]): string[] => [
    ...[program, ...words, '--hostname', name],
    ...ROOT_OPTIONS(bench),
    ...['--', COMMAND],
  ]
  const commands: Named[] = [
    {
      name: 'first start',
      argv: line(`bench-${ROUND}`),
      does: 'nsbox with its defaults; each time with another host name, so that the plan is made and stored',
    },
    { name: 'later start', argv: line('bench'), does: 'the same with one host name, by the remembered plan' },
    {
      name: 'later start, no filter',
      argv: line('bench', '--seccomp', 'none'),
      does: 'without a filter of system calls, which bubblewrap has not either',
    },
    {
      name: 'start with --no-remember',
      argv: line('bench', '--no-remember'),
      does: 'the plan is made, and not stored',
    },
    ...(bwrap === undefined ? [] : [{ ...bwrap, argv: withHostName(bwrap.argv) }]),
  ]
  const times = pace(bench, 100, commands, { env, ...(user !== undefined && { user }) })
  return {
    parts: [part(title, times, commands, 'first start')],
    targets: [
      atMost(`${title}: later start / bubblewrap`, 0.75, ratioTo(times, 'later start', 'bubblewrap')),
      atMost(
        `${title}: later start, no filter / bubblewrap`,
        0.75,
        ratioTo(times, 'later start, no filter', 'bubblewrap'),
      ),
      atMost(`${title}: later start / first start`, 0.35, ratioTo(times, 'later start', 'first start')),
      atMost(
        `${title}: first start / start with --no-remember`,
        1.05,
        ratioTo(times, 'first start', 'start with --no-remember'),
      ),
    ],
  }
}

const withHostName = (argv: readonly string[]): string[] => [...argv.slice(0, -1), '--hostname', 'bench', COMMAND]

/** Why no start is remembered here, by the words of nsbox itself, or undefined. */
function reasonNot(
  bench: Bench,
  program: string,
  user: number | undefined,
  env: Readonly<Record<string, string>>,
): Absent['why'] | undefined {
  const argv = [...(user === undefined ? [] : asUser(user, true)), program, '--verbose', ...ROOT_OPTIONS(bench)]
  const [first = '', ...words] = [...argv, '--', COMMAND]
  const starts = [1, 2].map(() => spawnSync(first, words, { encoding: 'utf8', env: { ...process.env, ...env } }))
  const failed = starts.find(({ status }) => status !== 0)
  if (failed !== undefined) return failed.error?.message ?? failed.stderr.trim().split('\n').at(-1) ?? ''
  return starts[1]?.stderr.includes('remembered') ? undefined : 'the second start was not remembered'
}
