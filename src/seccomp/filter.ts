/** A seccomp filter before it is compiled. */

/** Machines that nsbox knows the system calls of, by the runtime's names. */
export type Machine = 'x64' | 'arm64'

/** A return value of a filter, seccomp(2). */
export type Action = number

/** Of argument ARG, from 0 on. `masked`: (argument & mask) === value. All numbers are unsigned. */
export type Condition = {
  arg: number
  op: 'eq' | 'ne' | 'lt' | 'le' | 'gt' | 'ge' | 'masked'
  value: bigint
  mask?: bigint
  /** 32 where the kernel itself looks at the lower half alone: what the upper one holds must make no difference. */
  width?: 32
}

/** Holds where all conditions do; without one always. */
export type Rule = { when: readonly Condition[]; action: Action }

export type Filter = {
  machine: Machine
  /** By number; the first rule that holds decides. */
  calls: ReadonlyMap<number, readonly Rule[]>
  /** For calls up to `highest` that are not named, and where no rule holds. */
  otherwise: Action
  /** For calls above `highest`: those of kernels that are newer than the table of calls. */
  unknown: Action
  highest: number
}
