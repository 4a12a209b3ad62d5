/**
 * Runs in a Debian with the programs: builds a root for each case by `nsbox rootfs build`, runs the job there and
 * directly, both with an empty environment, and prints a line of JSON for each case. Words: the cases by number. With
 * SHOW=1 it also prints what jobs did that don't work, and the report.
 */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Case, Result, Way } from './case.ts'
import { CASES } from './cases.ts'

const NSBOX = '/checkout/dist/nsbox'
const WORK = '/work'
const ROOT = '/roots/root'
const PATH = '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin'
const BOX = ['--root', ROOT, '--proc', '--dev', '--tmpfs', '/tmp:mode=1777', '--bind', WORK]
/** A job that hangs is a job that fails. */
const SECONDS = 120
/** How often a server is asked that doesn't answer, ten times a second. */
const TRIES = 100
/** How long a traced server runs. */
const SERVER_SECONDS = 15
/** nsbox's status where time ran out. */
const TIMED_OUT = 124

/** All that a job shows; equal outcomes are equal work. */
type Outcome = { status: number; stdout: string; stderr: string; answer: string | undefined; files: string[] }
type Note = { what: string; hint?: string; paths: string[] }
type Child = Bun.Subprocess<'ignore', 'pipe', 'pipe'>
type Environment = Readonly<Record<string, string>>

async function execute(
  argv: readonly string[],
  env: Environment,
  during?: (child: Child) => Promise<void>,
): Promise<Pick<Outcome, 'status' | 'stdout' | 'stderr'>> {
  const child = Bun.spawn([...argv], { cwd: WORK, env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const timer = setTimeout(() => child.kill('SIGKILL'), SECONDS * 1000)
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  await during?.(child)
  const [stdout, stderr] = await output
  clearTimeout(timer)
  return { status: await child.exited, stdout, stderr }
}

/** Asks a server until it answers or ends, and ends it. */
async function ask(
  client: () => Promise<string>,
  server: Child,
  end = (): void => server.kill('SIGTERM'),
): Promise<string> {
  try {
    for (let tries = 0; ; tries++) {
      try {
        return await client()
      } catch (error) {
        if (tries === TRIES || server.exitCode !== null) return `no answer: ${String(error)}`
        await Bun.sleep(100)
      }
    }
  } finally {
    end()
  }
}

async function outcomeOf(one: Case, argv: readonly string[], env: Environment): Promise<Outcome> {
  const { client, makes = [], scratch = [], same = (text: string) => text } = one
  for (const name of [...makes, ...scratch]) rmSync(join(WORK, name), { recursive: true, force: true })
  let answer: string | undefined
  const ran = await execute(argv, env, client && (async (server) => void (answer = await ask(client, server))))
  const files = makes.map((name) => {
    const path = join(WORK, name)
    return `${name}: ${existsSync(path) ? Bun.hash(readFileSync(path)) : 'not made'}`
  })
  return { status: ran.status, stdout: same(ran.stdout), stderr: same(ran.stderr), answer, files }
}

function directly({ command, user }: Case): string[] {
  const become = user === undefined ? [] : ['/usr/bin/setpriv', '--reuid', user, '--regid', user, '--init-groups', '--']
  return [...become, ...command]
}

function inBox({ command, user, box = [], env = {} }: Case): string[] {
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`])
  return [NSBOX, ...BOX, ...box, ...variables, ...(user === undefined ? [] : ['--user', user]), '--', ...command]
}

/** Builds a root by these words, and finds out whether the job works in it. */
async function tryWay(one: Case, words: readonly string[], expected: Outcome): Promise<Way> {
  const built = await build(words, { PATH })
  if (built.status !== 0) throw new Error(`rootfs build ${words.join(' ')}: ${built.stderr}`)
  return wayOf(one, words, built, expected, one.says)
}

/** The same by a trace of the job. A server is asked meanwhile, and its time runs out. */
async function tryTrace(one: Case, expected: Outcome): Promise<Way> {
  const { client, makes = [], scratch = [] } = one
  for (const name of [...makes, ...scratch]) rmSync(join(WORK, name), { recursive: true, force: true })
  const words = [
    ...(client === undefined ? [] : ['--timeout', `${SERVER_SECONDS}s`]),
    '--trace',
    '--',
    ...directly(one),
  ]
  const asked = client && (async (tracer: Child) => void (await ask(client, tracer, () => {})))
  const built = await build(words, one.env ?? {}, asked)
  const due = client === undefined ? 0 : TIMED_OUT
  if (built.status !== due) return { silent: `the traced job ended with ${built.status}: ${built.stderr}` }
  return wayOf(one, words, built, expected, one.traceSays)
}

type Built = Awaited<ReturnType<typeof execute>>

function build(words: readonly string[], env: Environment, during?: (child: Child) => Promise<void>): Promise<Built> {
  rmSync(ROOT, { recursive: true, force: true })
  return execute([NSBOX, 'rootfs', 'build', '--json', ROOT, ...words], env, during)
}

async function wayOf(
  one: Case,
  words: readonly string[],
  { stdout }: Built,
  expected: Outcome,
  says: Case['says'],
): Promise<Way> {
  const { notes } = JSON.parse(stdout) as { notes: Note[] }
  for (let time = 0; time < (one.times ?? 1); time++) {
    const outcome = await outcomeOf(one, inBox(one), {})
    if (Bun.deepEquals(outcome, expected)) continue
    show(`${words.join(' ')}:`, outcome, expected, ...notes.map(({ what, paths }) => `${what}: ${paths.join(', ')}`))
    return explained(says, notes) ?? { silent: JSON.stringify(outcome) }
  }
  return 'works'
}

function explained([what, path]: NonNullable<Case['says']> = [''], notes: readonly Note[]): Way | undefined {
  const note = notes.find(
    (other) => what !== '' && other.what.startsWith(what) && (path === undefined || other.paths.includes(path)),
  )
  if (note === undefined) return undefined
  const named = path === undefined ? '' : `: ${path}`
  return { said: `${note.what}${named}${note.hint === undefined ? '' : ` (${note.hint})`}` }
}

async function resultOf(one: Case): Promise<Result> {
  const absent = readFileSync('/absent', 'utf8').split('\n')
  const lacking = absent.find((line) => one.packages.includes(line.split(':')[0] ?? ''))
  if (lacking !== undefined) return { skipped: lacking }
  for (const name of readdirSync(WORK)) rmSync(join(WORK, name), { recursive: true })
  const beside = one.beside === undefined ? undefined : await start(one.beside)
  try {
    if (one.setup !== undefined) {
      const { status, stderr } = await execute(['/bin/sh', '-euc', one.setup], { PATH })
      if (status !== 0) return { failed: `the input: ${stderr}` }
    }
    return await compare(one)
  } finally {
    beside?.kill()
    await beside?.exited
  }
}

/** Starts a program, and waits for its first output. */
async function start(argv: readonly string[]): Promise<Bun.Subprocess> {
  const child = Bun.spawn([...argv], { env: { PATH }, stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' })
  await child.stdout.getReader().read()
  return child
}

async function compare(one: Case): Promise<Result> {
  const [expected, again] = [
    await outcomeOf(one, directly(one), one.env ?? {}),
    await outcomeOf(one, directly(one), one.env ?? {}),
  ]
  if (expected.status !== 0 && one.client === undefined) return { failed: `directly: ${JSON.stringify(expected)}` }
  if (!Bun.deepEquals(expected, again))
    return { failed: `two direct runs differ: ${JSON.stringify([expected, again])}` }
  const reading = await tryWay(one, one.programs, expected)
  const more = one.more && (await tryWay(one, [...one.programs, ...one.more], expected))
  const trace = await tryTrace(one, expected)
  return { row: more === undefined ? { reading, trace } : { reading, more, trace } }
}

function show(...what: unknown[]): void {
  if (process.env.SHOW === '1') console.error(...what)
}

const tls = { cert: readFileSync('/tls/server.pem'), key: readFileSync('/tls/server.key') }
const servers = [
  Bun.serve({ port: 8443, tls, fetch: () => new Response('from a TLS server') }),
  Bun.serve({
    port: 8080,
    async fetch({ url }) {
      const file = Bun.file(WORK + new URL(url).pathname)
      return (await file.exists()) ? new Response(file) : new Response('', { status: 404 })
    },
  }),
]
for (const word of process.argv.slice(2)) {
  const one = CASES[Number(word)]
  if (one === undefined) throw new Error(`no case ${word}`)
  show(`== ${one.program}: ${one.job}`)
  const result = await resultOf(one).catch((error: unknown): Result => ({ failed: String(error) }))
  console.log(JSON.stringify(result))
}
for (const server of servers) await server.stop(true)
