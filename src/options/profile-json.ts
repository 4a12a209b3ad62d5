/** Reads JSON with comments (// and block comments) and with commas before a closing bracket. */
import { newTable, ProfileText, type ProfileTable } from './profile-text.ts'

/** Throws ProfileTextError. */
export function readJsonProfile(text: string): unknown {
  const reader = new ProfileText(text)
  const value = readValue(reader)
  skip(reader)
  if (reader.peek() !== '') reader.fail('text behind the end')
  return value
}

function skip(reader: ProfileText): void {
  for (;;) {
    if (reader.match(/[ \t\r\n]+|\/\/[^\n]*|\/\*[^]*?\*\//y) !== undefined) continue
    if (reader.text.startsWith('/*', reader.at)) reader.fail('the comment has no end')
    return
  }
}

function readValue(reader: ProfileText): unknown {
  skip(reader)
  if (reader.take('{')) return reader.nested(() => readObject(reader))
  if (reader.take('[')) return reader.nested(() => readArray(reader))
  if (reader.peek() === '"') return readString(reader)
  for (const [word, value] of [
    ['true', true],
    ['false', false],
    ['null', null],
  ] as const)
    if (reader.take(word)) return value
  const number = reader.match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
  return number === undefined
    ? reader.fail(reader.peek() === '' ? 'a value is missing' : 'no value begins so')
    : Number(number)
}

function readObject(reader: ProfileText): ProfileTable {
  const table = newTable()
  for (;;) {
    skip(reader)
    if (reader.take('}')) return table
    const at = reader.at
    if (reader.peek() !== '"') reader.fail('a key in quotes is missing')
    const key = readString(reader)
    skip(reader)
    reader.expect(':')
    reader.set(table, key, readValue(reader), at)
    skip(reader)
    if (!reader.take(',') && reader.peek() !== '}') reader.fail(', or } is missing')
  }
}

function readArray(reader: ProfileText): unknown[] {
  const list: unknown[] = []
  for (;;) {
    skip(reader)
    if (reader.take(']')) return list
    list.push(readValue(reader))
    skip(reader)
    if (!reader.take(',') && reader.peek() !== ']') reader.fail(', or ] is missing')
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function readString(reader: ProfileText): string {
  reader.expect('"')
  let text = ''
  for (;;) {
    text += reader.match(/[^"\\\x00-\x1f]+/y) ?? ''
    const at = reader.at
    if (reader.take('"')) return text
    if (!reader.take('\\')) reader.fail(reader.peek() === '' ? 'the text has no end' : 'a control character in a text')
    const letter = reader.peek()
    reader.at++
    if (letter === 'u') text += readUnicode(reader, at)
    else if (Object.hasOwn(ESCAPES, letter)) text += ESCAPES[letter]
    else reader.fail('no such escape', at)
  }
}

/** A character outside of the first plane is a pair of escapes. */
function readUnicode(reader: ProfileText, at: number): string {
  const pair = reader.match(/[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}/y)
  if (pair !== undefined) return String.fromCharCode(parseInt(pair.slice(0, 4), 16), parseInt(pair.slice(6), 16))
  return reader.escaped(reader.match(/[0-9a-fA-F]{4}/y) ?? '', at)
}
