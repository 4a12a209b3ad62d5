/** A seccomp filter before it is compiled, and tables of compiled ones. */
import type { Capability } from '../plan/types.ts'

/** Machines whose system calls nsbox knows, by the runtime's names. */
export type Machine = 'x64' | 'arm64'

/** Tables of system calls: a machine's own, and those of 32 bits, which many kernels of that machine have as well. */
export type Abi = Machine | Compat
type Compat = 'i386' | 'arm'

/** For each machine, filters for these capabilities without those that would change it; base64. `both`: x64 and i386. */
export type Filters = Readonly<
  Record<
    Machine | 'both',
    readonly { capabilities: readonly Capability[]; without: readonly Capability[]; filter: string }[]
  >
>

/** The ways in which a default filter may differ. */
export type Variant = { userNamespaces: boolean; socketcall: boolean; fakeRoot: boolean }

/** A return value of a filter, seccomp(2). */
export type Action = number

/** A condition on argument ARG, counted from 0. `masked`: (argument & mask) === value. All numbers are unsigned. */
export type Condition = {
  arg: number
  op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'masked'
  value: bigint
  mask?: bigint
  /** 32 where the kernel itself looks only at the lower half: the upper half must make no difference then. */
  width?: 32
}

/** Holds where all its conditions hold; always if it has none. */
export type Rule = { when: readonly Condition[]; action: Action }

export type Filter = {
  machine: Abi
  /** The rules of each call, by its number; the first that holds decides. */
  calls: ReadonlyMap<number, readonly Rule[]>
  /** For calls up to `highest` that are not named, and where no rule holds. */
  otherwise: Action
  /** For calls above `highest`: those of kernels that are newer than the table of calls. */
  unknown: Action
  highest: number
  /** For the calls of the machine's other ABI; without it, they end the process. */
  compat?: Filter
}

export const KILL_PROCESS: Action = 0x80000000
export const KILL_THREAD: Action = 0
export const TRAP: Action = 0x00030000
export const LOG: Action = 0x7ffc0000
export const ALLOW: Action = 0x7fff0000
export const errno = (number: number): Action => 0x00050000 | number
export const ENOSYS = 38
/** Whether the kernel carries the call out. */
export const lets = (action: Action): boolean => action === ALLOW || action === LOG
