/**
 * Shows a path on one line, with control characters as escapes, so that no file name can forge a message. U+DC80 to
 * U+DC9F are bytes outside of UTF-8 (bytes.ts), which other terminals take as commands.
 */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029\udc80-\udc9f]/gu,
    (c) => `\\x${(c >= '\udc80' ? c.charCodeAt(0) & 0xff : c.charCodeAt(0)).toString(16).padStart(2, '0')}`,
  )
}
