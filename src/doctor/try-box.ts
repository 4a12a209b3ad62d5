/** Starts boxes: the checks can only guess what a box is allowed. */
import type { Host } from './host.ts'

type Failure = {
  event: string
  step?: string
  what?: string
  path?: string
  code?: string
  text?: string
  hint?: string
  status?: number
}

/** Whether a box starts; `error` and `hint` are those of the box. */
export type Start = { starts: true } | { starts: false; error: string; hint?: string | undefined }

/** Starts a box with these options; undefined where this program can't be executed. */
export function tryBox(host: Host, flags: readonly string[]): Start | undefined {
  const tried = failures(host, flags)
  if (tried === undefined) return undefined
  // 126 and 127 are about the command: the box has started.
  const failure = tried.list.find(({ status = 125 }) => status === 125)
  if (failure === undefined && tried.status !== 125) return { starts: true }
  if (failure === undefined)
    return {
      starts: false,
      error: tried.stderr.split('\n')[0]?.replace(/^nsbox: /, '') || `nsbox ended with status ${tried.status}`,
    }
  return { starts: false, error: errorOf(failure), hint: failure.hint }
}

/** Starts a box and collects its failures; undefined where this program can't be executed. */
export function failures(
  host: Host,
  flags: readonly string[],
): { status: number; list: Failure[]; stderr: string } | undefined {
  const tried = host.run(host.exe, ['--quiet', '--no-remember', '--status-fd', '1', '--cwd', '/', ...flags, 'true'])
  if (tried === undefined) return undefined
  const events = tried.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Failure)
  return { status: tried.status, list: events.filter(({ event }) => event === 'error'), stderr: tried.stderr ?? '' }
}

/** The failure on one line. */
export function errorOf({ step, what = 'failed', path, text, code }: Failure): string {
  const cause = text === undefined ? undefined : `${text} (${code})`
  return [step, what, path, cause].filter((part) => part !== undefined).join(': ')
}
