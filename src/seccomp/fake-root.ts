/**
 * Answers calls that change owners and ids with success, without carrying them out. Where a box has one id, the kernel
 * refuses them all, and package managers give up. A filter can't remember what it has answered, so stat(2) and
 * getuid(2) go on to show the one id.
 */
import { errno, lets, type Condition, type Filter, type Rule } from './filter.ts'
import { SYSCALLS } from './syscalls.ts'

const SUCCESS = errno(0)

/**
 * Calls that no box with one id can carry out, but for that id itself. setfsuid(2) and setfsgid(2) return an id. On
 * i386 they have 16 bits for an id, and others with "32" after their names have 32.
 */
const ANSWERED = [
  'chown',
  'fchown',
  'fchownat',
  'lchown',
  'setfsgid',
  'setfsuid',
  'setgid',
  'setgroups',
  'setregid',
  'setresgid',
  'setresuid',
  'setreuid',
  'setuid',
]

/** Calls that make device nodes, with the place of the mode among their arguments; the device's number follows it. */
const MAKES_NODES = { mknod: 1, mknodat: 2 } as const

/** S_IFMT, S_IFCHR and S_IFBLK: include/uapi/linux/stat.h. The kernel looks at 16 bits of the mode. */
const [TYPE, CHARACTER, BLOCK] = [0o170000n, 0o020000n, 0o060000n]

/**
 * The same filter with these answers. What it refuses stays refused. A character device 0:0, the whiteout of an
 * overlay, is made as before: it needs no privilege.
 */
export function withFakeRoot(filter: Filter): Filter {
  const numbers: Readonly<Record<string, number>> = SYSCALLS[filter.machine]
  const calls = new Map(filter.calls)
  const change = (name: string, body: (rule: Rule) => Rule[]): void => {
    const number = numbers[name]
    if (number === undefined) return
    const otherwise: Rule = { when: [], action: filter.otherwise }
    calls.set(
      number,
      [...(calls.get(number) ?? []), otherwise].flatMap((rule) => (lets(rule.action) ? body(rule) : [rule])),
    )
  }
  for (const name of ANSWERED)
    for (const each of [name, `${name}32`]) change(each, ({ when }) => [{ when, action: SUCCESS }])
  for (const [name, mode] of Object.entries(MAKES_NODES))
    change(name, (rule) => [
      { when: [...rule.when, isType(mode, CHARACTER), isNumbered(mode + 1)], action: SUCCESS },
      { when: [...rule.when, isType(mode, BLOCK)], action: SUCCESS },
      rule,
    ])
  return { ...filter, calls, ...(filter.compat && { compat: withFakeRoot(filter.compat) }) }
}

function isType(arg: number, type: bigint): Condition {
  return { arg, op: 'masked', mask: TYPE, value: type, width: 32 }
}

function isNumbered(arg: number): Condition {
  return { arg, op: 'ne', value: 0n, width: 32 }
}
