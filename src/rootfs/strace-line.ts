/** One line of a log that strace(1) has written, without what it means. */

import { fromBytes } from '../text/bytes.ts'

/** A call that has ended, or its start or end where another process's line came between. */
type StraceLine = { pid: string } & (
  | { what: 'call'; text: string }
  | { what: 'start'; text: string }
  | { what: 'end'; name: string; text: string }
  | { what: 'exit' }
)

export type StraceCall = { name: string; args: string[]; result: string }

/** The process of lines without a number: strace writes none for the only one, and for its first on a terminal. */
const FIRST = ''
/** The number of the process, and the time of day, since 1970 or since the line before. */
const BEFORE = /^\s*(?:\[pid\s+(\d+)\]\s+|(\d+)\s+)?(?:(?:\d\d:\d\d:\d\d(?:\.\d+)?|\d+\.\d+)\s+)?/
const UNFINISHED = /\s*<unfinished \.\.\.>\s*$/
const RESUMED = /^<\.\.\. (\w+) resumed>\s?/

/** Undefined for a line that says nothing about a call: a signal, a stack, other text. */
export function readLine(line: string): StraceLine | undefined {
  const before = BEFORE.exec(line)
  const pid = before?.[1] ?? before?.[2] ?? FIRST
  const text = line.slice(before?.[0].length ?? 0)
  if (/^\+\+\+ (exited|killed)/.test(text)) return { pid, what: 'exit' }
  const resumed = RESUMED.exec(text)
  if (resumed !== null) return { pid, what: 'end', name: resumed[1] ?? '', text: text.slice(resumed[0].length) }
  if (!/^\w+\(/.test(text)) return undefined
  if (UNFINISHED.test(text)) return { pid, what: 'start', text: text.replace(UNFINISHED, '') }
  return { pid, what: 'call', text }
}

/** Splits `NAME(ARG, ARG) = RESULT`. Undefined where the text doesn't end so. */
export function readCall(text: string): StraceCall | undefined {
  const open = text.indexOf('(')
  const args: string[] = []
  let from = open + 1
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const c = text.charAt(at)
    if (c === '"') at = stringEnd(text, at)
    // The path of a descriptor, with -y; strace writes the characters < and > in it as escapes.
    else if (c === '<' && /^<[^<\s=]/.test(text.slice(at, at + 2))) at = Math.max(at, text.indexOf('>', at))
    else if (c === '(' || c === '[' || c === '{') depth++
    else if ((c === ')' && depth > 0) || c === ']' || c === '}') depth--
    else if ((c === ',' && depth === 0) || c === ')') {
      args.push(text.slice(from, at).trim())
      from = at + 1
      if (c === ')') {
        const result = /^\s*=\s*(.*)$/.exec(text.slice(from))?.[1]
        return result === undefined ? undefined : { name: text.slice(0, open), args, result }
      }
    }
  }
  return undefined
}

/** The index of the quote that ends the string. */
function stringEnd(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end++) {
    if (text.charAt(end) === '\\') end++
    else if (text.charAt(end) === '"') return end
  }
  return text.length
}

const ESCAPES: Readonly<Record<string, number>> = { n: 10, t: 9, r: 13, v: 11, f: 12, a: 7, b: 8, e: 27 }

/** What a text between quotes means. Undefined for another argument, and where strace has left out the end. */
export function stringIn(argument: string | undefined): string | undefined {
  const body = /^"(.*)"$/s.exec(argument ?? '')?.[1]
  return body === undefined ? undefined : unescape(body)
}

/** `text`: a character stands for a byte. */
export function unescape(text: string): string {
  const bytes: number[] = []
  for (const [whole, octal, hex, letter] of text.matchAll(/\\([0-7]{1,3})|\\x([0-9a-f]{1,2})|\\(.)|[^\\]/gs)) {
    if (octal !== undefined) bytes.push(parseInt(octal, 8) & 0xff)
    else if (hex !== undefined) bytes.push(parseInt(hex, 16))
    else if (letter !== undefined) bytes.push(ESCAPES[letter] ?? letter.charCodeAt(0))
    else bytes.push(whole.charCodeAt(0))
  }
  return fromBytes(Uint8Array.from(bytes))
}
