/** Signals reach the command once; whoever watches the box ends with it, and it with them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, NSBOX } from '../helpers/nsbox.ts'

type Started = { box: ChildProcess; text: () => string; until: (what: RegExp) => Promise<void> }

function start(args: readonly string[], detached = false): Started {
  const box = spawn(NSBOX, args, { stdio: ['ignore', 'pipe', 'pipe'], detached })
  let out = ''
  for (const stream of [box.stdout, box.stderr]) stream.on('data', (data: Buffer) => { out += data })
  const until = async (what: RegExp) => {
    for (let tries = 0; tries < 1000 && !what.test(out); tries++) await Bun.sleep(10)
    assert.match(out, what)
  }
  return { box, text: () => out, until }
}

async function ended({ box }: Started): Promise<number | null> {
  if (box.exitCode !== null) return box.exitCode
  const [status] = await once(box, 'exit') as [number | null]
  return status
}

/** The command that says each of these signals when it comes, and ends with 42 at QUIT. */
const TELLING = ['bash', '-c', 'for s in TERM INT HUP USR1 USR2 CONT WINCH RTMIN+3; do trap "echo got-$s" $s; done; trap "exit 42" QUIT; echo ready; while :; do read -t 0.02 x < <(sleep 1 & wait) ; done 2>/dev/null']
const WAITING = ['sh', '-c', 'echo ready; exec sleep 1000']

for (const flags of [[], ['--new-session'], ['--no-init'], ['--share', 'pid']]) {
  const how = flags.join(' ') || 'by default'
  test(`each signal to nsbox reaches the command once (${how})`, async () => {
    const started = start([...flags, ...TELLING])
    await started.until(/ready/)
    for (const name of ['TERM', 'INT', 'HUP', 'USR1', 'USR2', 'RTMIN+3']) {
      execute('bash', ['-c', `kill -${name} ${started.box.pid}`])
      await started.until(new RegExp(`got-${name.replace('+', '\\+')}`))
    }
    execute('bash', ['-c', `kill -QUIT ${started.box.pid}`])
    assert.is(await ended(started), 42)
    assert.equal(started.text().trim().split('\n'), ['ready', 'got-TERM', 'got-INT', 'got-HUP', 'got-USR1', 'got-USR2', 'got-RTMIN+3'])
  })
}

test('a signal to the whole process group reaches the command once', async () => {
  for (let round = 0; round < 5; round++) {
    const started = start(TELLING, true)
    await started.until(/ready/)
    execute('bash', ['-c', `kill -USR1 -- -${started.box.pid}`])
    await started.until(/got-USR1/)
    execute('bash', ['-c', `kill -QUIT ${started.box.pid}`])
    assert.is(await ended(started), 42)
    assert.is(started.text().match(/got-USR1/g)?.length, 1)
  }
})

/** Processes of the box, by the marker in their arguments. */
const alive = (marker: string) => execute('pgrep', ['-f', `sleep ${marker}`]).stdout.trim().split('\n').filter((line) => line !== '' && !isZombie(line))

function isZombie(pid: string): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}

async function gone(marker: string): Promise<void> {
  for (let tries = 0; tries < 500 && alive(marker).length > 0; tries++) await Bun.sleep(10)
  assert.equal(alive(marker), [])
}

let markers = 0
const newMarker = () => `7${process.pid}.${++markers}`

for (const flags of [[], ['--new-session'], ['--no-init'], ['--share', 'pid']]) {
  test(`when nsbox is killed, nothing of the box is left (${flags.join(' ') || 'by default'})`, async () => {
    const marker = newMarker()
    // With the host's pid namespace only the command itself is tied to nsbox.
    const inner = flags.includes('pid') ? `echo ready; exec sleep ${marker}` : `sleep ${marker} & setsid sleep ${marker} & echo ready; wait`
    const started = start([...flags, 'sh', '-c', inner])
    await started.until(/ready/)
    started.box.kill('SIGKILL')
    await ended(started)
    await gone(marker)
  })
}

test('nsbox killed at any moment of its start leaves nothing', async () => {
  const marker = newMarker()
  for (let round = 0; round < 40; round++) {
    const started = start(['sh', '-c', `exec sleep ${marker}`])
    await Bun.sleep(round / 4)
    started.box.kill('SIGKILL')
    await ended(started)
  }
  await gone(marker)
})

test('processes in the background end with the command, and orphans are reaped', async () => {
  const marker = newMarker()
  const started = start(['sh', '-c', `(sleep ${marker} &) ; for i in 1 2 3 4 5; do (true &) ; done; sleep 0.1; grep -l "State:.Z" /proc/[0-9]*/status; echo no zombies; exit 5`])
  assert.is(await ended(started), 5)
  assert.match(started.text(), /^no zombies\n$/)
  await gone(marker)
})

test('with --die-with-parent the box ends when its parent does', async () => {
  const marker = newMarker()
  const parent = spawn('bash', ['-c', `"$0" --die-with-parent sh -c 'echo ready; exec sleep ${marker}' & wait`, NSBOX], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(parent.stdout, 'data')
  parent.kill('SIGKILL')
  await gone(marker)
})

test('without it the box outlives its parent', async () => {
  const marker = newMarker()
  const parent = spawn('bash', ['-c', `"$0" sh -c 'echo ready; exec sleep ${marker}' & echo $!; wait`, NSBOX], { stdio: ['ignore', 'pipe', 'inherit'] })
  let out = ''
  parent.stdout.on('data', (data: Buffer) => { out += data })
  for (let tries = 0; tries < 500 && !out.includes('ready'); tries++) await Bun.sleep(10)
  parent.kill('SIGKILL')
  await once(parent, 'exit')
  await Bun.sleep(100)
  assert.is(alive(marker).length, 1)
  execute('kill', ['-KILL', /^\d+/m.exec(out)?.[0] ?? ''])
  await gone(marker)
})

test('a stopped command and a continued one go on', async () => {
  const started = start(WAITING)
  await started.until(/ready/)
  for (const name of ['STOP', 'CONT', 'TSTP', 'CONT', 'TERM']) execute('bash', ['-c', `kill -${name} ${started.box.pid}`])
  assert.is(await ended(started), 143)
})

test('pipes between boxes carry all of it', () => {
  assert.is(execute('bash', ['-c', '"$0" seq 1 20000 | "$0" cat | "$0" wc -l', NSBOX]).stdout.trim(), '20000')
})

test.run()
