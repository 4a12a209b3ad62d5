/** T as it is written down for `compact`: each optional key may also be undefined or false. */
type Loose<T> = T extends unknown
  ? { [K in keyof T]: object extends Pick<T, K> ? T[K] | undefined | false : T[K] }
  : never

/**
 * An object without the keys whose value is undefined, false or an empty list: to the contract, and to other readers of
 * such an object, they mean the same as a key that isn't there.
 */
export function compact<T extends object>(part: Loose<T>): T {
  const kept: Record<string, unknown> = {}
  for (const key in part) {
    const value: unknown = part[key]
    if (value === undefined || value === false || (Array.isArray(value) && value.length === 0)) continue
    kept[key] = value
  }
  return kept as T
}
