/** A signal counts from the first moment on: while the box is made, and while its command executes a program. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { execute, NSBOX } from '../helpers/nsbox.ts'

const ROUNDS = 150
/** Longer than any command here takes to end by a signal. */
const PATIENCE_MS = 20_000

const dir = mkdtempSync(join(tmpdir(), 'nsbox-early-'))
test.after(() => rmSync(dir, { recursive: true }))

/** A baked box, which starts soonest. */
function baked(name: string, ...args: string[]): string {
  const file = join(dir, name)
  const made = execute(NSBOX, ['bake', '-o', file, ...args])
  assert.is(made.status, 0, made.stderr)
  return file
}

/** How it ended, or 'lost' if it goes on. */
async function ending(box: ChildProcess): Promise<number | string> {
  const over = new AbortController()
  const late = setTimeout(() => over.abort(), PATIENCE_MS)
  try {
    const [status, signal] = (await once(box, 'exit', { signal: over.signal })) as [number | null, string | null]
    return status ?? signal ?? 'lost'
  } catch {
    process.kill(-(box.pid as number), 'SIGKILL')
    await once(box, 'exit')
    return 'lost'
  } finally {
    clearTimeout(late)
  }
}

/** Waits for less than a timer can. */
function pass(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

const SIGNALS = { SIGTERM: 143, SIGINT: 130, SIGHUP: 129 } as const

for (const [how, ...flags] of [
  ['by default'],
  ['without an init', '--no-init'],
  ['in a session of its own', '--new-session'],
  ['in the pid namespace of the host', '--share', 'pid'],
] as [string, ...string[]][]) {
  for (const to of ['the process group', 'nsbox']) {
    test(`a signal to ${to} at any moment of the start ends the box (${how})`, async () => {
      // A shell handles INT until it executes a program.
      const file = baked(`${to}-${how}`.replaceAll(' ', '-'), ...flags, 'sh', '-c', 'exec sleep 1000')
      const seen = new Map<number | string, number>()
      for (let round = 0; round < ROUNDS; round++) {
        const [signal, status] = Object.entries(SIGNALS)[round % 3] as [NodeJS.Signals, number]
        const box = spawn(file, [], { stdio: 'ignore', detached: true })
        pass((6 * round) / ROUNDS)
        process.kill(to === 'nsbox' ? (box.pid as number) : -(box.pid as number), signal)
        const end = await ending(box)
        // Before it blocks signals, nsbox ends as any program does.
        assert.ok(end === status || end === signal, `round ${round}: ${signal}: ${end}`)
        seen.set(end, (seen.get(end) ?? 0) + 1)
      }
      // Otherwise all came before there was a box.
      assert.ok(
        [...seen].some(([end]) => typeof end === 'number'),
        JSON.stringify([...seen]),
      )
    })
  }
}

test('a handler of process 1 that executes a program is left alone', async () => {
  const file = baked(
    'handler',
    '--no-init',
    'sh',
    '-c',
    `trap 'exec sh -c "exit 7"' HUP; echo ready; while :; do :; done`,
  )
  for (let round = 0; round < 30; round++) {
    const box = spawn(file, [], { stdio: ['ignore', 'pipe', 'ignore'], detached: true })
    await once(box.stdout as NonNullable<typeof box.stdout>, 'data')
    process.kill(box.pid as number, 'SIGHUP')
    assert.is(await ending(box), 7)
  }
})

test.run()
