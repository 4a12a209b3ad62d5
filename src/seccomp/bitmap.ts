/**
 * Finds the treatment of a call by its number in a table of bits. For some 450 calls that is a third of the
 * instructions of a search, and the kernel reads and translates all of them at each start. Its cache of allowed calls
 * takes none of them, so it is for the ABI that few programs use.
 */
import { ALLOW, type Filter, type Rule } from './filter.ts'
import {
  AND,
  COPY_TO_X,
  JUMP_EQUAL,
  JUMP_GREATER,
  JUMP_SET,
  LOAD_MEMORY,
  LOAD_X,
  SHIFT_RIGHT_BY_X,
  STORE_X,
  type Label,
  type Program,
} from './program.ts'
import { treat, treatment } from './rules.ts'

const isAllowed = ([first]: readonly Rule[]): boolean => first?.when.length === 0 && first.action === ALLOW

/** Where a number of FILTER, which is in register A, is judged. */
export function bitmap({ calls, otherwise, unknown, highest }: Filter, program: Program): Label {
  const words = Array.from({ length: (highest >>> 5) + 1 }, () => 0)
  const others: (readonly [number: number, rules: readonly Rule[]])[] = []
  for (const [number, rules] of calls)
    if (number <= highest && isAllowed(rules)) words[number >>> 5] = (words[number >>> 5] ?? 0) | (1 << (number & 31))
    else others.push([number, rules])
  const treated = others.map(([number, rules]) => [number, treat(treatment(rules, otherwise), program)] as const)
  let label = program.jump(
    JUMP_GREATER,
    highest,
    program.returning(unknown),
    selected(words, bitOf(otherwise, program), program),
  )
  for (const [number, treats] of treated) label = program.jump(JUMP_EQUAL, number, treats, label)
  // As early as it can be: here the kernel ends its search for calls that are always allowed, one for each number.
  return program.step(LOAD_X, (words[0] ?? 0) >>> 0, label)
}

/** Tests the bit that is numbered by the lower five bits of A, in X. */
function bitOf(otherwise: number, program: Program): Label {
  let label = program.jump(JUMP_SET, 1, program.returning(ALLOW), program.returning(otherwise))
  label = program.step(SHIFT_RIGHT_BY_X, 0, label)
  label = program.step(LOAD_MEMORY, 0, label)
  label = program.step(COPY_TO_X, 0, label)
  label = program.step(AND, 31, label)
  return program.step(STORE_X, 0, label)
}

/**
 * Loads the word of the number in A into X, where the first word is, and goes on at FOUND. Equal words that follow each
 * other are one.
 */
function selected(words: readonly number[], found: Label, program: Program): Label {
  let label = found
  for (let at = words.length - 1; at >= 0; at--) {
    const word = words[at] ?? 0
    if (word !== words[at + 1] && label !== found) label = program.jump(JUMP_GREATER, 32 * at + 31, label, found)
    if (at > 0 && word !== words[at - 1]) label = program.step(LOAD_X, word >>> 0, label)
  }
  return label
}
