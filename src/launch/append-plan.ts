import { readFileSync } from 'node:fs'
import { sidecarPath } from '#sidecar'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'
import { PT_LOAD, PT_NOTE, READABLE, SEGMENT, writeLoad } from './elf-segment.ts'
import { partsOf } from './parts.ts'
import { MAGIC, TRAILER_BYTES } from './trailer.ts'

/**
 * The sidecar with a plan at its end. A spare program header (a note) becomes a segment with the plan, so that a start
 * finds it in memory: sidecar/plan/plan_source.c. MAGIC as its physical address marks that segment.
 */
export function withPlan(plan: Plan): Uint8Array[] {
  const program = readFileSync(sidecarPath())
  const parts = partsOf(plan)
  const text = Buffer.from(encodePlan(plan))
  const end = Buffer.alloc(TRAILER_BYTES)
  end.writeBigUInt64LE(BigInt(text.length))
  end.write(MAGIC, 8, 'latin1')
  addSegment(
    program,
    parts.reduce((sum, { length }) => sum + length, program.length),
    text.length + end.length,
  )
  return [program, ...parts, text, end]
}

/** A 64-bit ELF header, elf(5): the offsets of the program headers' place and number, and the size of one. */
const HEADERS = { start: 32, count: 56, bytes: 56 }

/** Makes LENGTH bytes at START of the file a segment at the next free address. */
function addSegment(program: Buffer, start: number, length: number): void {
  const first = Number(program.readBigUInt64LE(HEADERS.start))
  const headers = Array.from({ length: program.readUInt16LE(HEADERS.count) }, (_, n) => first + n * HEADERS.bytes)
  const word = (at: number): bigint => program.readBigUInt64LE(at)
  const last = headers.findLast((at) => program.readUInt32LE(at) === PT_LOAD)
  const note = headers.find((at) => program.readUInt32LE(at) === PT_NOTE)
  if (note === undefined || last === undefined) throw new Error('the sidecar was built without a header for the plan')
  const alignment = word(last + SEGMENT.alignment)
  const offset = BigInt(start)
  const free =
    ((word(last + SEGMENT.address) + word(last + SEGMENT.memorySize) + alignment - 1n) / alignment) * alignment
  const physical = Buffer.from(MAGIC, 'latin1').readBigUInt64LE()
  writeLoad(program, note, {
    flags: READABLE,
    offset,
    address: free + (offset % alignment),
    physical,
    size: BigInt(length),
    alignment,
  })
}
