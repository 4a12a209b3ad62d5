/**
 * Writes a root as a tar archive (POSIX.1-2001 pax), without a directory in between. The same root is the same archive
 * byte for byte: sorted names, owner 0, no names of users, and times of 1970 for directories whose times aren't kept.
 */
import { closeSync, lstatSync, openSync, renameSync, unlinkSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { SandboxError } from '../errors.ts'
import { copy, openFile } from './copy.ts'
import { failed } from './elf.ts'
import { type Entry, modeOf, secondsOf } from './manifest.ts'

const BLOCK = 512
/** The most that the eleven octal digits of a size can say. */
const MAX_SIZE = 0o77777777777
const TYPE = { file: '0', link: '2', directory: '5' } as const

/** Writes FILE, which only gets its name when it is complete. Returns the SHA-256 of each file in it by its path. */
export function writeTar(file: string, entries: readonly Entry[]): Map<string, string> {
  refuseOther(file)
  const temporary = join(dirname(file), `.${basename(file)}-${randomBytes(8).toString('hex')}`)
  let fd: number
  try {
    fd = openSync(temporary, 'wx', 0o666)
  } catch (error) {
    throw failed('cannot make the file', file, error)
  }
  try {
    const contents = new Map<string, string>()
    for (const entry of entries) {
      for (const block of headersOf(entry)) writeAll(fd, block)
      if (entry.kind === 'file') contents.set(entry.path, writeContent(fd, entry))
    }
    writeAll(fd, Buffer.alloc(2 * BLOCK))
    renameSync(temporary, file)
    return contents
  } catch (error) {
    unlinkSync(temporary)
    throw failed('cannot write the file', file, error)
  } finally {
    closeSync(fd)
  }
}

/** A file that is written replaces a regular file or nothing. */
export function refuseOther(file: string): void {
  const there = lstatSync(file, { throwIfNoEntry: false })
  if (there !== undefined && !there.isFile())
    throw new SandboxError({ step: 'rootfs', what: 'is there and is not a regular file', path: file })
}

/** An archive says a file's size before its content, so the content must have that size. */
function writeContent(fd: number, { path, stat }: Entry): string {
  const { from } = openFile(path, stat)
  try {
    const { hash, length } = copy(from, fd)
    if (length !== stat.size)
      throw new SandboxError({ step: 'rootfs', what: 'something changed the file while it was read', path })
    writeAll(fd, Buffer.alloc((BLOCK - (stat.size % BLOCK)) % BLOCK))
    return hash
  } finally {
    closeSync(from)
  }
}

function headersOf(entry: Entry): Buffer[] {
  const name = entry.path.slice(1) + (entry.kind === 'directory' ? '/' : '')
  const target = entry.kind === 'link' ? entry.target : ''
  const size = entry.kind === 'file' ? entry.stat.size : 0
  const mtime = entry.kind === 'directory' && !entry.timed ? 0 : Math.max(0, secondsOf(entry))
  // Values that don't fit into the header's fields stand in records before it.
  const records = [
    ...(fitsHeader(name, 100) ? [] : [record('path', name)]),
    ...(fitsHeader(target, 100) ? [] : [record('linkpath', target)]),
    ...(size > MAX_SIZE ? [record('size', String(size))] : []),
  ].join('')
  const mode = entry.kind === 'link' ? 0o777 : modeOf(entry)
  const own = header({ name, target, size: size > MAX_SIZE ? 0 : size, mtime, mode, type: TYPE[entry.kind] })
  if (records === '') return [own]
  const body = Buffer.from(records)
  const pax = header({ name: 'pax_header', target: '', size: body.length, mtime, mode: 0o644, type: 'x' })
  return [pax, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK), own]
}

/** The fields hold bytes; for names that aren't ASCII only a record says their encoding. */
function fitsHeader(text: string, length: number): boolean {
  return text.length <= length && /^[\x20-\x7e]*$/.test(text)
}

/** `LENGTH KEY=VALUE`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`)
  let length = rest + String(rest).length
  if (String(length).length > String(rest).length) length = rest + String(length).length
  return `${length} ${key}=${value}\n`
}

type Header = { name: string; target: string; size: number; mtime: number; mode: number; type: string }

function header({ name, target, size, mtime, mode, type }: Header): Buffer {
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, at: number, length: number): number =>
    block.write(value.toString(8).padStart(length - 1, '0'), at)
  block.write(name, 0, 100)
  octal(mode, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(mtime, 136, 12)
  block.write(type, 156)
  block.write(target, 157, 100)
  block.write('ustar\x0000', 257, 'latin1')
  // The checksum counts its own field as blanks.
  block.fill(' ', 148, 156)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at, bytes.length - at)
}
