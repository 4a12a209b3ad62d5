/** What a process, or the machine, may have run out of. It says nothing about what was asked for. */
import type { Step } from '../plan/steps.ts'
import { systemFailure } from './errno.ts'
import { codeOf } from './bun.ts'

export const LACKS: Readonly<Record<string, string>> = {
  EMFILE: 'this program has as many files open as it may: run fewer boxes at a time, or raise the limit (ulimit -n)',
  ENFILE: 'the machine has as many files open as it may: sysctl fs.file-max',
  EAGAIN: 'there are as many processes as there may be, of this user (ulimit -u) or in this control group (pids.max)',
  ENOMEM: 'there is no memory for another process',
}

/** Throws SandboxError where the error is one of these. */
export function refuseLack(error: unknown, step: Step, what: string): void {
  const code = codeOf(error)
  const hint = LACKS[code]
  if (hint !== undefined) throw systemFailure({ step, what, code, hint })
}
