/** What a filter says to a call: the program interpreted as the kernel does. */

export type Call = {
  /** AUDIT_ARCH_* of include/uapi/linux/audit.h */
  machine: number
  number: number
  /** Six at most; what is missing is 0. */
  args: readonly bigint[]
}

/** AUDIT_ARCH_* of include/uapi/linux/audit.h */
export const MACHINES = { x64: 0xc000003e, arm64: 0xc00000b7, i386: 0x40000003, arm: 0x40000028 } as const

/** Whether such calls are those of 32-bit programs. */
export const isCompat = (machine: number): boolean => machine === MACHINES.i386 || machine === MACHINES.arm

/**
 * The action that the filter returns (filter.ts), and how many instructions lead to it. Only the instructions of our
 * filters are known; throws Error for others.
 */
export function judge(program: Uint8Array, call: Call): { verdict: number; instructions: number } {
  const view = new DataView(program.buffer, program.byteOffset, program.length)
  const data = dataOf(call)
  let [word, x, instructions] = [0, 0, 0]
  const memory: number[] = []
  for (let at = 0; at * 8 < program.length; at++) {
    const code = view.getUint16(8 * at, true)
    const [yes, no] = [view.getUint8(8 * at + 2), view.getUint8(8 * at + 3)]
    const value = view.getUint32(8 * at + 4, true)
    instructions++
    if (code === 0x20) word = data.getUint32(value, true)
    else if (code === 0x54) word = (word & value) >>> 0
    else if (code === 0x01) x = value
    else if (code === 0x03) memory[value] = x
    else if (code === 0x60) {
      const stored = memory[value]
      if (stored === undefined) throw new Error(`instruction ${at}: nothing is in M[${value}]`)
      word = stored
    } else if (code === 0x07) x = word
    else if (code === 0x7c) {
      if (x > 31) throw new Error(`instruction ${at}: a shift by ${x}`)
      word >>>= x
    } else if (code === 0x45) at += (word & value) !== 0 ? yes : no
    else if (code === 0x05) at += value
    else if (code === 0x15) at += word === value ? yes : no
    else if (code === 0x25) at += word > value ? yes : no
    else if (code === 0x35) at += word >= value ? yes : no
    else if (code === 0x06) return { verdict: value, instructions }
    else throw new Error(`instruction ${at}: code ${code}`)
  }
  throw new Error('the program has no end')
}

/** The action alone; undefined where nobody knows it: a stored plan may have anybody's filter. */
export function verdictOf(program: Uint8Array, call: Call): number | undefined {
  try {
    return judge(program, call).verdict
  } catch {
    return undefined
  }
}

/** struct seccomp_data, seccomp(2). */
function dataOf({ machine, number, args }: Call): DataView {
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, number >>> 0, true)
  data.setUint32(4, machine >>> 0, true)
  for (const [n, arg] of args.entries()) data.setBigUint64(16 + 8 * n, BigInt.asUintN(64, arg), true)
  return data
}
