/** elf(5): the members of a program header in a 64-bit ELF file, as offsets into its 56 bytes. */
export const SEGMENT = {
  type: 0,
  flags: 4,
  offset: 8,
  address: 16,
  physical: 24,
  fileSize: 32,
  memorySize: 40,
  alignment: 48,
} as const
export const PT_LOAD = 1
export const PT_NOTE = 4
export const EXECUTABLE = 1
export const WRITABLE = 2
export const READABLE = 4

/** All in bytes. The kernel ignores the physical address. */
type Load = { flags: number; offset: bigint; address: bigint; physical: bigint; size: bigint; alignment: bigint }

/** Writes the program header of a loaded segment at an offset of the file. */
export function writeLoad(file: Buffer, at: number, { flags, offset, address, physical, size, alignment }: Load): void {
  file.writeUInt32LE(PT_LOAD, at + SEGMENT.type)
  file.writeUInt32LE(flags, at + SEGMENT.flags)
  const values = { offset, address, physical, fileSize: size, memorySize: size, alignment }
  for (const name of Object.keys(values) as (keyof typeof values)[])
    file.writeBigUInt64LE(values[name], at + SEGMENT[name])
}
