/**
 * execve(2), in place of which native/entry.c stands. `make NATIVE=0` chooses execute-plain.ts: package.json, imports.
 */
import type { Fact } from '../host/facts.ts'

/**
 * PATH: a file to execute with ARGV; or "nsbox", for the sidecar with the plan that ARGV holds; or "nsbox+", for the
 * sidecar with the parts that plans call, and the plan. The command has our environment, and the descriptors KEPT.
 * Throws an error with `code`.
 */
export function execute(path: string, argv: string[], kept: readonly number[]): void {
  const open: Record<string, string> = {}
  for (const fd of kept) open[fd] = ''
  withoutTick(() => process.execve?.(path, argv, open))
}

/**
 * The runtime would warn at its next tick that execve is experimental. native/entry.c turns warnings off, but
 * not the tick, and loading what makes ticks takes a tenth of a start. So that tick is dropped. Others can only come
 * where no box was started, and then a microtask is as good.
 */
function withoutTick(body: () => void): void {
  let isOurs = true
  process.nextTick = (callback, ...args) => {
    if (!isOurs) queueMicrotask(() => Reflect.apply(callback, undefined, args))
  }
  try {
    body()
  } finally {
    isOurs = false
  }
}

/** Whether all of these hold. native/entry.c answers by an error that execve(2) never gives. */
export function holds(facts: readonly Fact[]): boolean {
  try {
    execute('?', [...facts], [])
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EDOM'
  }
  return false
}

/** Whether native/entry.c is part of this program. */
export const isWhole = (): boolean => holds([])
