/** How long something has been there. */

/** Two units at most, as in "3d4h". */
export function ageText(seconds: number): string {
  const units = [
    ['d', 86400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const
  const first = units.findIndex(([, length]) => seconds >= length)
  if (first < 0) return '0s'
  const [unit, length] = units[first] as (typeof units)[number]
  const next = units[first + 1]
  const rest = next === undefined ? 0 : Math.floor((seconds % length) / next[1])
  return `${Math.floor(seconds / length)}${unit}${rest === 0 ? '' : `${rest}${next?.[0]}`}`
}
