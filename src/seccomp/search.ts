/** Finds the treatment of a call by its number, by comparisons: the kernel can then cache what is always allowed. */
import type { Action, Filter, Rule } from './filter.ts'
import { JUMP_EQUAL, JUMP_GREATER_EQUAL, type Label, type Program } from './program.ts'
import { treat, treatment, type Treatment } from './rules.ts'

/** Up to this many numbers are compared one by one; more are searched. */
const MAX_CHAIN = 4

/** The numbers from `from` up to the next range, which are all treated alike. */
type Range = Treatment & { from: number }

function range(from: number, rules: readonly Rule[], otherwise: Action): Range {
  return { from, ...treatment(rules, otherwise) }
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

/** Where a number of FILTER, which is in register A, is judged. */
export function search(filter: Filter, program: Program): Label {
  return searchIn(ranges(filter), program)
}

/**
 * A binary search down to few numbers; the kernel itself caches calls that are always allowed. `end`: where the next
 * range begins.
 */
function searchIn(list: readonly Range[], program: Program, end = Infinity): Label {
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
  const after = searchIn(list.slice(middle), program, end)
  return program.jump(JUMP_GREATER_EQUAL, from, after, searchIn(list.slice(0, middle), program, from))
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
