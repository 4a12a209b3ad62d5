import { readFileSync } from 'node:fs'
import { fromBytes } from '../text/bytes.ts'

/** The last COUNT words of the command line. The runtime spoils words that are not UTF-8; the kernel has them whole. */
export function wholeWords(count: number): string[] {
  const all = fromBytes(readFileSync('/proc/self/cmdline')).split('\0').slice(0, -1)
  return all.slice(all.length - count)
}
