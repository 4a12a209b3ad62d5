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
const MFD_NOEXEC_SEAL = 8
const MFD_EXEC = 16
const F_SETFD = 2

/** A nameless file in memory, memfd_create(2). Throws an error with `code`. */
export function memfdCreate(name: string, executable: boolean): number {
  const create = (flags: number) => symbols.memfd_create(ptr(text(name)), flags)
  // Where vm.memfd_noexec says so, a file is executable only if that is asked for. Kernels before 6.3 don't know the flags.
  const file = create(MFD_CLOEXEC | (executable ? MFD_EXEC : MFD_NOEXEC_SEAL))
  return file >= 0 || lastError() !== 'EINVAL' ? checked(file) : checked(create(MFD_CLOEXEC))
}

/** execve(2) with our environment, byte by byte, and the descriptors KEPT open across it. Comes back by an error with `code`. */
export function execve(path: string, argv: readonly string[], kept: readonly number[]): void {
  const environment = readFileSync('/proc/self/environ')
  for (const fd of kept) checked(symbols.fcntl(fd, F_SETFD, 0))
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
  throw Object.assign(new Error('system call failed'), { code: lastError() })
}

function lastError(): string {
  const place = symbols.__errno_location()
  return errnoName(place === null ? 0 : read.i32(place)) ?? 'EIO'
}
