/**
 * A program of arm (32 bits), for kernels of arm64 that run such: it prints "runs", asks for a socket that leads out of
 * a box, sets its thread's pointer, and ends with status 7, or with 1 where the kernel answers otherwise than in a box.
 *
 * Its instructions are written here as words, since few machines have a linker for arm.
 */
const TEXT = 'runs\n'
const ADDRESS = 0x10000
const HEADERS = 52 + 32

const SVC = 0xef000000
const mov = (register: number, value: number): number => 0xe3a00000 | (register << 12) | value
/** Any 12 bits, where mov takes some patterns of eight alone. */
const movw = (register: number, value: number): number => 0xe3000000 | (register << 12) | value
const movt = (register: number, value: number): number => 0xe3400000 | (register << 12) | value

const [WRITE, SOCKET, EXIT] = [4, 281, 1]
const [AF_VSOCK, EAFNOSUPPORT] = [40, 97]
const FAIL = 20
const END = 24
/** Branches where the last comparison found a difference. From the second word behind itself, it counts in words. */
const unlessEqual = (at: number, to: number): number => 0x1a000000 | (to - at - 2)

const CODE = [
  mov(7, WRITE),
  mov(0, 1),
  0xe28f1000 | (4 * (END - 2 - 2)), // add r1, pc, #...: the text
  mov(2, TEXT.length),
  SVC,
  movw(7, SOCKET),
  mov(0, AF_VSOCK),
  mov(1, 1),
  mov(2, 0),
  SVC,
  0xe3700000 | EAFNOSUPPORT, // cmn r0, #97
  unlessEqual(11, FAIL),
  movw(7, 5), // set_tls is 0xf0005
  movt(7, 0xf),
  mov(0, 0),
  SVC,
  0xe3500000, // cmp r0, #0
  unlessEqual(17, FAIL),
  mov(0, 7),
  0xea000000 | (21 - 19 - 2), // b: over the next word
  mov(0, 1), // FAIL
  mov(7, EXIT),
  SVC,
  SVC,
]

/** The program as an ELF file. */
export function armProgram(): Buffer {
  const size = HEADERS + 4 * CODE.length + TEXT.length
  const file = Buffer.alloc(size)
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1])
  file.writeUInt16LE(2, 16) // an executable
  file.writeUInt16LE(40, 18) // of arm
  file.writeUInt32LE(1, 20)
  file.writeUInt32LE(ADDRESS + HEADERS, 24)
  file.writeUInt32LE(52, 28) // the program header
  file.writeUInt32LE(0x05000000, 36) // EABI 5
  file.writeUInt16LE(52, 40)
  file.writeUInt16LE(32, 42)
  file.writeUInt16LE(1, 44)
  // One segment: all of the file, to be read and executed.
  for (const [i, word] of [1, 0, ADDRESS, ADDRESS, size, size, 5, 0x1000].entries())
    file.writeUInt32LE(word, 52 + 4 * i)
  for (const [i, word] of CODE.entries()) file.writeUInt32LE(word >>> 0, HEADERS + 4 * i)
  file.write(TEXT, HEADERS + 4 * CODE.length)
  return file
}
