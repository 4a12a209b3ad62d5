/**
 * Reads what a loader reads of an ELF file: its kind, its interpreter, and the libraries that it needs. Nothing is
 * executed.
 */

import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { errnoText } from '../host/errno.ts'
import { printable } from '../text/printable.ts'
import { type Dlopen, readDlopenNotes } from './dlopen-notes.ts'
import { SYMBOLS } from './imports.ts'

export type Elf = {
  /** 32 or 64. */
  bits: 32 | 64
  /** Name of the byte order. */
  little: boolean
  /** e_machine. */
  machine: number
  /** e_type: 2 is a program at a fixed address, 3 a library or a position independent program. */
  type: number
  interpreter: string | undefined
  soname: string | undefined
  rpath: string | undefined
  runpath: string | undefined
  needed: string[]
  /** DF_1_NODEFLIB: the loader ignores the default directories, and their entries in the cache. */
  noDefaults: boolean
  /** Functions that it takes from libraries, of those that mean something to us (`SYMBOLS`). */
  imports: string[]
  /** The libraries that it opens by name, as its notes say; 'malformed' where they can't be read. */
  opens: Dlopen[] | 'malformed'
}

type Segment = { type: number; offset: number; address: number; size: number; align: number }
type Dynamic = { tag: number; value: number }

const PT = { load: 1, dynamic: 2, interp: 3, note: 4 }
const DT = {
  null: 0,
  needed: 1,
  strtab: 5,
  symtab: 6,
  strsz: 10,
  soname: 14,
  rpath: 15,
  runpath: 29,
  flags1: 0x6ffffffb,
}
/**
 * Tags whose values are addresses: PLTGOT, HASH, STRTAB, RELA, INIT, FINI, REL, JMPREL, INIT_ARRAY, RELR, GNU_HASH,
 * VERSYM, VERDEF, VERNEED.
 */
const ADDRESSES = [3, 4, 5, 7, 12, 13, 17, 23, 25, 36, 0x6ffffef5, 0x6ffffff0, 0x6ffffffc, 0x6ffffffe]
const NODEFLIB = 0x800
/** SHN_UNDEF. */
const UNDEFINED = 0
/** A file that exceeds these is broken or hostile, and not read into memory. */
const LIMIT = { path: 4096, dynamic: 1 << 20, strings: 64 << 20, symbols: 256 << 20, notes: 1 << 20 }

/** The error of a system call, with the number's own text. */
export function failed(what: string, path: string, error: unknown, hint?: string): SandboxError {
  if (error instanceof SandboxError) return error
  const { code } = error as NodeJS.ErrnoException
  const text = code === undefined ? undefined : errnoText(code)
  return new SandboxError({ step: 'rootfs', what: printable(what), path, code, text, hint })
}

/** The file's headers, or undefined when it isn't an ELF file. */
export function readElf(path: string): Elf | undefined {
  let fd: number | undefined
  try {
    // Opening a FIFO or a device could block, or change it.
    if (!statSync(path).isFile()) throw new SandboxError({ step: 'rootfs', what: 'not a regular file', path })
    fd = openSync(path, 'r')
    const magic = Buffer.alloc(4)
    if (readSync(fd, magic, 0, 4, 0) < 4 || magic.toString('latin1') !== '\x7fELF') return undefined
    return new Reader(path, fd).elf()
  } catch (error) {
    throw failed('cannot read the file', path, error)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** Whether a regular file has the first bytes of an ELF file. */
export function isElf(path: string): boolean {
  return statSync(path).isFile() && startOf(path) !== undefined
}

/** Whether the file begins as a program or a library does; an object file or a core has no libraries. */
export function isLoadable(path: string): boolean {
  const head = startOf(path)
  // e_type is a number of two bytes in the file's byte order, and small.
  return head !== undefined && [2, 3].includes(Math.max(head[16] ?? 0, head[17] ?? 0))
}

function startOf(path: string): Buffer | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const head = Buffer.alloc(18)
    return readSync(fd, head, 0, 18, 0) >= 4 && head.toString('latin1', 0, 4) === '\x7fELF' ? head : undefined
  } finally {
    closeSync(fd)
  }
}

class Reader {
  readonly #path: string
  readonly #fd: number
  readonly #size: number
  #wide = true
  #little = true

  constructor(path: string, fd: number) {
    this.#path = path
    this.#fd = fd
    this.#size = fstatSync(fd).size
  }

  elf(): Elf {
    const ident = this.#bytes(0, 16, 'header')
    if (ident[4] !== 1 && ident[4] !== 2) throw this.#malformed(`class ${ident[4]} is neither 32 nor 64 bits`)
    if (ident[5] !== 1 && ident[5] !== 2) throw this.#malformed(`byte order ${ident[5]} is unknown`)
    this.#wide = ident[4] === 2
    this.#little = ident[5] === 1
    const header = this.#bytes(0, this.#wide ? 64 : 52, 'header')
    const type = this.#half(header, 16)
    if (type !== 2 && type !== 3) throw this.#malformed(`type ${type} is neither a program nor a library`)
    const segments = this.#segments(header)
    return {
      bits: this.#wide ? 64 : 32,
      little: this.#little,
      machine: this.#half(header, 18),
      type,
      interpreter: this.#interpreter(segments),
      ...this.#dynamic(segments),
      opens: this.#opens(segments),
    }
  }

  /** Notes that break their format hinder no start, so they are no error. */
  #opens(segments: Segment[]): Elf['opens'] {
    const notes = segments.filter((s) => s.type === PT.note)
    try {
      return notes.flatMap(({ offset, size, align }) =>
        size > LIMIT.notes
          ? []
          : readDlopenNotes(this.#bytes(offset, size, 'notes'), align, (b, at) => this.#int(b, at)),
      )
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RangeError) return 'malformed'
      throw error
    }
  }

  #segments(header: Buffer): Segment[] {
    const start = this.#wide ? this.#word(header, 32) : this.#word(header, 28)
    const [size, count] = this.#wide
      ? [this.#half(header, 54), this.#half(header, 56)]
      : [this.#half(header, 42), this.#half(header, 44)]
    if (count === 0) throw this.#malformed('it has no program headers')
    if (size !== (this.#wide ? 56 : 32)) throw this.#malformed(`its program headers are ${size} bytes each`)
    const table = this.#bytes(start, size * count, 'program headers')
    return Array.from({ length: count }, (_, i) => {
      const at = table.subarray(i * size)
      const [offset, address, length, align] = this.#wide ? [8, 16, 32, 48] : [4, 8, 16, 28]
      return {
        type: this.#int(at, 0),
        offset: this.#word(at, offset),
        address: this.#word(at, address),
        size: this.#word(at, length),
        align: this.#word(at, align),
      }
    })
  }

  #interpreter(segments: Segment[]): string | undefined {
    const segment = segments.find((s) => s.type === PT.interp)
    if (segment === undefined) return undefined
    if (segment.size > LIMIT.path) throw this.#malformed('the name of its interpreter is too long')
    const bytes = this.#bytes(segment.offset, segment.size, 'interpreter')
    const end = bytes.indexOf(0)
    if (end < 1) throw this.#malformed('the name of its interpreter is empty or has no end')
    return bytes.toString('utf8', 0, end)
  }

  #dynamic(segments: Segment[]): Pick<Elf, 'needed' | 'noDefaults' | 'soname' | 'rpath' | 'runpath' | 'imports'> {
    const entries = this.#entries(segments)
    const value = (tag: number): number | undefined => entries.find((e) => e.tag === tag)?.value
    const noDefaults = ((value(DT.flags1) ?? 0) & NODEFLIB) !== 0
    const named = entries.filter((e) => [DT.needed, DT.soname, DT.rpath, DT.runpath].includes(e.tag))
    // A static program has no string table.
    const strings = named.length === 0 ? Buffer.alloc(0) : this.#strings(segments, value(DT.strtab), value(DT.strsz))
    const texts = (tag: number): string[] => named.filter((e) => e.tag === tag).map((e) => this.#text(strings, e.value))
    return {
      needed: texts(DT.needed),
      noDefaults,
      soname: texts(DT.soname)[0],
      rpath: texts(DT.rpath)[0],
      runpath: texts(DT.runpath)[0],
      imports: this.#imports(segments, entries, strings),
    }
  }

  /** Symbols that the file has no definition of, of those in `SYMBOLS`. */
  #imports(segments: Segment[], entries: Dynamic[], strings: Buffer): string[] {
    // A name may be the end of a longer one in the string table.
    const names = new Map<number, string>()
    for (const name of SYMBOLS) {
      const text = Buffer.from(`${name}\0`)
      for (let at = strings.indexOf(text); at >= 0; at = strings.indexOf(text, at + 1)) names.set(at, name)
    }
    const start = entries.find((e) => e.tag === DT.symtab)?.value
    if (names.size === 0 || start === undefined) return []
    const table = this.#symbolTable(segments, start, entries)
    const width = this.#wide ? 24 : 16
    const found = new Set<string>()
    for (let at = 0; at + width <= table.length; at += width) {
      const name = names.get(this.#int(table, at))
      const section = this.#half(table, at + (this.#wide ? 6 : 14))
      if (name !== undefined && section === UNDEFINED) found.add(name)
    }
    return [...found].sort()
  }

  /**
   * The table, which says nowhere how long it is: up to the next address that the dynamic section names, and at most to
   * the end of its segment. What lies behind it has no names of ours.
   */
  #symbolTable(segments: Segment[], start: number, entries: Dynamic[]): Buffer {
    const within = segments.find((s) => s.type === PT.load && start >= s.address && start < s.address + s.size)
    if (within === undefined) throw this.#malformed('its symbol table is in no segment')
    const ends = entries.filter((e) => ADDRESSES.includes(e.tag) && e.value > start).map((e) => e.value)
    const end = Math.min(within.address + within.size, ...ends)
    if (end - start > LIMIT.symbols) throw this.#malformed('its symbol table is too long')
    return this.#bytes(within.offset + start - within.address, end - start, 'symbol table')
  }

  #entries(segments: Segment[]): Dynamic[] {
    const segment = segments.find((s) => s.type === PT.dynamic)
    if (segment === undefined) return []
    if (segment.size > LIMIT.dynamic) throw this.#malformed('its dynamic section is too long')
    const bytes = this.#bytes(segment.offset, segment.size, 'dynamic section')
    const width = this.#wide ? 8 : 4
    const entries: Dynamic[] = []
    for (let at = 0; at + 2 * width <= bytes.length; at += 2 * width) {
      const tag = this.#word(bytes, at, true)
      if (tag === DT.null) break
      entries.push({ tag, value: this.#word(bytes, at + width, true) })
    }
    return entries
  }

  #strings(segments: Segment[], address: number | undefined, size: number | undefined): Buffer {
    if (address === undefined || size === undefined) throw this.#malformed('its dynamic section has no string table')
    if (size > LIMIT.strings) throw this.#malformed('its string table is too long')
    const within = segments.find(
      (s) => s.type === PT.load && address >= s.address && address + size <= s.address + s.size,
    )
    if (within === undefined) throw this.#malformed('its string table is in no segment')
    return this.#bytes(within.offset + address - within.address, size, 'string table')
  }

  #text(strings: Buffer, at: number): string {
    const end = at < strings.length ? strings.indexOf(0, at) : -1
    if (end < 0) throw this.#malformed('a name lies outside of its string table')
    return strings.toString('utf8', at, end)
  }

  #bytes(offset: number, length: number, what: string): Buffer {
    const bytes = Buffer.alloc(offset + length <= this.#size ? length : 0)
    if (bytes.length < length || readSync(this.#fd, bytes, 0, length, offset) < length) {
      throw this.#malformed(`it ends within its ${what}`)
    }
    return bytes
  }

  #half(bytes: Buffer, at: number): number {
    return this.#little ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)
  }

  #int(bytes: Buffer, at: number): number {
    return this.#little ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at)
  }

  /** A word of the file's class. Only values of dynamic entries that we don't use may be larger than a file can be. */
  #word(bytes: Buffer, at: number, any = false): number {
    if (!this.#wide) return this.#int(bytes, at)
    const value = Number(this.#little ? bytes.readBigUInt64LE(at) : bytes.readBigUInt64BE(at))
    if (!any && !Number.isSafeInteger(value)) throw this.#malformed('an offset in its headers is out of range')
    return value
  }

  #malformed(why: string): SandboxError {
    return new SandboxError({ step: 'rootfs', what: `malformed ELF file: ${why}`, path: this.#path })
  }
}
