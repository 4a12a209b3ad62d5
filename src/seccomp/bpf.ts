/**
 * Compiles seccomp filters for the kernel: an array of struct sock_filter (8 bytes each), seccomp(2). A filter is a
 * pure function of struct seccomp_data: the number of the call, the architecture, and six arguments of 64 bits.
 */
import { bitmap } from './bitmap.ts'
import { ENOSYS, errno, KILL_PROCESS, type Filter } from './filter.ts'
import { JUMP_EQUAL, JUMP_GREATER_EQUAL, LOAD, Program, type Label } from './program.ts'
import { search } from './search.ts'

/** Offsets in struct seccomp_data. */
const NUMBER = 0
const ARCHITECTURE = 4

/** include/uapi/linux/audit.h */
const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003, arm: 0x40000028 } as const
/** Calls of x32 have this bit: they take other arguments under the same architecture. */
const X32_BIT = 0x40000000
/** BPF_MAXINSNS */
const MAX_INSTRUCTIONS = 4096
/** The program of a filter. Throws RangeError where it is longer than the kernel takes. */
export function compile(filter: Filter): Uint8Array {
  const program = new Program()
  // The calls of the other ABI come last, so that they make the way of the machine's own no longer.
  const other =
    filter.compat === undefined
      ? program.returning(KILL_PROCESS)
      : callsOf(filter.compat, program, program.returning(KILL_PROCESS), bitmap)
  const entry = callsOf(filter, program, other, search)
  program.step(LOAD, ARCHITECTURE, entry)
  if (program.length > MAX_INSTRUCTIONS)
    throw new RangeError(`the filter has ${program.length} instructions, and the kernel takes ${MAX_INSTRUCTIONS}`)
  return program.bytes()
}

/** Where calls of this ABI are judged; those of others go on at OTHER. */
function callsOf(filter: Filter, program: Program, other: Label, find: typeof search): Label {
  let entry = find(filter, program)
  if (filter.machine === 'x64')
    entry = program.jump(JUMP_GREATER_EQUAL, X32_BIT, program.returning(errno(ENOSYS)), entry)
  entry = program.step(LOAD, NUMBER, entry)
  return program.jump(JUMP_EQUAL, AUDIT_ARCH[filter.machine], entry, other)
}
