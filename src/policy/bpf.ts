/**
 * Seccomp filters as the kernel takes them: an array of struct sock_filter (8 bytes each), seccomp(2). A filter is a pure
 * function of struct seccomp_data: the number of the call, the architecture, and six arguments of 64 bits.
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

/** Places in struct seccomp_data. Both architectures are little endian: the low word of an argument comes first. */
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

/** include/uapi/linux/audit.h */
const AUDIT_ARCH = { x64: 0xc000003e, arm64: 0xc00000b7 } as const
/** Calls of x32 have this bit: they take other arguments under the same architecture. */
const X32_BIT = 0x40000000
/** BPF_MAXINSNS */
const MAX_INSTRUCTIONS = 4096
/** A conditional jump has eight bits to say how far. */
const MAX_JUMP = 255

/** The program of a filter. Throws RangeError where it is longer than the kernel takes. */
export function compile(filter: Filter): Uint8Array {
  const program: Instruction[] = [
    [LOAD, 0, 0, ARCHITECTURE],
    [JUMP_EQUAL, 1, 0, AUDIT_ARCH[filter.machine]],
    [RETURN, 0, 0, KILL_PROCESS],
    [LOAD, 0, 0, NUMBER],
    ...(filter.machine === 'x64' ? [[JUMP_GREATER_EQUAL, 0, 1, X32_BIT] as const, [RETURN, 0, 0, errno(ENOSYS)] as const] : []),
    ...search(ranges(filter)),
  ]
  if (program.length > MAX_INSTRUCTIONS) throw new RangeError(`the filter has ${program.length} instructions, and the kernel takes ${MAX_INSTRUCTIONS}`)
  return encode(program)
}

function encode(program: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(program.length * 8)
  const view = new DataView(bytes.buffer)
  program.forEach(([code, jumpTrue, jumpFalse, value], i) => {
    view.setUint16(8 * i, code, true)
    view.setUint8(8 * i + 2, jumpTrue)
    view.setUint8(8 * i + 3, jumpFalse)
    view.setUint32(8 * i + 4, value >>> 0, true)
  })
  return bytes
}

type Range = { from: number; body: Instruction[] }

/** All numbers in order, where one treatment begins after another; neighbours with the same are one range. */
function ranges({ calls, otherwise, unknown, highest }: Filter): Range[] {
  const bodies = new Map<number, Instruction[]>([[0, returns(otherwise)]])
  for (const [number, rules] of calls) bodies.set(number, body(rules, otherwise))
  for (const number of calls.keys()) if (!bodies.has(number + 1)) bodies.set(number + 1, returns(otherwise))
  bodies.set(highest + 1, returns(unknown))
  const sorted = [...bodies].filter(([from]) => from <= highest + 1).sort(([a], [b]) => a - b)
  return sorted.map(([from, body]) => ({ from, body })).filter(({ body }, i, all) => i === 0 || JSON.stringify(body) !== JSON.stringify(all[i - 1]?.body))
}

/** A binary search, so that each call takes few instructions. The kernel itself remembers calls that are always allowed. */
function search(all: readonly Range[]): Instruction[] {
  const [first] = all
  if (first === undefined) return []
  if (all.length === 1) return first.body
  const middle = all.length >> 1
  const before = search(all.slice(0, middle))
  const after = search(all.slice(middle))
  const from = all[middle]?.from ?? 0
  const jump: Instruction[] = before.length <= MAX_JUMP
    ? [[JUMP_GREATER_EQUAL, before.length, 0, from]]
    : [[JUMP_GREATER_EQUAL, 0, 1, from], [JUMP, 0, 0, before.length]]
  return [...jump, ...before, ...after]
}

const returns = (action: Action): Instruction[] => [[RETURN, 0, 0, action]]

/** The first rule whose conditions all hold decides. */
function body(rules: readonly Rule[], otherwise: Action): Instruction[] {
  return [...rules.flatMap(rule), ...returns(otherwise)]
}

function rule({ when, action }: Rule): Instruction[] {
  const program: Instruction[] = returns(action)
  for (const condition of [...when].reverse()) program.unshift(...test(condition, program.length))
  return program
}

/** Instructions that go on with the next one if the condition holds, and leave out REST more if not. */
function test(condition: Condition, rest: number): Instruction[] {
  const { arg, op, value, mask } = condition
  const [lowWord, highWord] = [Number(value & 0xffffffffn), Number(value >> 32n)]
  if (condition.width === 32) return compare32(low(arg), op, lowWord, mask === undefined ? undefined : Number(mask & 0xffffffffn), rest)
  if (op === 'eq' || op === 'masked') {
    const lower = equal(low(arg), lowWord, mask === undefined ? undefined : Number(mask & 0xffffffffn), rest)
    return [...equal(high(arg), highWord, mask === undefined ? undefined : Number(mask >> 32n), rest + lower.length), ...lower]
  }
  if (op === 'ne') {
    // Holds as soon as one of the words differs.
    return [[LOAD, 0, 0, high(arg)], [JUMP_EQUAL, 0, 2, highWord], [LOAD, 0, 0, low(arg)], jumpIf(JUMP_EQUAL, rest, 0, lowWord)]
  }
  return order(arg, op, highWord, lowWord, rest)
}

function jumpIf(code: number, whenTrue: number, whenFalse: number, value: number): Instruction {
  if (Math.max(whenTrue, whenFalse) > MAX_JUMP) throw new RangeError('a rule has too many conditions')
  return [code, whenTrue, whenFalse, value]
}

function equal(place: number, value: number, mask: number | undefined, rest: number): Instruction[] {
  return [[LOAD, 0, 0, place], ...(mask === undefined ? [] : [[AND, 0, 0, mask] as const]), jumpIf(JUMP_EQUAL, 0, rest, value)]
}

function compare32(place: number, op: Condition['op'], value: number, mask: number | undefined, rest: number): Instruction[] {
  switch (op) {
    case 'eq': case 'masked': return equal(place, value, mask, rest)
    case 'ne': return [[LOAD, 0, 0, place], jumpIf(JUMP_EQUAL, rest, 0, value)]
    case 'gt': return [[LOAD, 0, 0, place], jumpIf(JUMP_GREATER, 0, rest, value)]
    case 'ge': return [[LOAD, 0, 0, place], jumpIf(JUMP_GREATER_EQUAL, 0, rest, value)]
    case 'lt': return [[LOAD, 0, 0, place], jumpIf(JUMP_GREATER_EQUAL, rest, 0, value)]
    case 'le': return [[LOAD, 0, 0, place], jumpIf(JUMP_GREATER, rest, 0, value)]
  }
}

/** Unsigned, high word first: where that is another one, it alone decides. */
function order(arg: number, op: 'gt' | 'ge' | 'lt' | 'le', highWord: number, lowWord: number, rest: number): Instruction[] {
  const lower = compare32(low(arg), op, lowWord, undefined, rest)
  const greater = op === 'gt' || op === 'ge'
  return [
    [LOAD, 0, 0, high(arg)],
    greater ? jumpIf(JUMP_GREATER, 1 + lower.length, 0, highWord) : jumpIf(JUMP_GREATER, 1 + lower.length + rest, 0, highWord),
    greater ? jumpIf(JUMP_EQUAL, 0, lower.length + rest, highWord) : jumpIf(JUMP_EQUAL, 0, lower.length, highWord),
    ...lower,
  ]
}
