import { readFileSync } from 'node:fs'
import { fromBytes } from '../text/bytes.ts'

/** The last COUNT words of the command line, read from the kernel: the runtime spoils words that aren't UTF-8. */
export function wholeWords(count: number): string[] {
  const words = fromBytes(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1)
  return words.slice(words.length - count)
}
