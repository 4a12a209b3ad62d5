/**
 * The same as execute.ts without native/entry.c: by the C library's own functions, which `bun:ffi` calls. It takes
 * longer, and it can't know what the runtime has changed before our first line. README.md of native/ says what differs.
 */
import * as ffi from 'bun:ffi'
import * as fs from 'node:fs'
import { sidecarPath } from '#sidecar'
import { errnoName } from '../host/errno.ts'
import type { Plan } from '../plan/types.ts'
import { partsOf } from './parts.ts'
import { MAGIC, TRAILER_BYTES } from './trailer.ts'
import { writeAll } from './tmpfile.ts'

const FUNCTIONS = {
  execve: { args: ['ptr', 'ptr', 'ptr'], returns: 'int' },
  fcntl: { args: ['int', 'int', 'int'], returns: 'int' },
  memfd_create: { args: ['ptr', 'u32'], returns: 'int' },
  prlimit: { args: ['int', 'int', 'ptr', 'ptr'], returns: 'int' },
  signal: { args: ['int', 'u64'], returns: 'u64' },
  __errno_location: { args: [], returns: 'ptr' },
} as const

const SET_DESCRIPTOR_FLAGS = 2
const ADD_SEALS = 1033
const ALL_SEALS = 15
const CLOEXEC_AND_SEALS = 3
/**
 * Where vm.memfd_noexec says so, a file is executable only if that is asked for. Kernels before 6.3 don't know the
 * flag.
 */
const EXECUTABLE = 16
/** The runtime ignores them: SIGPIPE and SIGXFSZ. */
const IGNORED = [13, 25]
const DEFAULT = 0
const IGNORE = 1
const OPEN_FILES = 7

export const execute: typeof import('./execute.ts').execute = (path, argv, kept) => {
  const c = ffi.dlopen('libc.so.6', FUNCTIONS).symbols
  const error = (): Error => {
    const code = errnoName(ffi.read.i32(c.__errno_location() as ffi.Pointer, 0)) ?? 'EIO'
    return Object.assign(new Error(code), { code })
  }
  const memory: Buffer[] = []
  const text = (bytes: Uint8Array): ffi.Pointer => {
    const at = Buffer.concat([bytes, Buffer.alloc(1)])
    memory.push(at)
    return ffi.ptr(at)
  }
  const list = (words: readonly Uint8Array[]): ffi.Pointer => {
    const at = Buffer.from(new BigUint64Array([...words.map((word) => BigInt(text(word))), 0n]).buffer)
    memory.push(at)
    return ffi.ptr(at)
  }
  const memoryFile = (): number => {
    const name = text(Buffer.from('nsbox'))
    const made = c.memfd_create(name, CLOEXEC_AND_SEALS | EXECUTABLE)
    const fd = made >= 0 ? made : c.memfd_create(name, CLOEXEC_AND_SEALS)
    if (fd < 0) throw error()
    return fd
  }
  const setSoftLimit = (soft: bigint | undefined): bigint | undefined => {
    const limit = new BigUint64Array(2)
    if (soft === undefined || c.prlimit(0, OPEN_FILES, null, limit) !== 0) return undefined
    const before = limit[0]
    limit[0] = soft
    return c.prlimit(0, OPEN_FILES, limit, null) === 0 ? before : undefined
  }

  let program = path
  let words = argv
  if (path === 'nsbox' || path === 'nsbox+') {
    const fd = memoryFile()
    for (const part of withTrailer(argv[0] as string)) writeAll(fd, part)
    c.fcntl(fd, ADD_SEALS, ALL_SEALS)
    program = `/proc/self/fd/${fd}`
    words = ['nsbox']
  }
  for (const fd of kept) c.fcntl(fd, SET_DESCRIPTOR_FLAGS, 0)
  const [file, given, environment] = [
    text(Buffer.from(program)),
    list(words.map((word) => Buffer.from(word))),
    list(variables()),
  ]
  for (const signal of IGNORED) c.signal(signal, DEFAULT)
  const before = setSoftLimit(softLimitOfCaller())
  c.execve(file, given, environment)
  const failure = error()
  setSoftLimit(before)
  for (const signal of IGNORED) c.signal(signal, IGNORE)
  throw failure
}

/** Here nobody knows: then one has to look. */
export const holds: typeof import('./execute.ts').holds = () => false

export const isWhole: typeof import('./execute.ts').isWhole = () => true

function withTrailer(plan: string): Uint8Array[] {
  const text = Buffer.from(plan)
  const end = Buffer.alloc(TRAILER_BYTES)
  end.writeBigUInt64LE(BigInt(text.length))
  end.write(MAGIC, 8, 'latin1')
  return [fs.readFileSync(sidecarPath()), ...partsOf(JSON.parse(plan) as Plan), text, end]
}

/** The kernel's copy is the caller's own, byte by byte. */
function variables(): Buffer[] {
  const text = fs.readFileSync('/proc/self/environ', 'latin1')
  return text === ''
    ? []
    : text
        .replace(/\0$/, '')
        .split('\0')
        .map((entry) => Buffer.from(entry, 'latin1'))
}

/**
 * The runtime has set the soft limit on open files to the hard one. What it was before is nowhere; but a limit is
 * inherited, so most often it was that of the process that started us.
 */
function softLimitOfCaller(): bigint | undefined {
  const limits = (pid: number | 'self') =>
    /^Max open files +(\d+) +(\d+)/m.exec(fs.readFileSync(`/proc/${pid}/limits`, 'latin1'))
  try {
    const [own, caller] = [limits('self'), limits(process.ppid)]
    if (own === null || caller === null) return undefined
    const [soft, hard] = [BigInt(caller[1] as string), BigInt(own[2] as string)]
    return soft < hard ? soft : undefined
  } catch {
    return undefined
  }
}
