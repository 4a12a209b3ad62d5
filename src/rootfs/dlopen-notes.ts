/**
 * Reads `.note.dlopen`: the libraries that a file opens when it runs, as it says itself. The format is the UAPI
 * group's specification "dlopen() Metadata for ELF Files".
 */
import { PRIORITIES, type Priority } from './choices.ts'

/** One library that a file opens by name. */
export type Dlopen = {
  /** Names for the same library, the preferred one first. */
  names: string[]
  priority: Priority
  /** The library's purpose, in a word; empty where the note doesn't say. */
  feature: string
}

const OWNER = 'FDO\0'
const TYPE = 0x407c0c0a
const HEADER = 12

/**
 * The libraries that a note segment names. `int` reads a number of the file's byte order; `align` is the segment's
 * alignment. Throws SyntaxError for a note that breaks the format.
 */
export function readDlopenNotes(bytes: Buffer, align: number, int: (bytes: Buffer, at: number) => number): Dlopen[] {
  const padded = (size: number): number => Math.ceil(size / (align === 8 ? 8 : 4)) * (align === 8 ? 8 : 4)
  const found: Dlopen[] = []
  for (let at = 0; at + HEADER <= bytes.length;) {
    const [nameSize, size, type] = [int(bytes, at), int(bytes, at + 4), int(bytes, at + 8)]
    const start = at + padded(HEADER + nameSize)
    if (type === TYPE && bytes.toString('latin1', at + HEADER, at + HEADER + nameSize) === OWNER)
      found.push(...parse(bytes.toString('utf8', start, start + size)))
    at = start + padded(size)
  }
  return found
}

function parse(text: string): Dlopen[] {
  const value: unknown = JSON.parse(text.replace(/\0.*$/s, ''))
  if (!Array.isArray(value)) throw new SyntaxError('not an array')
  return value.map(readEntry)
}

function readEntry(value: unknown): Dlopen {
  const { soname, feature, priority } = (value ?? {}) as Record<string, unknown>
  if (!Array.isArray(soname) || soname.length === 0 || !soname.every((name) => typeof name === 'string' && name !== ''))
    throw new SyntaxError('soname is not an array of names')
  return {
    names: soname as string[],
    // The specification's value for a note that says none, or one of a later edition.
    priority: PRIORITIES.find((known) => known === priority) ?? 'recommended',
    feature: typeof feature === 'string' ? feature : '',
  }
}
