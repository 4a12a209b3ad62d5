/** Starts a box as a child, and waits for it: this process passes signals on, and ends as the box does. */
import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { codeOf, systemFailure } from '../host/errno.ts'
import type { Plan } from '../plan/types.ts'
import { furtherStreams, ownDescriptors, refuseUnopened } from './caller-descriptors.ts'
import { planFile } from './tmpfile.ts'
import { sidecarFor } from './sidecar-for.ts'
import { sidecarPath } from './sidecar-path.ts'

/** Signals that a shell or a supervisor sends to us alone: we pass them to the command. */
const PASSED: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGWINCH',
  'SIGALRM',
  'SIGPIPE',
  'SIGCONT',
]
/** Signals that a terminal sends to its whole foreground: then the command has got them already. */
const FROM_TERMINAL: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT']

/** Exit status of the box. STATUS: our descriptor that its events go to, or -1. */
export async function waitForBox(plan: Plan, status: number): Promise<number> {
  const { keepFds = [] } = plan.process
  refuseUnopened(keepFds, false)
  const own = ownDescriptors(keepFds)
  const file = planFile({ ...plan, supervision: supervisionOf(plan, status > 2 ? own.status : undefined) })
  const given = new Map(keepFds.map((fd) => [fd, fd]))
  given.set(own.plan, file)
  if (status > 2) given.set(own.status, status)
  const parent = process.ppid
  let child: ChildProcess | undefined
  // The handlers come before the child, since somebody may signal us as soon as the command runs.
  for (const signal of PASSED) process.on(signal, () => void child?.kill(signal))
  for (const signal of FROM_TERMINAL)
    process.on(signal, () => {
      if (!inForeground()) child?.kill(signal)
    })
  try {
    child = spawn(sidecarFor(plan), ['--plan-fd', String(own.plan)], {
      argv0: 'nsbox',
      stdio: [0, 1, 2, ...furtherStreams(given)],
    })
  } finally {
    closeSync(file)
  }
  const orphaned = () => {
    if (process.ppid !== parent) child.kill('SIGKILL')
  }
  const watch = plan.supervision?.dieWithParent ? setInterval(orphaned, 100) : undefined
  try {
    return await ending(child)
  } finally {
    clearInterval(watch)
  }
}

/** The box ends with us, however we end. STATUS: the number of the descriptor for events in the box's process. */
function supervisionOf({ supervision }: Plan, status: number | undefined): NonNullable<Plan['supervision']> {
  const moved = status === undefined ? {} : { statusFd: status }
  return { ...supervision, ...moved, dieWithParent: true }
}

function ending(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(
        systemFailure({ step: 'hand over', what: 'execute the sidecar', path: sidecarPath(), code: codeOf(error) }),
      ),
    )
    child.once('exit', (status, signal) => resolve(status ?? 128 + (signal === null ? 0 : constants.signals[signal])))
  })
}

/** Fields 5 and 8 of stat, proc(5): our process group, and the one that the terminal sends signals to. */
function inForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1')
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 1).split(' ')
  return group === foreground
}
