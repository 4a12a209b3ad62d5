/** Functions of the C library that the runtime has none for. Loading this takes some 4 ms. */
import { dlopen, ptr, read } from 'bun:ffi'
import { readFileSync } from 'node:fs'
import { errnoName } from '../host/errno.ts'

const { symbols } = dlopen('libc.so.6', {
  memfd_create: { args: ['ptr', 'u32'], returns: 'i32' },
  fcntl: { args: ['i32', 'i32', 'i64'], returns: 'i32' },
  execve: { args: ['ptr', 'ptr', 'ptr'], returns: 'i32' },
  __errno_location: { args: [], returns: 'ptr' },
})

const MFD_CLOEXEC = 1
const F_SETFD = 2

/** A nameless file in memory, memfd_create(2). Throws an error with `code`. */
export function memfdCreate(name: string): number {
  return checked(symbols.memfd_create(ptr(text(name)), MFD_CLOEXEC))
}

/** execve(2) with our environment, byte by byte, and the descriptor KEPT open across it. Comes back by an error with `code`. */
export function execve(path: string, argv: readonly string[], kept: number): void {
  const environment = readFileSync('/proc/self/environ')
  if (kept > 2) checked(symbols.fcntl(kept, F_SETFD, 0))
  const entries = splitEnvironment(environment)
  checked(symbols.execve(ptr(text(path)), ptr(pointers(argv.map(text))), ptr(pointers(entries))))
}

/** Buffers that end in NUL, as they lie in the file. */
function splitEnvironment(bytes: Buffer): Buffer[] {
  const entries: Buffer[] = []
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(0, start)
    entries.push(Buffer.from(bytes.subarray(start, end + 1)))
    start = end + 1
  }
  return entries
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`)

/** An array of pointers that ends in NULL. */
function pointers(buffers: readonly Buffer[]): BigUint64Array {
  alive.push(...buffers)
  return BigUint64Array.from([...buffers.map((buffer) => BigInt(ptr(buffer))), 0n])
}

/** What the C side points at must not be collected meanwhile. */
const alive: Buffer[] = []

function checked(result: number): number {
  if (result >= 0) return result
  const place = symbols.__errno_location()
  const number = place === null ? 0 : read.i32(place)
  throw Object.assign(new Error('system call failed'), { code: errnoName(number) ?? 'EIO' })
}
