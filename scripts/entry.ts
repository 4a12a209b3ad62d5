/**
 * Puts the code of src/launch/entry.c into a compiled program, to run before the runtime: `entry.ts PROGRAM CODE`.
 *
 * No header changes but the address of the entry. Between two segments the linker leaves bytes that are in the file, and
 * in memory too since segments are mapped by whole pages: those right before the executable segment take the code.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs'

/** Offsets in the headers of a 64-bit ELF file, elf(5). */
const HEADER = { entry: 24, segments: 32, segmentSize: 54, segmentCount: 56 }
const SEGMENT = { flags: 4, offset: 8, address: 16, fileSize: 32 }
const PT_LOAD = 1
const EXECUTABLE = 1
const PAGE = 4096
/** What stands in the code in place of the way to the runtime's entry. */
const PLACEHOLDER = 0x6e73626f78212121n

type Segment = { flags: number; offset: number; address: number; fileSize: number }

function segmentsOf(head: Buffer): Segment[] {
  const [start, size, count] = [Number(head.readBigUInt64LE(HEADER.segments)), head.readUInt16LE(HEADER.segmentSize), head.readUInt16LE(HEADER.segmentCount)]
  const all = Array.from({ length: count }, (_, i) => head.subarray(start + i * size, start + (i + 1) * size))
  const number = (at: Buffer, place: number) => Number(at.readBigUInt64LE(place))
  return all.filter((at) => at.readUInt32LE(0) === PT_LOAD).map((at) => ({
    flags: at.readUInt32LE(SEGMENT.flags), offset: number(at, SEGMENT.offset), address: number(at, SEGMENT.address), fileSize: number(at, SEGMENT.fileSize),
  }))
}

/** Offset and address of free bytes in the page in which the executable segment starts. */
function roomFor(size: number, segments: readonly Segment[]): { offset: number; address: number } {
  const text = segments.find(({ flags }) => (flags & EXECUTABLE) !== 0)
  if (text === undefined) throw new Error('there is no executable segment')
  const before = Math.max(0, ...segments.filter(({ offset }) => offset < text.offset).map(({ offset, fileSize }) => offset + fileSize))
  const start = (text.offset - size) & ~15
  if (start < before || start < text.offset - text.offset % PAGE) throw new Error(`there are no ${size} free bytes before the executable segment`)
  return { offset: start, address: text.address - (text.offset - start) }
}

function put(program: string, code: Buffer): void {
  const file = openSync(program, 'r+')
  try {
    const head = Buffer.alloc(PAGE)
    readSync(file, head, 0, PAGE, 0)
    const { offset, address } = roomFor(code.length, segmentsOf(head))
    const there = Buffer.alloc(code.length)
    readSync(file, there, 0, there.length, offset)
    if (there.some((byte) => byte !== 0)) throw new Error('the bytes before the executable segment are in use')
    const slot = code.indexOf(Buffer.from(new BigUint64Array([PLACEHOLDER]).buffer))
    if (slot < 0) throw new Error('the code has no place for the way to the entry')
    code.writeBigInt64LE(head.readBigInt64LE(HEADER.entry) - BigInt(address + slot), slot)
    writeSync(file, code, 0, code.length, offset)
    head.writeBigInt64LE(BigInt(address), HEADER.entry)
    writeSync(file, head, HEADER.entry, 8, HEADER.entry)
  } finally {
    closeSync(file)
  }
}

const [program = '', code = ''] = process.argv.slice(2)
put(program, readFileSync(code))
