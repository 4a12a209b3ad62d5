/** A number of bytes for people. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const

/** 1234567 is "1.2 MB". */
export function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0]
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`
}
