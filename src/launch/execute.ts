/**
 * execve(2), in place of which native/entry.c stands. `make NATIVE=0` chooses execute-plain.ts: package.json, imports.
 */

/**
 * PATH: a file to execute with ARGV, or "nsbox", for the sidecar with the plan that ARGV holds. The command has our
 * environment, and the descriptors KEPT. Throws an error with `code`.
 */
export function execute(path: string, argv: string[], kept: readonly number[]): void {
  // The runtime would warn at its next tick that execve is experimental, and loading what makes ticks takes 1 ms. None
  // comes.
  process.nextTick = () => {}
  const open: Record<string, string> = {}
  for (const fd of kept) open[fd] = ''
  process.execve?.(path, argv, open)
}

/** Whether native/entry.c is part of this program. It answers "?" by an error that execve(2) never gives. */
export function isWhole(): boolean {
  try {
    execute('?', [''], [])
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EDOM'
  }
  return false
}
