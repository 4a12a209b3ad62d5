import { print } from '../cli/output.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { coveredMounts, coveredText, coveredWay } from '../planner/covered.ts'
import { missingKeptText, missingToSay } from '../planner/missing-kept.ts'
import { printable } from '../text/printable.ts'
import type { Plan } from '../plan/types.ts'
import { isOurs } from '../seccomp/seccomp.ts'

/**
 * Warns of what a box without the default filter can't stop, and of mounts that have no effect. Returns whether there
 * was something to warn of, by the options, the plan, and looks at the host.
 */
export function warn(options: Options, plan: Plan, host: HostFacts): boolean {
  const { privileged, quiet } = options
  if (quiet) return false
  let isWarned = announceNest(options)
  if (warnOfCovered(options, plan)) isWarned = true
  if (warnOfMissing(options, plan, host)) isWarned = true
  if (privileged) {
    print('nsbox: warning: --privileged: nothing protects the host from the command but its namespaces\n', 2)
    isWarned = true
  }
  if (!isOurs(plan.process.seccomp?.from) && warnOfTerminal(plan, host)) isWarned = true
  return isWarned
}

/** Warns of --nest, since such a box shows more than others. */
export function announceNest({ nest, quiet }: Pick<Options, 'nest' | 'quiet'>): boolean {
  if (!nest || quiet) return false
  print(
    'nsbox: warning: --nest: the box has a user namespace, and shows the /proc around it, read-only, with all processes there\n',
    2,
  )
  return true
}

export function warnOfCovered({ quiet }: Options, { mounts = [] }: Plan): boolean {
  if (quiet) return false
  const found = coveredMounts(mounts)
  for (const covered of found) print(`nsbox: warning: ${coveredText(covered)}\nhint: ${coveredWay(covered)}\n`, 2)
  return found.length > 0
}

function warnOfMissing(options: Options, plan: Plan, host: HostFacts): boolean {
  const missing = missingToSay(plan, options, host)
  if (missing.length > 0) print(`nsbox: warning: ${printable(missingKeptText(missing))}\n`, 2)
  return missing.length > 0
}

/** The default filter keeps a box from pushing input into the terminal, where a shell would read it. */
function warnOfTerminal({ process: { newSession, seccomp } }: Plan, host: HostFacts): boolean {
  if (newSession || !host.hasTerminal()) return false
  const setting = host.read('/proc/sys/dev/tty/legacy_tiocsti')
  // From Linux 6.2 on the kernel itself may refuse TIOCSTI.
  if ('text' in setting && setting.text.trim() === '0') return false
  const unless = seccomp === undefined ? '' : ' unless the profile refuses TIOCSTI,'
  print(
    `nsbox: warning: --seccomp:${unless} the command can type into this terminal, as if you had\nhint: --new-session keeps it from that\n`,
    2,
  )
  return true
}
