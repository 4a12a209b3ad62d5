/** What the readers of both kinds of profile share: a text, a place in it, and errors that name line and column. */

/** The text of a profile can't be read; `message` has the place. */
export class ProfileTextError extends Error {}

/** A table or an object. It has no prototype, so that no key means more than itself. */
export type ProfileTable = Record<string, unknown>

export const newTable = (): ProfileTable => Object.create(null) as ProfileTable

/** No option needs more than three levels. */
const MAX_DEPTH = 16

export class ProfileText {
  readonly text: string
  at = 0
  #depth = 0

  constructor(text: string) {
    this.text = text
  }

  /** The next character; '' at the end. */
  peek(): string {
    return this.text[this.at] ?? ''
  }

  fail(what: string, at = this.at): never {
    const before = this.text.slice(0, at).split('\n')
    throw new ProfileTextError(`line ${before.length}, column ${[...(before.at(-1) ?? '')].length + 1}: ${what}`)
  }

  /** Goes on behind WORD, if that comes next. */
  take(word: string): boolean {
    if (!this.text.startsWith(word, this.at)) return false
    this.at += word.length
    return true
  }

  expect(word: string): void {
    if (!this.take(word)) this.fail(`${word} is missing`)
  }

  /** Goes on behind what PATTERN, which is sticky, matches here; undefined: nothing. */
  match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text)?.[0]
    if (found !== undefined) this.at += found.length
    return found
  }

  /** Reads what is nested by BODY. */
  nested<T>(body: () => T): T {
    if (++this.#depth > MAX_DEPTH) this.fail('nested too deeply')
    const value = body()
    this.#depth--
    return value
  }

  /** Sets a key that the table doesn't have yet. */
  set(table: ProfileTable, key: string, value: unknown, at: number): void {
    if (Object.hasOwn(table, key)) this.fail(`${JSON.stringify(key)} is there twice`, at)
    table[key] = value
  }

  /** The character of a hexadecimal escape. */
  escaped(digits: string, at: number): string {
    const point = /^[0-9a-fA-F]+$/.test(digits) ? parseInt(digits, 16) : NaN
    if (Number.isNaN(point) || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
      this.fail('no such character', at)
    if (point === 0) this.fail('a NUL character', at)
    return String.fromCodePoint(point)
  }
}
