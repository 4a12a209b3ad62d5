/**
 * Compiles seccomp filters for the kernel: an array of struct sock_filter (8 bytes each), seccomp(2). A filter is a
 * pure function of struct seccomp_data: the number of the call, the architecture, and six arguments of 64 bits.
 */
import type { Action, Condition, Filter, Rule } from './filter.ts'

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number]

/** include/uapi/linux/bpf_common.h */
const LOAD = 0x20 // ld [k], a word of seccomp_data
const AND = 0x54
const JUMP = 0x05
const JUMP_EQUAL = 0x15
const JUMP_GREATER = 0x25
const JUMP_GREATER_EQUAL = 0x35
const RETURN = 0x06

/** Offsets in struct seccomp_data. All architectures are little endian: the low word of an argument comes first. */
const NUMBER = 0
const ARCHITECTURE = 4
const low = (arg: number) => 16 + 8 * arg
const high = (arg: number) => low(arg) + 4

export const KILL_PROCESS: Action = 0x80000000
export const KILL_THREAD: Action = 0
export const TRAP: Action = 0x00030000
export const LOG: Action = 0x7ffc0000
export const ALLOW: Action = 0x7fff0000
export const errno = (number: number): Action => 0x00050000 | number
export const ENOSYS = 38
/** Whether the kernel carries the call out. */
export const lets = (action: Action): boolean => action === ALLOW || action === LOG

/** include/uapi/linux/audit.h */
const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003 } as const
/** Calls of x32 have this bit: they take other arguments under the same architecture. */
const X32_BIT = 0x40000000
/** BPF_MAXINSNS */
const MAX_INSTRUCTIONS = 4096
/** A conditional jump has eight bits for its distance. */
const MAX_JUMP = 255

/** Up to this many numbers are compared one by one; more are searched. */
const MAX_CHAIN = 4

/** The program of a filter. Throws RangeError where it is longer than the kernel takes. */
export function compile(filter: Filter): Uint8Array {
  const program = new Program()
  // The calls of the other ABI come last, so that they make the way of the machine's own no longer.
  const other =
    filter.compat === undefined
      ? program.returning(KILL_PROCESS)
      : callsOf(filter.compat, program, program.returning(KILL_PROCESS))
  const entry = callsOf(filter, program, other)
  program.load(ARCHITECTURE, entry)
  if (program.length > MAX_INSTRUCTIONS)
    throw new RangeError(`the filter has ${program.length} instructions, and the kernel takes ${MAX_INSTRUCTIONS}`)
  return program.bytes()
}

/** Where calls of this ABI are judged; those of others go on at OTHER. */
function callsOf(filter: Filter, program: Program, other: Label): Label {
  let entry = search(ranges(filter), program)
  if (filter.machine === 'x64')
    entry = program.jump(JUMP_GREATER_EQUAL, X32_BIT, program.returning(errno(ENOSYS)), entry)
  entry = program.load(NUMBER, entry)
  return program.jump(JUMP_EQUAL, AUDIT_ARCH[filter.machine], entry, other)
}

/** Position of an instruction, counted from the end: 1 is the last one. */
type Label = number

/** Jumps lead forward only, so a program is written from its end: the target of each jump is then known. */
class Program {
  readonly #reversed: Instruction[] = []
  readonly #returns = new Map<Action, Label>()

  get length(): number {
    return this.#reversed.length
  }

  bytes(): Uint8Array {
    const bytes = new Uint8Array(this.length * 8)
    const view = new DataView(bytes.buffer)
    for (const [i, [code, jumpTrue, jumpFalse, value]] of this.#reversed.toReversed().entries()) {
      view.setUint16(8 * i, code, true)
      view.setUint8(8 * i + 2, jumpTrue)
      view.setUint8(8 * i + 3, jumpFalse)
      view.setUint32(8 * i + 4, value >>> 0, true)
    }
    return bytes
  }

  /** Reuses the instruction of an action while a jump reaches it: the kernel loads a shorter filter faster. */
  returning(action: Action): Label {
    const known = this.#returns.get(action)
    if (known !== undefined && this.#reaches(known)) return known
    const label = this.#add([RETURN, 0, 0, action])
    this.#returns.set(action, label)
    return label
  }

  jump(code: number, value: number, whenTrue: Label, whenFalse: Label): Label {
    const [yes, no] = [this.#near(whenTrue), this.#near(whenFalse)]
    return this.#add([code, this.#distance(yes), this.#distance(no), value])
  }

  load(offset: number, next: Label): Label {
    return this.#before(next, [LOAD, 0, 0, offset])
  }

  and(mask: number, next: Label): Label {
    return this.#before(next, [AND, 0, 0, mask])
  }

  #before(next: Label, instruction: Instruction): Label {
    if (next !== this.length) this.#add([JUMP, 0, 0, this.#distance(next)])
    return this.#add(instruction)
  }

  #add(instruction: Instruction): Label {
    this.#reversed.push(instruction)
    return this.length
  }

  /** How many instructions the next one would skip. */
  #distance(label: Label): number {
    return this.length - label
  }

  /** Leaves room for one more instruction between. */
  #reaches(label: Label): boolean {
    return this.#distance(label) < MAX_JUMP
  }

  #near(label: Label): Label {
    return this.#reaches(label) ? label : this.#add([JUMP, 0, 0, this.#distance(label)])
  }
}

/** The numbers from `from` up to the next range, which are all treated alike. */
type Range = { from: number; rules: readonly Rule[]; otherwise: Action; key: string }

function range(from: number, rules: readonly Rule[], otherwise: Action): Range {
  return {
    from,
    rules,
    otherwise,
    key: JSON.stringify([rules, otherwise], (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value)),
  }
}

/** All numbers in order; neighbours with the same treatment are one range. */
function ranges({ calls, otherwise, unknown, highest }: Filter): Range[] {
  const starts = new Map<number, Range>([[0, range(0, [], otherwise)]])
  for (const [number, rules] of calls) starts.set(number, range(number, rules, otherwise))
  for (const number of calls.keys())
    if (!starts.has(number + 1)) starts.set(number + 1, range(number + 1, [], otherwise))
  starts.set(highest + 1, range(highest + 1, [], unknown))
  const sorted = [...starts.values()].filter(({ from }) => from <= highest + 1).sort((a, b) => a.from - b.from)
  return sorted.filter(({ key }, i) => key !== sorted[i - 1]?.key)
}

/**
 * A binary search down to few numbers; the kernel itself caches calls that are always allowed. `end`: where the next
 * range begins.
 */
function search(list: readonly Range[], program: Program, end = Infinity): Label {
  const [first, second] = list
  if (first === undefined) throw new RangeError('a filter without ranges')
  if (second === undefined) return treat(first, program)
  if (isChain(list, end)) return chain(list, program)
  if (list.length === 2) {
    const [before, after] = [treat(first, program), treat(second, program)]
    return program.jump(JUMP_GREATER_EQUAL, second.from, after, before)
  }
  // An even index, so that both halves begin with the range that most numbers share.
  const middle = Math.max(2, (list.length >> 2) << 1)
  const from = list[middle]?.from ?? 0
  const after = search(list.slice(middle), program, end)
  return program.jump(JUMP_GREATER_EQUAL, from, after, search(list.slice(0, middle), program, from))
}

/** Whether a few single numbers stand among others that are all treated alike. */
function isChain(list: readonly Range[], end: number): boolean {
  const isSingle = (i: number) => (list[i + 1]?.from ?? end) === (list[i]?.from ?? 0) + 1
  return (
    list.length <= 2 * MAX_CHAIN + 1 && list.every(({ key }, i) => (i % 2 === 0 ? key === list[0]?.key : isSingle(i)))
  )
}

function chain([common, ...rest]: readonly Range[], program: Program): Label {
  if (common === undefined) throw new RangeError('a filter without ranges')
  let label = treat(common, program)
  for (const [i, single] of [...rest.entries()].reverse())
    if (i % 2 === 0) label = program.jump(JUMP_EQUAL, single.from, treat(single, program), label)
  return label
}

/** The first rule whose conditions all hold decides. */
function treat({ rules, otherwise }: Range, program: Program): Label {
  let label = program.returning(otherwise)
  for (const { when, action } of rules.toReversed()) {
    const no = label
    label = program.returning(action)
    for (const condition of when.toReversed()) label = test(condition, label, no, program)
  }
  return label
}

function test(condition: Condition, yes: Label, no: Label, program: Program): Label {
  const { arg, op, value, mask, width } = condition
  const [lowWord, highWord] = [lowWord32(value), lowWord32(value >> 32n)]
  if (width === 32) return compare(low(arg), op, lowWord, mask, yes, no, program)
  const lower = compare(low(arg), op, lowWord, mask, yes, no, program)
  switch (op) {
    case 'eq':
    case 'masked':
      return compare(high(arg), op, highWord, mask === undefined ? undefined : mask >> 32n, lower, no, program)
    // True as soon as one word differs.
    case 'ne':
      return compare(high(arg), 'eq', highWord, undefined, lower, yes, program)
    // Unsigned, high word first: it decides alone unless both are equal.
    case 'gt':
    case 'ge':
      return order(high(arg), highWord, yes, lower, no, program)
    case 'lt':
    case 'le':
      return order(high(arg), highWord, no, lower, yes, program)
  }
}

const lowWord32 = (value: bigint): number => Number(value & 0xffffffffn)

/** Compares the word at an offset. */
function compare(
  offset: number,
  op: Condition['op'],
  value: number,
  mask: bigint | undefined,
  yes: Label,
  no: Label,
  program: Program,
): Label {
  const code = op === 'gt' || op === 'le' ? JUMP_GREATER : op === 'ge' || op === 'lt' ? JUMP_GREATER_EQUAL : JUMP_EQUAL
  const isOpposite = op === 'ne' || op === 'lt' || op === 'le'
  const decided = isOpposite ? program.jump(code, value, no, yes) : program.jump(code, value, yes, no)
  return program.load(offset, mask === undefined ? decided : program.and(lowWord32(mask), decided))
}

function order(offset: number, value: number, greater: Label, equal: Label, less: Label, program: Program): Label {
  const decided = program.jump(JUMP_EQUAL, value, equal, less)
  return program.load(offset, program.jump(JUMP_GREATER, value, greater, decided))
}
