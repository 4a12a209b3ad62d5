/** Which programs of another kind a filter ends: a call that it doesn't know the numbers of may mean anything. */
import type { Process } from '../plan/types.ts'
import { KILL_PROCESS, KILL_THREAD } from '../seccomp/filter.ts'
import { MACHINES, verdictOf } from '../seccomp/judge.ts'

/** A call that every filter allows. */
const GETPID = { x64: 39, arm64: 172, i386: 20, arm: 20 } as const

/** `ends`: a 32-bit program ends at its first call. `judges`: its calls have a list of their own. */
export function fateOf32Bit(seccomp: NonNullable<Process['seccomp']>): 'ends' | 'judges' {
  const filter = Buffer.from(seccomp.filter, 'base64')
  const kills = (abi: keyof typeof MACHINES): boolean => {
    const verdict = verdictOf(filter, { machine: MACHINES[abi], number: GETPID[abi], args: [] })
    return verdict === KILL_PROCESS || verdict === KILL_THREAD
  }
  // A filter is for one machine, and ends what is of the other one.
  return kills(kills('x64') ? 'arm' : 'i386') ? 'ends' : 'judges'
}
