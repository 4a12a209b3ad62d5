import { readFileSync } from 'node:fs'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'
import { sidecarPath } from './embedded.ts'
import { MAGIC, TRAILER_BYTES } from './trailer.ts'

/**
 * The sidecar with a plan at its end. The plan is also a segment of the program, made of the program header of a note that is
 * there for it: so a start finds it in memory, sidecar/source.c. The kernel has no use for a segment's physical address;
 * MAGIC there tells which one it is.
 */
export function withPlan(plan: Plan): Uint8Array[] {
  const program = readFileSync(sidecarPath())
  const text = Buffer.from(encodePlan(plan))
  const end = Buffer.alloc(TRAILER_BYTES)
  end.writeBigUInt64LE(BigInt(text.length))
  end.write(MAGIC, 8, 'latin1')
  addSegment(program, text.length + end.length)
  return [program, text, end]
}

/** elf(5): the program headers of a 64-bit ELF file, and the members that are needed here. */
const HEADERS = 32
const HEADER = { bytes: 56, type: 0, flags: 4, offset: 8, address: 16, physical: 24, inFile: 32, inMemory: 40, align: 48 } as const
const LOAD = 1
const NOTE = 4
const READ = 4

/** What follows the program, at the next free address. */
function addSegment(program: Buffer, length: number): void {
  const first = Number(program.readBigUInt64LE(HEADERS))
  const headers = Array.from({ length: program.readUInt16LE(HEADERS + 24) }, (_, n) => first + n * HEADER.bytes)
  const word = (at: number): bigint => program.readBigUInt64LE(at)
  const loads = headers.filter((at) => program.readUInt32LE(at) === LOAD)
  const note = headers.find((at) => program.readUInt32LE(at) === NOTE)
  const last = loads.at(-1)
  if (note === undefined || last === undefined) throw new Error('the sidecar was built without a header for the plan')
  const align = word(last + HEADER.align)
  const offset = BigInt(program.length)
  const free = (word(last + HEADER.address) + word(last + HEADER.inMemory) + align - 1n) / align * align
  program.writeUInt32LE(LOAD, note)
  program.writeUInt32LE(READ, note + HEADER.flags)
  program.writeBigUInt64LE(offset, note + HEADER.offset)
  program.writeBigUInt64LE(free + offset % align, note + HEADER.address)
  program.write(MAGIC, note + HEADER.physical, 'latin1')
  program.writeBigUInt64LE(BigInt(length), note + HEADER.inFile)
  program.writeBigUInt64LE(BigInt(length), note + HEADER.inMemory)
  program.writeBigUInt64LE(align, note + HEADER.align)
}
