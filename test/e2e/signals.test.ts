/** Signals reach the command once. The box ends with nsbox, and nsbox with the box. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { asRoot, BIN, execute, NSBOX } from '../helpers/nsbox.ts'

type Started = { box: ChildProcess; text: () => string; until: (what: RegExp) => Promise<void> }

function start(args: readonly string[], detached = false, stdin: 'ignore' | 'pipe' = 'ignore'): Started {
  const box = spawn(NSBOX, args, { stdio: [stdin, 'pipe', 'pipe'], detached })
  let out = ''
  for (const stream of [box.stdout, box.stderr])
    stream?.on('data', (data: Buffer) => {
      out += data
    })
  const until = async (what: RegExp) => {
    for (let tries = 0; tries < 1000 && !what.test(out); tries++) await Bun.sleep(10)
    assert.match(out, what)
  }
  return { box, text: () => out, until }
}

async function ended({ box }: Started): Promise<number | null> {
  if (box.exitCode !== null || box.signalCode !== null) return box.exitCode
  const [status] = (await once(box, 'exit')) as [number | null]
  return status
}

/** The command that prints each signal as it comes, and ends with status 42 at QUIT. */
const TELLING = [join(BIN, 'hear'), 'QUIT']

for (const flags of [[], ['--new-session'], ['--no-init'], ['--share', 'pid']]) {
  const how = flags.join(' ') || 'by default'
  test(`each signal to nsbox reaches the command once (${how})`, async () => {
    const started = start([...flags, ...TELLING])
    await started.until(/ready/)
    for (const name of ['TERM', 'INT', 'HUP', 'USR1', 'USR2', 'TSTP', 'CONT', 'RTMIN+3']) {
      execute('bash', ['-c', `kill -${name} ${started.box.pid}`])
      await started.until(new RegExp(`got-${name.replace('+', '\\+')}`))
    }
    execute('bash', ['-c', `kill -QUIT ${started.box.pid}`])
    await started.until(/got-QUIT/)
    assert.is(await ended(started), 42)
    assert.equal(started.text().trim().split('\n'), [
      'ready',
      'got-TERM',
      'got-INT',
      'got-HUP',
      'got-USR1',
      'got-USR2',
      'got-TSTP',
      'got-CONT',
      'got-RTMIN+3',
      'got-QUIT',
    ])
  })
}

const runs = (seconds: string) => ['sh', '-c', `echo ready; exec sleep ${seconds}`]

test('a command that is process 1 ends by a signal as any other command does, with its status', async () => {
  for (const [name, number] of [
    ['TERM', 15],
    ['INT', 2],
    ['QUIT', 3],
    ['HUP', 1],
    ['USR1', 10],
    ['RTMIN+3', 37],
  ] as const) {
    for (const flags of [[], ['--new-session'], ...(asRoot ? [['--user', '5001']] : [])]) {
      const started = start(['--no-init', ...flags, ...runs('1000')])
      await started.until(/ready/)
      execute('bash', ['-c', `kill -${name} ${started.box.pid}`])
      assert.is(await ended(started), 128 + number, `${name} ${flags}`)
    }
  }
})

test('a signal to process 1 that ignores it, or is about something else, does nothing', async () => {
  const started = start(['--no-init', 'sh', '-c', 'trap "" TERM; echo ready; read x; exit 5'], false, 'pipe')
  await started.until(/ready/)
  for (const name of ['TERM', 'CHLD', 'URG', 'WINCH', 'CONT'])
    execute('bash', ['-c', `kill -${name} ${started.box.pid}`])
  started.box.stdin?.end('\n')
  assert.is(await ended(started), 5)
})

test('a signal that process 1 blocks waits until it does not', async () => {
  const python = execute('sh', ['-c', 'command -v python3']).stdout.trim()
  if (python === '') return
  const blocked = (then: string) =>
    start(
      [
        '--no-init',
        python,
        '-c',
        `import signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM]); print('ready', flush=True); ${then}`,
      ],
      false,
      'pipe',
    )
  const taken = blocked('signal.sigwait([signal.SIGTERM]); time.sleep(0.3); sys.exit(6)')
  await taken.until(/ready/)
  taken.box.kill('SIGTERM')
  assert.is(await ended(taken), 6)
  const dropped = blocked(
    'sys.stdin.readline(); signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM]); time.sleep(1000)',
  )
  await dropped.until(/ready/)
  dropped.box.kill('SIGTERM')
  await Bun.sleep(50)
  dropped.box.stdin?.end('\n')
  assert.is(await ended(dropped), 143)
})

test('process 1 stops and continues, with what is in its process group', async () => {
  for (const flags of [['--no-init'], ['--no-init', '--new-session'], ['--new-session']]) {
    const started = start([...flags, ...runs('1000')], true)
    await started.until(/ready/)
    const states = () =>
      family(started.box.pid as number)
        .map(({ pid }) => look(pid))
        .filter((one) => one?.name === 'sleep')
        .map((one) => one?.state)
        .join()
    for (let tries = 0; tries < 500 && states() === ''; tries++) await Bun.sleep(10)
    for (const [name, state] of [
      ['TSTP', 'T'],
      ['CONT', 'S'],
      ['TTIN', 'T'],
      ['CONT', 'S'],
    ] as const) {
      execute('bash', ['-c', `kill -${name} ${started.box.pid}`])
      for (let tries = 0; tries < 500 && states() !== state; tries++) await Bun.sleep(10)
      assert.is(states(), state, `${name} ${flags}`)
    }
    started.box.kill('SIGKILL')
    await ended(started)
  }
})

test('a command ignores the end of its children where its caller does', () => {
  const ignored = (...flags: string[]) =>
    parseInt(
      /SigIgn:\s*([0-9a-f]+)/.exec(
        execute('bash', ['-c', `trap '' CHLD; "$@"`, 'bash', NSBOX, ...flags, 'grep', 'SigIgn', '/proc/self/status'])
          .stdout,
      )?.[1] ?? '0',
      16,
    )
  for (const flags of [[], ['--no-init'], ['--new-session']]) assert.is((ignored(...flags) >> 16) & 1, 1, flags.join())
  assert.is(
    (parseInt(
      /SigIgn:\s*([0-9a-f]+)/.exec(execute(NSBOX, ['grep', 'SigIgn', '/proc/self/status']).stdout)?.[1] ?? 'ff',
      16,
    ) >>
      16) &
      1,
    0,
  )
})

test('a signal to the whole process group reaches the command once', async () => {
  for (let round = 0; round < 5; round++) {
    const started = start(TELLING, true)
    await started.until(/ready/)
    execute('bash', ['-c', `kill -USR1 -- -${started.box.pid}`])
    await started.until(/got-USR1/)
    execute('bash', ['-c', `kill -QUIT ${started.box.pid}`])
    await started.until(/got-QUIT/)
    assert.is(await ended(started), 42)
    assert.is(started.text().match(/got-USR1/g)?.length, 1)
  }
})

test('a signal by name, as killall and pkill send it, reaches the command once', async () => {
  // Signals only processes of this box with that name, and no others on this machine.
  const started = start(TELLING, true)
  await started.until(/ready/)
  const named = () => family(started.box.pid as number).filter(({ name }) => name === 'nsbox')
  for (let tries = 0; tries < 500 && named().length > 1; tries++) await Bun.sleep(10)
  for (const { pid } of named()) process.kill(pid, 'SIGUSR1')
  await started.until(/got-USR1/)
  execute('bash', ['-c', `kill -QUIT ${started.box.pid}`])
  assert.is(await ended(started), 42)
  assert.is(started.text().match(/got-USR1/g)?.length, 1)
})

type Known = { pid: number; since: string; name: string }

/** A process that has not ended; `since` distinguishes it from a later one with the same number. proc_pid_stat(5) */
function look(pid: number): (Known & { parent: number; state: string }) | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state = '', parent, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (state === 'Z' || state === 'X') return undefined
    return {
      pid,
      parent: Number(parent),
      state,
      since: rest[17] ?? '',
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
    }
  } catch {
    return undefined
  }
}

/** A process and all its descendants: the supervisor, process 1, the command and its children. */
function family(top: number): Known[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => look(Number(name)))
    .filter((found) => found !== undefined)
  const of = (pid: number): Known[] =>
    all.filter(({ parent }) => parent === pid).flatMap((child) => [child, ...of(child.pid)])
  return [...all.filter(({ pid }) => pid === top), ...of(top)]
}

const still = (known: readonly Known[]) => known.filter(({ pid, since }) => look(pid)?.since === since)

async function gone(known: readonly Known[]): Promise<void> {
  for (let tries = 0; tries < 500 && still(known).length > 0; tries++) await Bun.sleep(10)
  assert.equal(still(known), [])
}

for (const flags of [
  [],
  ['--new-session'],
  ['--no-init'],
  ['--share', 'pid'],
  ...(asRoot ? [['--no-init', '--user', '5001']] : []),
]) {
  test(`when nsbox is killed, nothing of the box is left (${flags.join(' ') || 'by default'})`, async () => {
    // With the host's pid namespace only the command itself ends with nsbox.
    const inner = flags.includes('pid')
      ? 'echo ready; exec sleep 1000'
      : 'sleep 1000 & setsid sleep 1000 & echo ready; wait'
    const started = start([...flags, 'sh', '-c', inner])
    await started.until(/ready/)
    const known = family(started.box.pid as number)
    assert.ok(known.length >= (flags.includes('pid') ? 2 : 4), JSON.stringify(known))
    started.box.kill('SIGKILL')
    await ended(started)
    await gone(known)
  })
}

/**
 * Starts a box and kills it a little later each time: from the first millisecond on, until the command has started a
 * few times.
 */
async function killAtAnyMoment(startOne: () => ChildProcess): Promise<Known[]> {
  const known: Known[] = []
  for (let round = 0, reached = 0; reached < 5; round++) {
    assert.ok(round < 500, 'the command was never reached')
    const started = startOne()
    const over = once(started, 'exit')
    await Bun.sleep(round)
    const now = family(started.pid as number)
    if (now.some(({ name }) => name === 'sleep')) reached++
    known.push(...now)
    started.kill('SIGKILL')
    await over
  }
  return known
}

test('nsbox killed at any moment of its start leaves nothing', async () => {
  await gone(await killAtAnyMoment(() => start(['sleep', '1000']).box))
})

test('processes in the background end with the command', async () => {
  const started = start(['sh', '-c', '(sleep 1000 &) ; setsid sleep 1000 & echo ready; read x; exit 5'], false, 'pipe')
  await started.until(/ready/)
  // Wait until both have executed their programs.
  let known = family(started.box.pid as number)
  for (
    let tries = 0;
    tries < 500 && known.filter(({ name }) => name === 'sleep').length < 2;
    tries++, known = family(started.box.pid as number)
  )
    await Bun.sleep(10)
  started.box.stdin?.end('\n')
  assert.is(await ended(started), 5)
  assert.ok(known.filter(({ name }) => name === 'sleep').length === 2, JSON.stringify(known))
  await gone(known)
})

test('orphans are reaped', () => {
  // The shell reads from a pipe that they hold open, so each has ended before it looks. Then init has a moment to reap
  // them.
  const script =
    'for i in 1 2 3 4 5; do ( (exec true) & ) ; done | cat; for t in $(seq 500); do grep -l "State:.Z" /proc/[0-9]*/status || break; sleep 0.01; done >/dev/null; set -- /proc/[0-9]*; echo $#'
  // Process 1 and the shell.
  assert.is(execute(NSBOX, ['bash', '-c', script]).stdout, '2\n')
})

/** nsbox as a child of a shell that can be killed; its number is printed first. */
async function below(flags: readonly string[]): Promise<{ parent: ChildProcess; known: Known[] }> {
  const parent = spawn(
    'bash',
    ['-c', '"$@" sh -c "echo ready; exec sleep 1000" & echo $!; wait', 'bash', NSBOX, ...flags],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let out = ''
  parent.stdout?.on('data', (data: Buffer) => {
    out += data
  })
  for (let tries = 0; tries < 500 && !(out.includes('ready') && /^\d+$/m.test(out)); tries++) await Bun.sleep(10)
  const known = family(Number(/^\d+$/m.exec(out)?.[0]))
  assert.ok(known.length >= 3, `${out} ${JSON.stringify(known)}`)
  return { parent, known }
}

test('with --die-with-parent the box ends when its parent does', async () => {
  const { parent, known } = await below(['--die-with-parent'])
  parent.kill('SIGKILL')
  await gone(known)
})

test('a parent that is killed at any moment of the start takes the box along', async () => {
  await gone(
    await killAtAnyMoment(() =>
      spawn('bash', ['-c', '"$0" --die-with-parent sleep 1000 & wait', NSBOX], { stdio: 'ignore' }),
    ),
  )
})

test('without it the box outlives its parent', async () => {
  const { parent, known } = await below([])
  const other = await below(['--die-with-parent'])
  parent.kill('SIGKILL')
  other.parent.kill('SIGKILL')
  // A box that would end with its parent has ended by now, so this one would have ended too.
  await gone(other.known)
  assert.equal(still(known), known)
  process.kill((known[0] as Known).pid, 'SIGKILL')
  await gone(known)
})

test('pipes between boxes lose nothing', () => {
  assert.is(execute('bash', ['-c', '"$0" seq 1 20000 | "$0" cat | "$0" wc -l', NSBOX]).stdout.trim(), '20000')
})

test.run()
