import { isatty } from 'node:tty'
import { print } from '../cli/output.ts'
import { thisHost } from '../host/bun.ts'
import type { Options } from '../options/types.ts'
import { coveredMounts, coveredText, coveredWay } from '../planner/covered.ts'
import { missingKeptText, missingToSay } from '../planner/missing-kept.ts'
import { printable } from '../text/printable.ts'
import type { Plan } from '../plan/types.ts'
import { isOurs } from '../seccomp/seccomp.ts'

/** Warns of what a box without the default filter can't stop, and of mounts that have no effect. */
export function warn(options: Options, plan: Plan): void {
  const { privileged, quiet } = options
  if (quiet) return
  announceNest(options)
  warnOfCovered(options, plan)
  warnOfMissing(options, plan)
  if (privileged)
    print('nsbox: warning: --privileged: nothing protects the host from the command but its namespaces\n', 2)
  if (!isOurs(plan.process.seccomp?.from)) warnOfTerminal(plan)
}

/** Warns of --nest, since such a box shows more than others. */
export function announceNest({ nest, quiet }: Pick<Options, 'nest' | 'quiet'>): void {
  if (nest && !quiet)
    print(
      'nsbox: warning: --nest: the box has a user namespace, and shows the /proc around it, read-only, with all processes there\n',
      2,
    )
}

export function warnOfCovered({ quiet }: Options, { mounts = [] }: Plan): void {
  if (quiet) return
  for (const covered of coveredMounts(mounts))
    print(`nsbox: warning: ${coveredText(covered)}\nhint: ${coveredWay(covered)}\n`, 2)
}

function warnOfMissing(options: Options, plan: Plan): void {
  const missing = missingToSay(plan, options, thisHost())
  if (missing.length > 0) print(`nsbox: warning: ${printable(missingKeptText(missing))}\n`, 2)
}

/** The default filter keeps a box from pushing input into the terminal, where a shell would read it. */
function warnOfTerminal({ process: { newSession, seccomp } }: Plan): void {
  const setting = thisHost().read('/proc/sys/dev/tty/legacy_tiocsti')
  // From Linux 6.2 on the kernel itself may refuse TIOCSTI.
  if (newSession || !isatty(0) || ('text' in setting && setting.text.trim() === '0')) return
  const unless = seccomp === undefined ? '' : ' unless the profile refuses TIOCSTI,'
  print(
    `nsbox: warning: --seccomp:${unless} the command can type into this terminal, as if you had\nhint: --new-session keeps it from that\n`,
    2,
  )
}
