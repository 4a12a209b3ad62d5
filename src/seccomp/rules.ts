/** Judges a call by the rules for its arguments. */
import type { Action, Condition, Rule } from './filter.ts'
import { AND, JUMP_EQUAL, JUMP_GREATER, JUMP_GREATER_EQUAL, LOAD, type Label, type Program } from './program.ts'

/** Offsets in struct seccomp_data. All architectures are little endian: the low word of an argument comes first. */
const low = (arg: number) => 16 + 8 * arg
const high = (arg: number) => low(arg) + 4

/** Rules for some calls, and what is done where none of them holds. */
export type Treatment = { rules: readonly Rule[]; otherwise: Action; key: string }

export function treatment(rules: readonly Rule[], otherwise: Action): Treatment {
  const key = JSON.stringify([rules, otherwise], (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value,
  )
  return { rules, otherwise, key }
}

/** The first rule whose conditions all hold decides. */
export function treat({ rules, otherwise, key }: Treatment, program: Program): Label {
  if (rules.length === 0) return program.returning(otherwise)
  return program.shared(key, () => written(rules, otherwise, program))
}

function written(rules: readonly Rule[], otherwise: Action, program: Program): Label {
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
  return program.step(LOAD, offset, mask === undefined ? decided : program.step(AND, lowWord32(mask), decided))
}

function order(offset: number, value: number, greater: Label, equal: Label, less: Label, program: Program): Label {
  const decided = program.jump(JUMP_EQUAL, value, equal, less)
  return program.step(LOAD, offset, program.jump(JUMP_GREATER, value, greater, decided))
}
