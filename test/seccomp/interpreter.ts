type Call = { machine: number; number: number; args: readonly bigint[] }

/** Interprets a filter as the kernel does, for the instructions that our filters have. */
export const evaluate = (program: Uint8Array, call: Call): number => trace(program, call).verdict

/** The verdict, and how many instructions lead to it. */
export function trace(program: Uint8Array, call: Call): { verdict: number; instructions: number } {
  const view = new DataView(program.buffer, program.byteOffset, program.length)
  const data = new DataView(new ArrayBuffer(64))
  data.setUint32(0, call.number >>> 0, true)
  data.setUint32(4, call.machine >>> 0, true)
  call.args.forEach((arg, i) => data.setBigUint64(16 + 8 * i, BigInt.asUintN(64, arg), true))
  let [word, x, instructions] = [0, 0, 0]
  const memory: number[] = []
  for (let at = 0; at * 8 < program.length; at++) {
    const [code, yes, no, value] = [
      view.getUint16(8 * at, true),
      view.getUint8(8 * at + 2),
      view.getUint8(8 * at + 3),
      view.getUint32(8 * at + 4, true),
    ]
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
