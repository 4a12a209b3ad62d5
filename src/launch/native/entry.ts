/**
 * Puts the code of src/launch/native/entry.c into a compiled program, to run before the runtime: `entry.ts PROGRAM CODE
 * SIDECAR HIDE NET`, of which the last three are in PROGRAM already.
 *
 * The code is appended to the file, behind all that the runtime reads. In the table of segments it takes the place of
 * the notes, which no system needs. Apart from that, only the address of the entry and the table of sections change.
 */
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { EXECUTABLE, PT_LOAD, PT_NOTE, READABLE, SEGMENT, WRITABLE, writeLoad } from '../elf-segment.ts'
import { coverBySections } from './sections.ts'

/** Offsets in the headers of a 64-bit ELF file, elf(5). */
const HEADER = { type: 16, entry: 24, segments: 32, segmentSize: 54, segmentCount: 56 }
const PT_DYNAMIC = 2
/** The name of the loader. */
const PT_INTERP = 3
/** The program headers themselves. */
const PT_PHDR = 6
/** What everything ignores. */
const PT_NULL = 0
/** The segment that the loader makes read-only before the program starts. */
const PT_GNU_RELRO = 0x6474e552
/** The type of a program at a fixed address. */
const ET_EXEC = 2
/** Entries of the dynamic section: 16 bytes, the tag first. */
const DYNAMIC = { procedures: 23, proceduresSize: 2, strings: 5, symbols: 6, relocations: 7, relocationsSize: 8 }
const RELOCATION_SIZE = 24
const SYMBOL_SIZE = 24
/** The largest page of any kernel that runs such programs. */
const PAGE = 65536
const WORD = 8
/** The first word of the table in the code. */
const PLACEHOLDER = 0x6e73626f78212121n

type Segment = { type: number; flags: number; offset: number; address: number; fileSize: number; memorySize: number }

const number = (bytes: Buffer, offset: number) => Number(bytes.readBigUInt64LE(offset))

function segmentsOf(file: Buffer): Segment[] {
  const [start, size, count] = [
    number(file, HEADER.segments),
    file.readUInt16LE(HEADER.segmentSize),
    file.readUInt16LE(HEADER.segmentCount),
  ]
  return Array.from({ length: count }, (_, i) => file.subarray(start + i * size, start + (i + 1) * size)).map((at) => ({
    type: at.readUInt32LE(SEGMENT.type),
    flags: at.readUInt32LE(SEGMENT.flags),
    offset: number(at, SEGMENT.offset),
    address: number(at, SEGMENT.address),
    fileSize: number(at, SEGMENT.fileSize),
    memorySize: number(at, SEGMENT.memorySize),
  }))
}

const loaded = (segments: readonly Segment[]) => segments.filter(({ type }) => type === PT_LOAD)

/** The code's offset in the file, and its address in memory. */
function roomFor(file: Buffer, segments: readonly Segment[]): { offset: number; address: number } {
  const up = (at: number) => Math.ceil(at / PAGE) * PAGE
  return {
    offset: up(file.length),
    address: up(Math.max(...loaded(segments).map(({ address, memorySize }) => address + memorySize))),
  }
}

/** The offset of the header that is replaced. It must be behind the loaded segments, which are sorted by address. */
function offsetOfNote(file: Buffer, segments: readonly Segment[]): number {
  const [last, note] = [
    segments.findLastIndex(({ type }) => type === PT_LOAD),
    segments.findLastIndex(({ type }) => type === PT_NOTE),
  ]
  if (note < last) throw new Error('the program has no notes behind its segments')
  return number(file, HEADER.segments) + note * file.readUInt16LE(HEADER.segmentSize)
}

/** Converts an offset in the file to an address, or the other way. */
function mapped(
  at: number,
  from: 'offset' | 'address',
  to: 'offset' | 'address',
  segments: readonly Segment[],
): number {
  const segment = segments.find((candidate) => candidate[from] <= at && at < candidate[from] + candidate.fileSize)
  if (segment === undefined) throw new Error(`${from} ${at} is in no segment`)
  return segment[to] + at - segment[from]
}

/**
 * The slot in which the program keeps the address of a function of the C library, or its copy of a variable of that
 * library.
 */
function slotOf(name: string, kind: 'procedures' | 'relocations', file: Buffer, segments: readonly Segment[]): number {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC)
  if (dynamic === undefined) throw new Error('the program has no dynamic section')
  const entries = Array.from(
    { length: dynamic.fileSize / 16 },
    (_, i) => [number(file, dynamic.offset + 16 * i), number(file, dynamic.offset + 16 * i + 8)] as const,
  )
  const value = (tag: number) => entries.find(([found]) => found === tag)?.[1] ?? 0
  const table = (tag: number) => mapped(value(tag), 'address', 'offset', loaded(segments))
  const [symbols, strings, relocations] = [table(DYNAMIC.symbols), table(DYNAMIC.strings), table(DYNAMIC[kind])]
  for (let at = relocations; at < relocations + value(DYNAMIC[`${kind}Size`]); at += RELOCATION_SIZE) {
    const symbol = symbols + file.readUInt32LE(at + 12) * SYMBOL_SIZE
    const start = strings + file.readUInt32LE(symbol)
    if (file.toString('latin1', start, file.indexOf(0, start)) === name)
      return writable(name, number(file, kind === 'procedures' ? at : symbol + 8), segments)
  }
  throw new Error(`the program has no slot for ${name}`)
}

/**
 * Checks that the program can write to the slot. A variable without a copy in the program has the address 0, and fails.
 */
function writable(name: string, address: number, segments: readonly Segment[]): number {
  const within = (segment: Segment) => segment.address <= address && address < segment.address + segment.memorySize
  const isFixed = segments.some((segment) => segment.type === PT_GNU_RELRO && within(segment))
  if (isFixed || !loaded(segments).some((segment) => (segment.flags & WRITABLE) !== 0 && within(segment)))
    throw new Error(`the program can't write to its slot for ${name}`)
  return address
}

/** The name of the C library's loader, with a NUL at its end. */
function loaderOf(file: Buffer, segments: readonly Segment[]): Buffer {
  const loader = segments.find(({ type }) => type === PT_INTERP)
  if (loader === undefined) throw new Error('the program names no loader')
  const name = file.subarray(loader.offset, loader.offset + loader.fileSize)
  // musl sets `environ` only after the entry has run, so what the entry puts there would be lost.
  if (name.includes('musl'))
    throw new Error("a runtime for musl can't get an entry of ours: there, use the npm package")
  return name
}

/**
 * Takes the name of the loader out of the table of segments, so that the kernel starts our code alone. Returns the
 * table as it was, with the name behind it, for loader.h; both are to be loaded at `address`.
 */
function hideLoader(file: Buffer, segments: readonly Segment[], address: number): Buffer {
  const [start, size] = [number(file, HEADER.segments), file.readUInt16LE(HEADER.segmentSize)]
  const at = (type: number) => size * segments.findIndex((segment) => segment.type === type)
  if (at(PT_PHDR) < 0) throw new Error('the program has no header of its headers')
  const table = Buffer.from(file.subarray(start, start + size * segments.length))
  table.writeBigUInt64LE(BigInt(address), at(PT_PHDR) + SEGMENT.address)
  table.writeBigUInt64LE(BigInt(address + table.length), at(PT_INTERP) + SEGMENT.address)
  file.writeUInt32LE(PT_NULL, start + at(PT_INTERP) + SEGMENT.type)
  return Buffer.concat([table, loaderOf(file, segments)])
}

/** Where each of CARRIED begins and ends in memory. */
function placesOf(carried: readonly Buffer[], file: Buffer, segments: readonly Segment[]): number[] {
  return carried.flatMap((content, n) => {
    const at = file.indexOf(content)
    if (at < 0) throw new Error(`the program does not hold the ${['sidecar', 'part hide', 'part net'][n]}`)
    const start = mapped(at, 'offset', 'address', loaded(segments))
    return [start, start + content.length]
  })
}

function put(program: string, code: Buffer, carried: readonly Buffer[]): void {
  const file = readFileSync(program)
  const segments = segmentsOf(file)
  if (file.readUInt16LE(HEADER.type) !== ET_EXEC) throw new Error('the program has no fixed address')
  const { offset, address } = roomFor(file, segments)
  const table = code.indexOf(Buffer.from(new BigUint64Array([PLACEHOLDER]).buffer))
  if (table < 0) throw new Error('the code has no table')
  const procedure = (name: string) => slotOf(name, 'procedures', file, segments)
  const headers = Math.ceil(code.length / WORD) * WORD
  const loader = headers + segments.length * file.readUInt16LE(HEADER.segmentSize)
  const size = loader + loaderOf(file, segments).length
  const targets = [
    number(file, HEADER.entry),
    slotOf('environ', 'relocations', file, segments),
    procedure('execve'),
    procedure('__errno_location'),
    ...placesOf(carried, file, segments),
    procedure('pthread_getattr_np'),
    procedure('pthread_attr_init'),
    procedure('pthread_attr_setstack'),
    address + headers,
    address + loader,
  ]
  for (const [i, target] of targets.entries())
    code.writeBigInt64LE(BigInt(target - (address + table)), table + WORD * i)
  createHash('sha256')
    .update(file)
    .update(code)
    .digest()
    .copy(code, table + WORD * targets.length)
  const start = BigInt(address)
  const segment = { offset: BigInt(offset), address: start, size: BigInt(size), alignment: BigInt(PAGE) }
  writeLoad(file, offsetOfNote(file, segments), { ...segment, flags: READABLE | EXECUTABLE, physical: start })
  coverBySections(file, segment)
  file.writeBigUInt64LE(start, HEADER.entry)
  const added = Buffer.alloc(offset - file.length + size)
  code.copy(added, offset - file.length)
  hideLoader(file, segments, address + headers).copy(added, offset - file.length + headers)
  writeFileSync(program, Buffer.concat([file, added]))
}

const [program = '', code = '', ...carried] = process.argv.slice(2)
if (carried.length !== 3) throw new Error('usage: entry.ts PROGRAM CODE SIDECAR HIDE NET')
put(
  program,
  readFileSync(code),
  carried.map((path) => readFileSync(path)),
)
