/** Reads JSON with comments, and with commas before a closing bracket, by jsonc-parser. */
// Its modules by their path: bundlers can't follow the wrapped ones that its name stands for.
import { type ParseErrorCode, visit } from 'jsonc-parser/lib/esm/main.js'
import { failAt, faultOfNumber, faultOfText, MAX_PROFILE_DEPTH, quotedKey, type ProfileTable } from './profile-text.ts'

/** By the library's number, since its names exist for the compiler alone. */
const FAULTS: Readonly<Record<ParseErrorCode, string>> = {
  1: 'no value begins so',
  2: 'no such number',
  3: 'a key in quotes is missing',
  4: 'a value is missing',
  5: ': is missing',
  6: ', or a closing bracket is missing',
  7: '} is missing',
  8: '] is missing',
  9: 'text behind the end',
  10: 'a comment',
  11: 'the comment has no end',
  12: 'the text has no end',
  13: 'the number has no end',
  14: 'no such character',
  15: 'no such escape',
  16: 'a control character in a text',
}

/** Throws ProfileTextError at the first fault. */
export function readJsonProfile(text: string): unknown {
  const open: { value: ProfileTable | unknown[]; key: string }[] = []
  let top: unknown

  const add = (value: unknown): void => {
    const inner = open.at(-1)
    if (inner === undefined) top = value
    else if (Array.isArray(inner.value)) inner.value.push(value)
    else inner.value[inner.key] = value
  }
  const begin = (value: ProfileTable | unknown[], line: number, column: number): void => {
    if (open.length === MAX_PROFILE_DEPTH) failAt(line + 1, column + 1, 'nested too deeply')
    add(value)
    open.push({ value, key: '' })
  }

  visit(
    text,
    {
      onObjectBegin: (_offset, _length, line, column) => begin(Object.create(null) as ProfileTable, line, column),
      onArrayBegin: (_offset, _length, line, column) => begin([], line, column),
      onObjectEnd: () => void open.pop(),
      onArrayEnd: () => void open.pop(),
      onObjectProperty: (key, _offset, _length, line, column) => {
        const inner = open.at(-1)
        const fault =
          inner !== undefined && Object.hasOwn(inner.value, key) ? `${quotedKey(key)} is there twice` : faultOfText(key)
        if (fault !== undefined) failAt(line + 1, column + 1, fault)
        if (inner !== undefined) inner.key = key
      },
      onLiteralValue: (value: unknown, _offset, _length, line, column) => {
        const fault =
          typeof value === 'string' ? faultOfText(value) : typeof value === 'number' ? faultOfNumber(value) : undefined
        if (fault !== undefined) failAt(line + 1, column + 1, fault)
        add(value)
      },
      onError: (code, _offset, _length, line, column) => failAt(line + 1, column + 1, FAULTS[code]),
    },
    { allowTrailingComma: true },
  )
  return top
}
