/** Shows a path on one line, with control characters as escapes, so that no file name can forge a message. */
export function printable(text: string): string {
  return text.replace(
    /[\x00-\x1f\x7f\u0080-\u009f\u2028\u2029]/g,
    (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
