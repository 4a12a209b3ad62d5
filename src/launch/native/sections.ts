/**
 * The table of sections of a compiled program. The kernel doesn't read it, but `strip` and its kin keep of a file only
 * what a section covers: without a section of its own, the word with which the runtime finds the program's JavaScript
 * becomes 0, and a segment that was added becomes empty.
 */

/** elf(5): offsets in the headers of a 64-bit ELF file, and into the 64 bytes of a section header. */
const HEADER = { sections: 40, sectionSize: 58, sectionCount: 60, names: 62 }
const SECTION = { name: 0, type: 4, flags: 8, address: 16, offset: 24, size: 32, alignment: 48 }
const SHT_PROGBITS = 1
const SHF_ALLOC = 2
const SHF_EXECINSTR = 4
/** The section in which the runtime keeps a program's JavaScript. */
const PAYLOAD = '.bun'
/** Notes for tracers, which no tool needs to run the program. */
const UNUSED = '.note.stapsdt'
const WORD = 8

/** `at` is the offset of the header; the rest is in bytes. */
type Section = { name: string; at: number; address: number; offset: number; size: number }

function sectionsOf(file: Buffer): Section[] {
  const number = (at: number) => Number(file.readBigUInt64LE(at))
  const [start, size] = [number(HEADER.sections), file.readUInt16LE(HEADER.sectionSize)]
  const names = number(start + file.readUInt16LE(HEADER.names) * size + SECTION.offset)
  return Array.from({ length: file.readUInt16LE(HEADER.sectionCount) }, (_, i) => start + i * size).map((at) => {
    const name = names + file.readUInt32LE(at + SECTION.name)
    return {
      name: file.toString('latin1', name, file.indexOf(0, name)),
      at,
      address: number(at + SECTION.address),
      offset: number(at + SECTION.offset),
      size: number(at + SECTION.size),
    }
  })
}

function named(name: string, sections: readonly Section[]): Section {
  const section = sections.find((candidate) => candidate.name === name)
  if (section === undefined) throw new Error(`the program has no section ${name}`)
  return section
}

/** Lets the section before the word with the payload's address cover that word, too. */
function coverPayloadWord(file: Buffer, sections: readonly Section[]): void {
  const { address } = named(PAYLOAD, sections)
  const before = sections.find(
    ({ address: start, offset, size }) =>
      start > 0 &&
      size > 0 &&
      offset + size + WORD <= file.length &&
      file.readBigUInt64LE(offset + size) === BigInt(address) &&
      !sections.some((other) => other.offset <= offset + size && offset + size < other.offset + other.size),
  )
  if (before === undefined) throw new Error(`no section ends before the word with the address of ${PAYLOAD}`)
  file.writeBigUInt64LE(BigInt(before.size + WORD), before.at + SECTION.size)
}

/** Covers the payload's word, and a loaded segment with code at `offset` of the file; all in bytes. */
export function coverBySections(
  file: Buffer,
  { offset, address, size, alignment }: Record<'offset' | 'address' | 'size' | 'alignment', bigint>,
): void {
  const sections = sectionsOf(file)
  coverPayloadWord(file, sections)
  const { at } = named(UNUSED, sections)
  file.writeUInt32LE(SHT_PROGBITS, at + SECTION.type)
  file.writeBigUInt64LE(BigInt(SHF_ALLOC | SHF_EXECINSTR), at + SECTION.flags)
  const values = { offset, address, size, alignment }
  for (const name of Object.keys(values) as (keyof typeof values)[])
    file.writeBigUInt64LE(values[name], at + SECTION[name])
}
