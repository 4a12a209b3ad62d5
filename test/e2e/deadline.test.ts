/** A deadline holds whatever the box does: neither the box nor job control can stop the clock. */
// seconds: 150
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, NSBOX, nsbox, planOf, sidecar } from '../helpers/nsbox.ts'
import { Pty } from '../helpers/pty.ts'

/** Processes whose environment has this word, by number. */
const marked = (word: string) =>
  execute('sh', ['-c', 'grep -lz "MARK=$0" /proc/[0-9]*/environ 2>/dev/null', word]).stdout.trim()

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 2000 && !holds(); tries++) await Bun.sleep(10)
  assert.ok(holds(), what)
}

/** Name and state of a process that exists. proc_pid_stat(5) */
function look(pid: number): { pid: number; name: string; state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state = '', parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { pid, name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')), state, parent: Number(parent) }
  } catch {
    return undefined
  }
}

const childrenOf = (pid: number) =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => look(Number(name)))
    .filter((found) => found?.parent === pid)
const watchdogOf = (pid: number) => childrenOf(pid).find((child) => child?.name === 'nsbox-watchdog')?.pid

async function inShell(body: (pty: Pty) => Promise<void>): Promise<void> {
  const pty = new Pty(['bash', '--norc', '--noediting', '-i'])
  try {
    await pty.expect(/\$ $/)
    await body(pty)
  } finally {
    await pty.end()
  }
}

const WAYS = [[], ['--no-init'], ['--new-session'], ['--no-init', '--new-session']]
// They spend their time waiting for deadlines, so all of them run at once.
for (const [number, flags] of WAYS.entries()) {
  const name = flags.join(' ') || 'by default'
  atOnce(`a command that stops itself, and nsbox with it, does not outlast its deadline (${name})`, () =>
    stoppedByItself(flags, `itself-${process.pid}-${number}`),
  )
  atOnce(`a box whose nsbox is stopped by somebody ends at its deadline (${name})`, () =>
    stoppedBySomebody(flags, `deadline-${process.pid}-${number}`),
  )
}

/** A test whose body runs from now on, beside those of others. */
function atOnce(title: string, body: () => Promise<void>): void {
  const outcome = body().then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  test(title, async () => {
    const failed = await outcome
    if (failed !== undefined) throw failed.error
  })
}

function stoppedByItself(flags: readonly string[], word: string): Promise<void> {
  return inShell(async (pty) => {
    // The shell sees a stopped job, and background processes of the command go on. Process 1 can't stop itself, so the
    // terminal stops it.
    const itself = !flags.includes('--no-init')
    pty.enter(
      `${NSBOX} --timeout 6s ${flags.join(' ')} --env MARK=${word} sh -c 'setsid sleep 1000 & echo re""ady; ${itself ? 'kill -STOP $$; ' : ''}exec sleep 1000'`,
    )
    await pty.expect(/ready/)
    if (!itself) pty.type('\x1a')
    await pty.expect(/Stopped/)
    await until(() => marked(word) === '', 'the box goes on')
    // The job has ended, and bash says so before its next prompt.
    for (let tries = 0; tries < 200 && !/Exit 124/.test(pty.shown); tries++) {
      pty.enter('')
      await Bun.sleep(100)
    }
    assert.match(pty.shown, /Exit 124/)
  })
}

async function stoppedBySomebody(flags: readonly string[], word: string): Promise<void> {
  const started = spawn(
    NSBOX,
    ['--timeout', '1s', ...flags, '--env', `MARK=${word}`, 'sh', '-c', 'echo ready; exec sleep 1000'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const ended = once(started, 'exit')
  await once(started.stdout, 'data')
  started.kill('SIGSTOP')
  assert.equal(await ended, [124, null])
  assert.is(marked(word), '')
}

atOnce('signals that stop a process group, and a terminal that is not its own, stop no clock', () =>
  inShell(async (pty) => {
    const word = `background-${process.pid}`
    const box = (command: string) => `${NSBOX} --timeout 2s --env MARK=${word} ${command}`
    // It reads from the terminal in the background, which stops its process group (TTIN).
    pty.enter(`${box('cat')} &`)
    await until(() => marked(word) !== '', 'no box')
    pty.enter(
      `${box('sleep 1000')} & ${box('--no-init sleep 1000')} & ${box('--new-session sleep 1000')} & sleep 1; for sig in TTIN TTOU TSTP STOP; do kill -$sig -- -$!; kill -$sig %2 %3; done; echo stop""ped`,
    )
    await pty.expect(/stopped/)
    await until(() => marked(word) === '', 'a box goes on')
  }),
)

atOnce('with --die-with-parent a box ends with its parent although nsbox is stopped', async () => {
  const word = `orphan-${process.pid}`
  for (const flags of [[], ['--no-init']]) {
    const parent = spawn(
      'bash',
      [
        '-c',
        '"$@" & echo $!; wait',
        'bash',
        NSBOX,
        '--die-with-parent',
        ...flags,
        '--env',
        `MARK=${word}`,
        'sh',
        '-c',
        'sleep 1000 & sleep 1000',
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    const [text] = (await once(parent.stdout, 'data')) as [Buffer]
    await until(() => marked(word) !== '', 'no box')
    process.kill(Number(String(text)), 'SIGSTOP')
    parent.kill('SIGKILL')
    await until(() => marked(word) === '', 'the box goes on')
    await until(() => look(Number(String(text))) === undefined, 'nsbox stays')
  }
})

/** A box with a deadline, its command started, and its watchdog. */
async function watched(...args: string[]): Promise<{ box: ChildProcess; watchdog: number }> {
  const box = spawn(NSBOX, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(box.stdout as NonNullable<typeof box.stdout>, 'data')
  const watchdog = watchdogOf(box.pid as number)
  assert.ok(watchdog)
  return { box, watchdog: watchdog as number }
}

atOnce('a watchdog that somebody kills is replaced', async () => {
  const { box, watchdog } = await watched('--timeout', '2s', 'sh', '-c', 'echo ready; exec sleep 1000')
  const ended = once(box, 'exit')
  process.kill(watchdog, 'SIGKILL')
  assert.equal(await ended, [124, null])
})

test('the watchdog ends with the box and with nsbox', async () => {
  const ended = await watched('--timeout', '1000', 'sh', '-c', 'echo ready; sleep 0.2')
  await once(ended.box, 'exit')
  assert.is(look(ended.watchdog), undefined)
  const killed = await watched('--timeout', '1000', 'sh', '-c', 'echo ready; exec sleep 1000')
  killed.box.kill('SIGKILL')
  await until(() => look(killed.watchdog) === undefined, 'the watchdog stays')
})

test('the watchdog keeps no pipe open, and does not show in the box', async () => {
  const box = spawn(NSBOX, ['--timeout', '1000', 'sh', '-c', 'echo /proc/[0-9]*; exec >&- 2>&-; exec sleep 1000'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  box.stdout.on('data', (data: Buffer) => {
    out += data
  })
  await Promise.all([once(box.stdout, 'end'), once(box.stderr.resume(), 'end')])
  assert.is(out, '/proc/1 /proc/2\n')
  assert.is(box.exitCode, null)
  box.kill('SIGKILL')
  await once(box, 'exit')
})

test('a plain box has no watchdog', async () => {
  const box = spawn(NSBOX, ['sh', '-c', 'echo ready; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(box.stdout, 'data')
  assert.is(watchdogOf(box.pid as number), undefined)
  box.kill('SIGKILL')
  await once(box, 'exit')
})

test('without a grace the command gets KILL alone', () => {
  const plan = planOf(['--timeout', '100ms', 'sh', '-c', 'trap "echo term; exit" TERM; while :; do sleep 0.01; done'])
  plan.supervision = { ...(plan.supervision as object), grace: 0 }
  const { status, stdout } = sidecar(plan)
  assert.equal([status, stdout], [124, ''])
  assert.is(nsbox(['--timeout', '100ms', 'sleep', '1000']).status, 124)
})

test.run()
