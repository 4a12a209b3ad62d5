/** The ids of reviews: when they began, and a part that no other start of that second has. */

export function newReviewId(): string {
  const time = new Date()
    .toISOString()
    .replaceAll(/[-:]|\..*/g, '')
    .replace('T', '-')
  return `${time}-${Buffer.from(crypto.getRandomValues(new Uint8Array(3))).toString('hex')}`
}

export const isReviewId = (text: string): boolean => /^\d{8}-\d{6}-[0-9a-f]{6}$/.test(text)
