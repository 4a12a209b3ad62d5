/**
 * Runs every test file as a process of its own, in a mount namespace of its own: as root, and again as an ordinary
 * user.
 *
 * Started as root, it makes that user on the spot: it binds private copies of passwd, group, subuid and subgid over
 * the machine's files in the mount namespace of the test, so nothing of it stays. Started as another user, it counts
 * the half that needs root as skipped.
 *
 * A file with `// runs once` in its first lines doesn't depend on the user, and runs only as the user who started us.
 * `// seconds: N` is its time limit; those with the largest start first, so that no long one is left for the end.
 */
import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
  chownSync,
} from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { traces } from './traces.ts'

const TOP = resolve(import.meta.dir, '..')
const ORDINARY = { name: 'nsboxtest', id: 5001, subordinate: 200000 }
const BUN = process.execPath
/** The directory, below the checkout, of the nsbox and the sidecar that are tested. */
const BUILD = process.env.NSBOX_TEST_BUILD ?? 'dist'
/** Whether each box starts by a remembered plan: test/c/warm.c. */
const WARM = BUILD.includes('warm')
const DEADLINE = Date.now() + 1000 * Number(process.env.NSBOX_TEST_SECONDS ?? 1500)

type User = 'root' | 'user'
type Job = { file: string; user: User; seconds: number }
type Outcome = { passed: number; failed: number; skipped: number; output: string; seconds: number; status: string }

const isRoot = process.getuid?.() === 0
const scratch = mkdtempSync(join(tmpdir(), 'nsbox-test-'))
chmodSync(scratch, 0o711)

/** Fails for a word that no file has: a renamed folder would otherwise drop its tests from a list in silence. */
function jobs(words: readonly string[]): Job[] {
  const files = (readdirSync(join(TOP, 'test'), { recursive: true }) as string[])
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
  const unmatched = words.filter((word) => !files.some((name) => name.includes(word)))
  if (unmatched.length > 0) {
    console.error(`test: no file below test/ has ${unmatched.join(', ')} in its path`)
    rmSync(scratch, { recursive: true })
    process.exit(2)
  }
  return files
    .filter((name) => words.length === 0 || words.some((word) => name.includes(word)))
    .flatMap((name) => {
      const { once, ...how } = settings(join(TOP, 'test', name))
      const users = once ? [isRoot ? ('root' as const) : ('user' as const)] : ['root' as const, 'user' as const]
      return users.map((user) => ({ file: join(TOP, 'test', name), user, ...how }))
    })
    .sort((a, b) => b.seconds - a.seconds)
}

function settings(file: string): Pick<Job, 'seconds'> & { once: boolean } {
  const head = readFileSync(file, 'utf8').split('\n').slice(0, 10).join('\n')
  return {
    once: head.includes('// runs once'),
    seconds: Number(/\/\/ seconds: (\d+)/.exec(head)?.[1] ?? 120),
  }
}

/** The files that define the ordinary user, and its home directory. */
function prepare(): void {
  for (const name of ['passwd', 'group', 'subuid', 'subgid']) {
    const path = `/etc/${name}`
    const before = existsSync(path) ? readFileSync(path, 'utf8') : ''
    const lines = before.split('\n').filter((line) => line !== '' && !line.startsWith(`${ORDINARY.name}:`))
    const { name: user, id, subordinate } = ORDINARY
    const added = {
      passwd: `${user}:x:${id}:${id}::/:/bin/bash`,
      group: `${user}:x:${id}:`,
      subuid: `${user}:${subordinate}:65536`,
      subgid: `${user}:${subordinate}:65536`,
    }[name]
    writeFileSync(join(scratch, name), `${[...lines, added].join('\n')}\n`)
  }
}

/**
 * Sets up the mount namespace, then becomes the user. Paths come as arguments, so that the shell doesn't interpret
 * them.
 */
const ENTER = `
set -eu
top=$1 scratch=$2 id=$3 home=$4; shift 4
for name in passwd group subuid subgid; do
  [ -e /etc/$name ] && mount --bind "$scratch/$name" /etc/$name
done
if ! setpriv --reuid "$id" --regid "$id" --clear-groups test -r "$top/package.json"; then
  mkdir -p "$scratch/checkout"
  mount --rbind "$top" "$scratch/checkout"
  first=$1 second=$2; shift 2
  case $first in "$top"/*) first=$scratch/checkout\${first#"$top"};; esac
  set -- "$first" "$scratch/checkout\${second#"$top"}" "$@"
  export NSBOX="$scratch/checkout\${NSBOX#"$top"}" NSBOX_SIDECAR="$scratch/checkout\${NSBOX_SIDECAR#"$top"}" NSBOX_TEST_BIN="$scratch/checkout/dist/test"
  cd "$scratch/checkout"
fi
exec setpriv --reuid "$id" --regid "$id" --clear-groups "$@"
`

/** Root's plans and images are kept in a fixed place, so what a test makes there goes to a layer over it. */
const OWN_CACHE = `
exec 9</var/cache
mount -t tmpfs -o mode=755 tmpfs /var/cache && mkdir /var/cache/up /var/cache/work &&
  mount -t overlay -o lowerdir=/proc/self/fd/9,upperdir=/var/cache/up,workdir=/var/cache/work overlay /var/cache || exit
exec 9<&-
exec "$@"
`

function commandOf({ file, user }: Job, home: string): string[] {
  if (!isRoot) return [BUN, file]
  const apart = ['unshare', '--mount', '--propagation', 'private', '--']
  if (user === 'root') return [...apart, 'sh', '-c', OWN_CACHE, 'sh', BUN, file]
  return [...apart, 'sh', '-c', ENTER, 'sh', TOP, scratch, String(ORDINARY.id), home, BUN, file]
}

let homes = 0

function homeOf(user: User): string {
  const home = join(scratch, `home-${++homes}`)
  mkdirSync(home, { mode: 0o755 })
  if (isRoot && user === 'user') chownSync(home, ORDINARY.id, ORDINARY.id)
  return home
}

async function run(job: Job): Promise<Outcome> {
  const start = Date.now()
  if (start > DEADLINE)
    return {
      passed: 0,
      failed: 1,
      skipped: 0,
      output: 'not started: the time for all tests is over\n',
      seconds: 0,
      status: '',
    }
  const home = homeOf(job.user)
  const built = (name: string) => join(TOP, BUILD, name)
  const [program = '', ...args] = commandOf(job, home)
  const child = spawn(program, args, {
    cwd: TOP,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      HOME: home,
      TMPDIR: home,
      FORCE_COLOR: '0',
      NO_COLOR: '1',
      NSBOX: built('nsbox'),
      NSBOX_SIDECAR: built('nsbox-sidecar'),
      NSBOX_TEST_BIN: join(TOP, 'dist/test'),
      // Tests of remembered plans turn them on, in a directory of their own.
      ...(!WARM && { NSBOX_REMEMBER: '0' }),
      NSBOX_TEST_RUN: String(process.pid),
    },
  })
  let output = ''
  child.stdout.on('data', (data: Buffer) => {
    output += data
  })
  child.stderr.on('data', (data: Buffer) => {
    output += data
  })
  let late = false
  const timer = setTimeout(() => {
    late = true
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, job.seconds * 1000)
  const status = await new Promise<string>((done) => child.on('close', (code, signal) => done(String(signal ?? code))))
  clearTimeout(timer)
  if (late) output += `\nkilled after ${job.seconds} s\n`
  return { ...counted(output, status), output, seconds: (Date.now() - start) / 1000, status }
}

/** uvu's totals of all suites in the file. A file without any, or one that fails in another way, is one failure. */
function counted(output: string, status: string): Pick<Outcome, 'passed' | 'failed' | 'skipped'> {
  const sum = (label: string) =>
    [...output.matchAll(new RegExp(`^\\s*${label}:\\s+(\\d+)`, 'gm'))].reduce((all, match) => all + Number(match[1]), 0)
  const [total, passed, skipped] = [sum('Total'), sum('Passed'), sum('Skipped')]
  // uvu counts a skipped test neither as passed nor in the total.
  const failed = total - passed
  if (total + skipped === 0 || (status !== '0' && failed === 0)) return { passed, failed: failed + 1, skipped }
  return { passed, failed, skipped }
}

const sum = { passed: 0, failed: 0, skipped: 0 }
const times: { name: string; seconds: number }[] = []

function tell(job: Job, outcome: Outcome): void {
  const name = relative(TOP, job.file)
  times.push({ name: `${name} (${job.user})`, seconds: outcome.seconds })
  const { passed, failed, skipped, seconds, output } = outcome
  sum.passed += passed
  sum.failed += failed
  sum.skipped += skipped
  const counts = `${passed} passed${failed ? `, ${failed} FAILED` : ''}${skipped ? `, ${skipped} skipped` : ''}`
  console.log(`${failed ? 'FAIL' : 'ok  '} ${name} (${job.user}): ${counts}, ${seconds.toFixed(1)} s`)
  if (failed || skipped) console.log(output.replace(/^/gm, '     '))
}

async function runAll(all: readonly Job[]): Promise<void> {
  const before = traces(process.pid)
  const waiting = [...all]
  const worker = async () => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) tell(job, await run(job))
  }
  // One more than there are processors, since tests wait for a third of their time.
  await Promise.all(Array.from({ length: cpus().length + 1 }, worker))
  const difference = () => {
    const after = traces(process.pid)
    const missing = [...before]
      .filter((trace) => trace.startsWith('file ') && !after.has(trace))
      .map((trace) => `${trace} is gone`)
    return [...[...after].filter((trace) => !before.has(trace)), ...missing]
  }
  // Killed processes need a moment to end.
  for (let tries = 0; tries < 50 && difference().length > 0; tries++) await Bun.sleep(100)
  const left = difference()
  if (left.length > 0) {
    sum.failed++
    console.log(`FAIL this machine is not as it was before:\n     ${left.join('\n     ')}`)
  }
}

const wanted = jobs(process.argv.slice(2))
const possible = wanted.filter(({ user }) => isRoot || user === 'user')
if (!isRoot) {
  sum.skipped += wanted.length - possible.length
  console.log(`not root: the ${wanted.length - possible.length} files that run as root are skipped`)
}
try {
  if (isRoot) prepare()
  await runAll(possible)
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
const slowest = times.sort((a, b) => b.seconds - a.seconds).slice(0, 5)
console.log(
  `${(performance.now() / 1000).toFixed(0)} s; longest: ${slowest.map(({ name, seconds }) => `${name} ${seconds.toFixed(0)} s`).join(', ')}`,
)
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exit(sum.failed > 0 || sum.passed === 0 ? 1 : 0)
