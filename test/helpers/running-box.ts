/** Boxes that run beside a test, and commands that enter them. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import * as assert from 'uvu/assert'
import { nsbox, NSBOX, OUTSIDE_OF_TMP } from './nsbox.ts'

/** Waits for up to ten seconds. */
export async function waitFor(what: () => boolean, why: string): Promise<void> {
  for (let tries = 0; tries < 1000 && !what(); tries++) await Bun.sleep(10)
  assert.ok(what(), why)
}

/** Runs the body beside a box whose command prints that it is ready, and stays until the body has ended. */
export async function inBox(
  args: readonly string[],
  body: (pid: number, box: ChildProcess) => void | Promise<void>,
  program = NSBOX,
  script = 'echo ready; read x',
): Promise<void> {
  const box = spawn(program, [...args, ...(program === NSBOX ? ['sh', '-c', script] : [])], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...OUTSIDE_OF_TMP,
  })
  let said = ''
  box.stdout?.on('data', (data: Buffer) => {
    said += data
  })
  try {
    await waitFor(() => said.includes('ready'), 'the box did not start')
    await body(box.pid ?? 0, box)
  } finally {
    await end(box)
  }
}

/** Kills a process of the test, unless it has ended. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Runs `nsbox enter PID ARGS`. */
export const enter = (pid: number, ...args: string[]) => nsbox(['enter', String(pid), ...args])
