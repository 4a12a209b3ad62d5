/** Errors for what a process or the machine has run out of, whatever the box was meant to be. */
import type { Step } from '../plan/steps.ts'
import { codeOf, systemFailure } from './errno.ts'

export const LACKS: Readonly<Record<string, string>> = {
  EMFILE: 'this program may open no more files: run fewer boxes at a time, or raise the limit (ulimit -n)',
  ENFILE: 'the machine can open no more files: raise fs.file-max (sysctl)',
  EAGAIN:
    'as many processes run as may: ulimit -u, which counts all of your user, or pids.max of the control group here',
  ENOMEM: 'no memory is left for another process',
}

/** Throws SandboxError where the error is one of LACKS. */
export function refuseLack(error: unknown, step: Step, what: string): void {
  const code = codeOf(error)
  const hint = LACKS[code]
  if (hint !== undefined) throw systemFailure({ step, what, code, hint })
}
