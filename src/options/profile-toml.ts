/**
 * Reads TOML 1.0 as far as options need it: tables, lists of tables, dotted keys, texts of all four kinds, numbers,
 * booleans, lists and inline tables. No option is a date, and none is infinite.
 */
import { newTable, ProfileText, type ProfileTable } from './profile-text.ts'

/** Throws ProfileTextError. */
export function readTomlProfile(text: string): ProfileTable {
  const reader = new ProfileText(text.replaceAll('\r\n', '\n'))
  const top = newTable()
  let table = top
  /** Tables that have their header, and those that are complete: nothing may be added to them. */
  const named = new Set<ProfileTable>()
  const closed = new Set<unknown>()
  for (;;) {
    skipLines(reader)
    if (reader.peek() === '') return top
    const at = reader.at
    if (reader.take('[[')) table = readListHeader(reader, top, closed, at)
    else if (reader.take('[')) table = readHeader(reader, top, named, closed, at)
    else readPair(reader, table, closed)
    endLine(reader)
  }
}

const COMMENT = /#[^\n\x00-\x08\x0b-\x1f\x7f]*/y

/** Blanks within a line. */
const blanks = (reader: ProfileText): void => void reader.match(/[ \t]*/y)

function skipLines(reader: ProfileText): void {
  while (reader.match(/[ \t\n]+/y) !== undefined || reader.match(COMMENT) !== undefined);
}

function endLine(reader: ProfileText): void {
  blanks(reader)
  reader.match(COMMENT)
  if (reader.peek() !== '' && !reader.take('\n')) reader.fail('the line should end here')
}

function readKeys(reader: ProfileText): string[] {
  const keys: string[] = []
  do {
    blanks(reader)
    const bare = reader.match(/[A-Za-z0-9_-]+/y)
    if (bare !== undefined) keys.push(bare)
    else if (reader.peek() === '"' || reader.peek() === "'") keys.push(readLine(reader))
    else reader.fail('a key is missing')
    blanks(reader)
  } while (reader.take('.'))
  return keys
}

/** The table that KEYS lead to from TABLE, made where it is missing. In a list of tables the last one counts. */
function descend(
  reader: ProfileText,
  table: ProfileTable,
  keys: readonly string[],
  closed: Set<unknown>,
  at: number,
): ProfileTable {
  for (const key of keys) {
    const found: unknown = Object.hasOwn(table, key) ? table[key] : (table[key] = newTable())
    const inner: unknown = Array.isArray(found) && !closed.has(found) ? found.at(-1) : found
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner) || closed.has(inner))
      reader.fail(`${JSON.stringify(key)} is no table that can have more keys`, at)
    table = inner as ProfileTable
  }
  return table
}

function readHeader(
  reader: ProfileText,
  top: ProfileTable,
  named: Set<ProfileTable>,
  closed: Set<unknown>,
  at: number,
): ProfileTable {
  const keys = readKeys(reader)
  reader.expect(']')
  const table = descend(reader, top, keys, closed, at)
  if (named.has(table)) reader.fail(`the table ${JSON.stringify(keys.join('.'))} is there twice`, at)
  named.add(table)
  return table
}

function readListHeader(reader: ProfileText, top: ProfileTable, closed: Set<unknown>, at: number): ProfileTable {
  const keys = readKeys(reader)
  reader.expect(']]')
  const last = keys.at(-1) as string
  const table = descend(reader, top, keys.slice(0, -1), closed, at)
  const list: unknown = Object.hasOwn(table, last) ? table[last] : (table[last] = [])
  if (!Array.isArray(list) || closed.has(list)) reader.fail(`${JSON.stringify(last)} is no list of tables`, at)
  const entry = newTable()
  ;(list as unknown[]).push(entry)
  return entry
}

function readPair(reader: ProfileText, into: ProfileTable, closed: Set<unknown>): void {
  const at = reader.at
  const keys = readKeys(reader)
  reader.expect('=')
  const table = descend(reader, into, keys.slice(0, -1), closed, at)
  reader.set(table, keys.at(-1) as string, readTomlValue(reader, closed), at)
}

function readTomlValue(reader: ProfileText, closed: Set<unknown>): unknown {
  blanks(reader)
  if (reader.peek() === '"' || reader.peek() === "'") return readText(reader)
  if (reader.take('[')) return reader.nested(() => readTomlArray(reader, closed))
  if (reader.take('{')) return reader.nested(() => readInline(reader, closed))
  const at = reader.at
  const word = reader.match(/[A-Za-z0-9_+.:-]+/y) ?? ''
  if (word === 'true' || word === 'false') return word === 'true'
  const plain = word.replace(/(?<=\d)_(?=\d)/g, '')
  if (/^[+-]?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(plain)) return Number(plain)
  if (/^0(?:x[0-9a-fA-F]+|o[0-7]+|b[01]+)$/.test(plain)) return Number(plain)
  return reader.fail(word === '' ? 'a value is missing' : 'no value of an option: a text stands in quotes', at)
}

function readTomlArray(reader: ProfileText, closed: Set<unknown>): unknown[] {
  const list: unknown[] = []
  closed.add(list)
  for (;;) {
    skipLines(reader)
    if (reader.take(']')) return list
    list.push(readTomlValue(reader, closed))
    skipLines(reader)
    if (!reader.take(',') && reader.peek() !== ']') reader.fail(', or ] is missing')
  }
}

function readInline(reader: ProfileText, closed: Set<unknown>): ProfileTable {
  const table = newTable()
  blanks(reader)
  if (!reader.take('}'))
    do {
      blanks(reader)
      readPair(reader, table, closed)
      blanks(reader)
    } while (reader.take(',') || !(reader.take('}') || reader.fail(', or } is missing')))
  closed.add(table)
  return table
}

function readText(reader: ProfileText): string {
  for (const quotes of ['"""', "'''"]) if (reader.take(quotes)) return readLines(reader, quotes)
  return readLine(reader)
}

/** A text on one line. */
function readLine(reader: ProfileText): string {
  const quote = reader.peek()
  reader.at++
  let text = ''
  for (;;) {
    text += reader.match(quote === '"' ? /[^"\\\x00-\x08\x0a-\x1f\x7f]+/y : /[^'\x00-\x08\x0a-\x1f\x7f]+/y) ?? ''
    if (reader.take(quote)) return text
    if (quote === '"' && reader.peek() === '\\') text += readEscape(reader)
    else
      reader.fail(
        reader.peek() === '' || reader.peek() === '\n' ? 'the text has no end' : 'a control character in a text',
      )
  }
}

/** A text of several lines; a line feed right at its start doesn't count. */
function readLines(reader: ProfileText, quotes: string): string {
  const basic = quotes === '"""'
  let text = ''
  reader.take('\n')
  for (;;) {
    text += reader.match(basic ? /[^"\\\x00-\x08\x0b-\x1f\x7f]+/y : /[^'\x00-\x08\x0b-\x1f\x7f]+/y) ?? ''
    if (reader.take(quotes)) {
      // One or two quotes may stand right before the end.
      for (let n = 0; n < 2 && reader.take(quotes[0] as string); n++) text += quotes[0]
      return text
    }
    if (basic && reader.match(/\\[ \t]*\n[ \t\n]*/y) !== undefined) continue
    if (basic && reader.peek() === '\\') text += readEscape(reader)
    else if (reader.peek() === quotes[0]) text += reader.take(quotes[0] as string) ? quotes[0] : ''
    else reader.fail(reader.peek() === '' ? 'the text has no end' : 'a control character in a text')
  }
}

const TOML_ESCAPES: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
}

function readEscape(reader: ProfileText): string {
  const at = reader.at
  reader.expect('\\')
  const letter = reader.peek()
  reader.at++
  if (Object.hasOwn(TOML_ESCAPES, letter)) return TOML_ESCAPES[letter] as string
  if (letter !== 'u' && letter !== 'U') reader.fail('no such escape', at)
  return reader.escaped(reader.match(letter === 'u' ? /[0-9a-fA-F]{4}/y : /[0-9a-fA-F]{8}/y) ?? '', at)
}
