import { printable } from './printable.ts'

/** As a shell would read it back; control characters as escapes. */
export function quote(text: string): string {
  const safe = printable(text)
  return /^[\w@%+=:,./-]+$/.test(safe) ? safe : `'${safe.replaceAll('\'', '\'\\\'\'')}'`
}
