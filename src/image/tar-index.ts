/**
 * Names, offsets and sizes of what an uncompressed tar holds: pax(1) with its extended headers, and GNU's long names
 * and large numbers. For the archives around images, which have few members; it unpacks nothing.
 */
import { SandboxError } from '../errors.ts'
import { fromBytes } from '../text/bytes.ts'
import { DAMAGED, readRange, type Range } from './ranges.ts'

const BLOCK = 512
/** A layer, a configuration and a few more for each of 500 layers, with directories. */
const MAX_MEMBERS = 20000
/** Bytes of an extended header or a long name. */
const MAX_EXTENDED = 1 << 20

export type Member = Range | { link: string }

type Header = { name: string; size: number; type: string; link: string }

/** Regular files and symbolic links by clean name, without "./" in front. Throws SandboxError. */
export function indexTar(file: Range, about: string): Map<string, Member> {
  const members = new Map<string, Member>()
  let next: Partial<Header> = {}
  let at = 0
  for (let count = 0; ; count++) {
    if (count > MAX_MEMBERS) throw damaged(`holds more than ${MAX_MEMBERS} members`, about)
    const header = headerAt(file, at, about)
    if (header === undefined) return members
    const size = next.size ?? header.size
    const end = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK
    if (!Number.isSafeInteger(end) || at + BLOCK + size > file.size) throw damaged('ends too early', about)
    const content = { fd: file.fd, offset: file.offset + at + BLOCK, size }
    at = end
    const extended = extendedBy(header.type, content, about)
    if (extended !== undefined) {
      next = { ...next, ...extended }
      continue
    }
    const name = cleanName(next.name ?? header.name, about)
    // A second member of the same name would mean another image to another reader.
    if (isFile(header.type) || header.type === '2') {
      if (members.has(name)) throw damaged('holds two members of one name', `${about}: ${name}`)
      members.set(name, isFile(header.type) ? content : { link: next.link ?? header.link })
    }
    next = {}
  }
}

const isFile = (type: string): boolean => type === '0' || type === '\0' || type === '7'

function headerAt(file: Range, at: number, about: string): Header | undefined {
  // Some writers leave out the blocks of zeros at the end.
  if (at === file.size) return undefined
  if (at + BLOCK > file.size) throw damaged('ends too early', about)
  const block = readRange({ fd: file.fd, offset: file.offset + at, size: BLOCK }, BLOCK, about)
  if (block.every((byte) => byte === 0)) return undefined
  const stored = number(block, 148, 8)
  let sum = 0
  for (let n = 0; n < BLOCK; n++) sum += n >= 148 && n < 156 ? 32 : (block[n] ?? 0)
  if (stored !== sum) throw damaged('has a header with a wrong sum', about)
  const size = number(block, 124, 12)
  if (size === undefined) throw damaged('has a header with a wrong size', about)
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isPosix ? textAt(block, 345, 155) : ''
  const name = textAt(block, 0, 100)
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    size,
    type: block.toString('latin1', 156, 157),
    link: textAt(block, 157, 100),
  }
}

function textAt(block: Buffer, at: number, length: number): string {
  const bytes = block.subarray(at, at + length)
  const end = bytes.indexOf(0)
  return fromBytes(end < 0 ? bytes : bytes.subarray(0, end))
}

/** Octal text, or a large number of GNU's: the first bit set, and the rest in base 256. */
function number(block: Buffer, at: number, length: number): number | undefined {
  if (((block[at] ?? 0) & 0x80) !== 0) {
    let value = (block[at] ?? 0) & 0x7f
    for (let n = at + 1; n < at + length; n++) value = value * 256 + (block[n] ?? 0)
    return Number.isSafeInteger(value) ? value : undefined
  }
  const digits = /^ *([0-7]*)[ \0]*$/.exec(block.toString('latin1', at, at + length))?.[1]
  return digits === undefined ? undefined : digits === '' ? 0 : parseInt(digits, 8)
}

/** Returns what a header that isn't a member says about the next one; undefined for a member. */
function extendedBy(type: string, content: Range, about: string): Partial<Header> | undefined {
  const whole = () => readRange(content, MAX_EXTENDED, about)
  if (type === 'L') return { name: textAt(whole(), 0, content.size) }
  if (type === 'K') return { link: textAt(whole(), 0, content.size) }
  if (type === 'x') return paxRecords(whole(), about)
  // One for the whole archive says nothing that we read: names and sizes of members differ.
  if (type === 'g') return {}
  if (type === 'S') throw damaged('holds a sparse file', about)
  return undefined
}

/** Lines of "LENGTH KEY=VALUE". */
function paxRecords(bytes: Buffer, about: string): Partial<Header> {
  const found: Partial<Header> = {}
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at)
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space)
    const length = /^[1-9][0-9]{0,7}$/.test(digits) ? Number(digits) : NaN
    const record = bytes.subarray(space + 1, at + length)
    const equals = record.indexOf(0x3d)
    if (!(at + length <= bytes.length) || at + length <= space || equals < 0 || bytes[at + length - 1] !== 0x0a)
      throw damaged('has a broken extended header', about)
    const key = record.toString('latin1', 0, equals)
    const value = fromBytes(record.subarray(equals + 1, -1))
    if (key === 'path') found.name = value
    else if (key === 'linkpath') found.link = value
    else if (key === 'size') {
      if (!/^(0|[1-9][0-9]{0,15})$/.test(value)) throw damaged('has a broken extended header', about)
      found.size = Number(value)
    } else if (key.startsWith('GNU.sparse.')) throw damaged('holds a sparse file', about)
    at += length
  }
  return found
}

/** "./a//b/" is "a/b". No engine makes an archive with ".." in a name. */
function cleanName(name: string, about: string): string {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || name.includes('\0')) throw damaged('holds a name with .. or NUL in it', about)
  return parts.join('/')
}

function damaged(what: string, path: string): SandboxError {
  return new SandboxError({ step: 'image', what: `the archive ${what}`, path, hint: DAMAGED })
}
