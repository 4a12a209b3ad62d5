import { printable } from './printable.ts'

/** Quotes TEXT so that a shell reads it back; control characters become escapes. */
export function quote(text: string): string {
  const safe = printable(text)
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll("'", "'\\''")}'`
}
