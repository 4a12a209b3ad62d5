/** Instructions of classic BPF, and a program that is written from its end. */
import type { Action } from './filter.ts'

type Instruction = readonly [code: number, jumpTrue: number, jumpFalse: number, value: number]

/** include/uapi/linux/bpf_common.h. A is the register that calculations change, X the other one. */
export const LOAD = 0x20 // ld [k], a word of seccomp_data
export const LOAD_MEMORY = 0x60 // ld M[k]
export const LOAD_X = 0x01 // ldx #k
export const STORE_X = 0x03 // stx M[k]
export const COPY_TO_X = 0x07 // tax
export const AND = 0x54
export const SHIFT_RIGHT_BY_X = 0x7c
const JUMP = 0x05
export const JUMP_EQUAL = 0x15
export const JUMP_GREATER = 0x25
export const JUMP_GREATER_EQUAL = 0x35
export const JUMP_SET = 0x45
const RETURN = 0x06

/** A conditional jump has eight bits for its distance. */
const MAX_JUMP = 255

/** Position of an instruction, counted from the end: 1 is the last one. */
export type Label = number

/** Jumps lead forward only, so a program is written from its end: the target of each jump is then known. */
export class Program {
  readonly #reversed: Instruction[] = []
  readonly #returns = new Map<Action, Label>()
  readonly #shared = new Map<string, Label>()

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

  /** An instruction that goes on at NEXT. */
  step(code: number, value: number, next: Label): Label {
    if (next !== this.length) this.#add([JUMP, 0, 0, this.#distance(next)])
    return this.#add([code, 0, 0, value])
  }

  /** What BODY writes, once for each KEY as long as a jump reaches it. */
  shared(key: string, body: () => Label): Label {
    const known = this.#shared.get(key)
    if (known !== undefined && this.#reaches(known)) return known
    const label = body()
    this.#shared.set(key, label)
    return label
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
