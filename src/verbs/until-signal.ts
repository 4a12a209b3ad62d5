import { SandboxError } from '../errors.ts'
import type { Step } from '../plan/steps.ts'

const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const
type Signal = keyof typeof SIGNALS

/** At the first signal, half-done work is removed before the program ends by that signal; a second one ends it at once. */
export async function untilSignal<T>(step: Step, body: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  let ended: Signal | undefined
  const handlers = (Object.keys(SIGNALS) as Signal[]).map((name) => ({
    name,
    handler: () => {
      ended = name
      stop.abort(new Error(name))
    },
  }))
  for (const { name, handler } of handlers) process.once(name, handler)
  try {
    return await body(stop.signal)
  } catch (error) {
    if (ended === undefined) throw error
    throw new SandboxError({ step, what: `stopped by ${ended}`, status: 128 + SIGNALS[ended] })
  } finally {
    for (const { name, handler } of handlers) process.off(name, handler)
  }
}
