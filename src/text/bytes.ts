/**
 * Text of any bytes, as file names do: a byte that is not part of valid UTF-8 is the lone surrogate U+DC80
 * to U+DCFF, as in Python (PEP 383).
 */

/** Length of the UTF-8 sequence at a position; 0 for an invalid one. The ranges are those of RFC 3629, section 4. */
export function utf8Length(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  if (first < 0xc2 || first > 0xf4) return 0
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  const low = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80
  const high = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf
  const second = bytes[at + 1] ?? 0
  if (second < low || second > high) return 0
  for (let i = at + 2; i < at + length; i++) if (((bytes[i] ?? 0) & 0xc0) !== 0x80) return 0
  return length
}

/** Decodes any bytes. */
export function fromBytes(bytes: Uint8Array): string {
  try {
    // Nearly all of them are UTF-8, which the runtime decodes at once.
    return new TextDecoder('utf-8', { ignoreBOM: true, fatal: true }).decode(bytes)
  } catch {
    return withSurrogates(bytes)
  }
}

function withSurrogates(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let text = ''
  let start = 0
  for (let at = 0; at < bytes.length;) {
    const length = utf8Length(bytes, at)
    if (length === 0) {
      text += decoder.decode(bytes.subarray(start, at)) + String.fromCharCode(0xdc00 + (bytes[at] ?? 0))
      start = at + 1
    }
    at += length || 1
  }
  return text + decoder.decode(bytes.subarray(start))
}

/** Bytes of a text; a lone surrogate that stands for no byte becomes U+FFFD. */
export function toBytes(text: string): Uint8Array {
  const encoder = new TextEncoder()
  if (text.isWellFormed()) return encoder.encode(text)
  const parts = text
    .split(/([\udc80-\udcff])/u)
    .map((part) =>
      /^[\udc80-\udcff]$/u.test(part) ? Uint8Array.of(part.charCodeAt(0) - 0xdc00) : encoder.encode(part),
    )
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

/** Whether a text has a lone surrogate that stands for no byte. */
export function hasStraySurrogate(text: string): boolean {
  return !text.isWellFormed() && /[\ud800-\udc7f\udd00-\udfff]/u.test(text)
}
