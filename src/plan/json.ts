/**
 * A strict reader of JSON (RFC 8259), the twin of `sidecar/plan/json.c`: same verdicts, same messages. It refuses what
 * readers disagree about: duplicate keys, invalid UTF-8, a byte order mark, lone surrogates, NUL. One extension: a lone
 * \udc80 to \udcff stands for the byte 0x80 to 0xff, so that file names that are not UTF-8 can travel.
 */
import { fromBytes, utf8Length } from '../text/bytes.ts'
import { type JsonPath, PlanError } from './error.ts'

const MAX_DEPTH = 32
const MAX_KEYS = 256

/**
 * An object with its keys in the order of the text. A JavaScript object would put keys that look like numbers first.
 */
export class Members {
  readonly entries: readonly (readonly [string, unknown])[]

  constructor(entries: readonly (readonly [string, unknown])[]) {
    this.entries = entries
  }
}

/**
 * The value of a JSON text. Objects are `Members`; a number that isn't a safe integer, or is written as 1.0 or 1e0, is
 * NaN.
 */
export function readJson(text: string | Uint8Array): unknown {
  return new Reader(typeof text === 'string' ? encode(text) : text).document()
}

/** A lone surrogate has no UTF-8: the text ends there with 0xff, which the reader refuses as invalid. */
function encode(text: string): Uint8Array {
  if (text.isWellFormed()) return new TextEncoder().encode(text)
  const at = text.search(/[\ud800-\udfff]/u)
  const head = new TextEncoder().encode(text.slice(0, at))
  const bytes = new Uint8Array(head.length + 1)
  bytes.set(head)
  bytes[head.length] = 0xff
  return bytes
}

const code = (char: string) => char.charCodeAt(0)
const QUOTE = code('"')
const BACKSLASH = code('\\')
const ESCAPES: Readonly<Record<string, number>> = { '"': 34, '\\': 92, '/': 47, b: 8, f: 12, n: 10, r: 13, t: 9 }
const isDigit = (c: number) => c >= 48 && c <= 57

class Reader {
  readonly #bytes: Uint8Array
  #at = 0
  #depth = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  document(): unknown {
    if (this.#bytes[0] === 0xef && this.#bytes[1] === 0xbb && this.#bytes[2] === 0xbf) this.#refuse('byte order mark')
    const value = this.#value([])
    this.#skipSpace()
    if (this.#at < this.#bytes.length) this.#refuse('text after the end')
    return value
  }

  #refuse(what: string, at = this.#at): never {
    throw new PlanError([], `not valid JSON: ${what} at byte ${at}`)
  }

  #refuseHere(): never {
    this.#refuse(this.#at === this.#bytes.length ? 'unexpected end' : 'unexpected character')
  }

  /** The next byte, or -1 at the end. */
  #peek(): number {
    return this.#bytes[this.#at] ?? -1
  }

  #skipSpace(): void {
    for (let c = this.#peek(); c === 32 || c === 9 || c === 10 || c === 13; c = this.#peek()) this.#at++
  }

  #take(char: string): boolean {
    if (this.#peek() !== code(char)) return false
    this.#at++
    return true
  }

  #takeWord(word: string): boolean {
    for (let i = 0; i < word.length; i++) if (this.#bytes[this.#at + i] !== word.charCodeAt(i)) return false
    this.#at += word.length
    return true
  }

  #value(path: JsonPath): unknown {
    this.#skipSpace()
    const c = this.#peek()
    if (c === code('[') || c === code('{')) return this.#container(c === code('['), path)
    if (c === code('-') || isDigit(c)) return this.#number()
    if (c === QUOTE) return this.#string(path)
    if (this.#takeWord('false')) return false
    if (this.#takeWord('true')) return true
    if (this.#takeWord('null')) return null
    this.#refuseHere()
  }

  #container(array: boolean, path: JsonPath): unknown {
    if (this.#depth === MAX_DEPTH) this.#refuse('nested too deeply')
    this.#depth++
    this.#at++
    const value = array ? this.#array(path) : this.#object(path)
    this.#depth--
    return value
  }

  #array(path: JsonPath): unknown[] {
    const values: unknown[] = []
    this.#skipSpace()
    if (this.#take(']')) return values
    for (;;) {
      values.push(this.#value([...path, values.length]))
      this.#skipSpace()
      if (this.#take(']')) return values
      if (!this.#take(',')) this.#refuseHere()
    }
  }

  #object(path: JsonPath): Members {
    const entries = new Map<string, unknown>()
    this.#skipSpace()
    if (this.#take('}')) return new Members([])
    for (;;) {
      this.#skipSpace()
      const start = this.#at
      const key = this.#string(path)
      if (entries.size === MAX_KEYS) this.#refuse('too many keys in an object', start)
      const inner = [...path, key]
      if (entries.has(key)) throw new PlanError(inner, 'duplicate key')
      this.#skipSpace()
      if (!this.#take(':')) this.#refuseHere()
      entries.set(key, this.#value(inner))
      this.#skipSpace()
      if (this.#take('}')) return new Members([...entries])
      if (!this.#take(',')) this.#refuseHere()
    }
  }

  #skipDigits(): void {
    if (!isDigit(this.#peek())) this.#refuseHere()
    while (isDigit(this.#peek())) this.#at++
  }

  #number(): number {
    const sign = this.#take('-') ? '-' : ''
    const start = this.#at
    this.#skipDigits()
    const end = this.#at
    if (this.#bytes[start] === 48 && end > start + 1) this.#refuse('leading zero', start)
    if (this.#take('.')) this.#skipDigits()
    if (this.#take('e') || this.#take('E')) {
      if (!this.#take('+')) this.#take('-')
      this.#skipDigits()
    }
    const value = Number(sign + String.fromCharCode(...this.#bytes.subarray(start, Math.min(end, start + 17))))
    // + 0 makes -0 a plain 0.
    return this.#at === end && Number.isSafeInteger(value) ? value + 0 : Number.NaN
  }

  #string(path: JsonPath): string {
    if (!this.#take('"')) this.#refuseHere()
    const start = this.#at
    while (this.#peek() !== QUOTE && this.#peek() !== BACKSLASH) this.#skipCharacter()
    if (this.#peek() === QUOTE) return fromBytes(this.#bytes.subarray(start, this.#at++))
    const out: number[] = [...this.#bytes.subarray(start, this.#at)]
    while (!this.#take('"')) {
      if (this.#peek() === BACKSLASH) this.#escape(path, out)
      else for (let left = this.#skipCharacter(); left > 0; left--) out.push(this.#bytes[this.#at - left] ?? 0)
    }
    return fromBytes(Uint8Array.from(out))
  }

  /** Skips one character; returns its length in bytes. */
  #skipCharacter(): number {
    const c = this.#peek()
    if (c < 0) this.#refuseHere()
    if (c < 32) this.#refuse('control character in a string')
    const length = utf8Length(this.#bytes, this.#at)
    if (length === 0) this.#refuse('invalid UTF-8')
    this.#at += length
    return length
  }

  #escape(path: JsonPath, out: number[]): void {
    const name = String.fromCharCode(this.#bytes[this.#at + 1] ?? 0)
    if (name === 'u') return this.#unit(path, out)
    const byte = Object.hasOwn(ESCAPES, name) ? ESCAPES[name] : undefined
    if (byte === undefined) this.#refuse('unknown escape')
    out.push(byte)
    this.#at += 2
  }

  /** The code unit of the \uXXXX at a position, or -1. */
  #unitAt(at: number): number {
    const match = /^\\u([0-9a-fA-F]{4})$/.exec(String.fromCharCode(...this.#bytes.subarray(at, at + 6)))
    return match ? Number.parseInt(match[1] ?? '', 16) : -1
  }

  #unit(path: JsonPath, out: number[]): void {
    const start = this.#at
    const unit = this.#unitAt(start)
    if (unit < 0) this.#refuse('incomplete escape')
    this.#at += 6
    if (unit === 0) throw new PlanError(path, 'must not contain NUL')
    if (unit >= 0xdc80 && unit <= 0xdcff) return void out.push(unit - 0xdc00)
    let text = String.fromCharCode(unit)
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const second = unit < 0xdc00 ? this.#unitAt(this.#at) : -1
      if (second < 0xdc00 || second > 0xdfff) this.#refuse('lone surrogate', start)
      this.#at += 6
      text += String.fromCharCode(second)
    }
    out.push(...new TextEncoder().encode(text))
  }
}
