/** The digits of a SHA-256 sum. Loading node:crypto takes 2 ms, which the start of a box must not pay under Bun. */
export function sha256(data: string | Uint8Array): string {
  if (typeof Bun !== 'undefined') return new Bun.CryptoHasher('sha256').update(data).digest('hex')
  const { createHash } = require('node:crypto') as typeof import('node:crypto')
  return createHash('sha256').update(data).digest('hex')
}

/** As images name their parts: sha256:HEX. */
export const sha256Digest = (data: string | Uint8Array): string => `sha256:${sha256(data)}`
