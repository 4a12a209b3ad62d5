/** What standard output is shown on. */

/** Columns of the terminal that standard output is; undefined where it is none. */
export function columns(): number | undefined {
  return process.stdout.isTTY ? Math.max(40, process.stdout.columns || 80) : undefined
}
