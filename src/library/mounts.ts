/** Checks the list `mounts`, since a program without types may put anything there. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { nearest } from '../text/nearest.ts'
import type { MountRequest } from '../options/types.ts'

/** Names what a value should be, or returns undefined if it is that. */
type Check = (value: unknown) => string | undefined
type Key = { check: Check; required?: true }
type KeysOf<T extends MountRequest['type']> = {
  [K in Exclude<keyof Extract<MountRequest, { type: T }>, 'type'>]-?: Key
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const boxPath: Check = (value) => (isText(value) && value.startsWith('/') ? undefined : 'an absolute path')
const hostPath: Check = (value) => (isText(value) ? undefined : 'a path')
const text: Check = (value) => (isText(value) ? undefined : 'text')
const bool: Check = (value) => (typeof value === 'boolean' ? undefined : 'true or false')
/** 0 is refused, since the kernel takes it as no limit at all. */
const bytes: Check = (value) =>
  Number.isSafeInteger(value) && Number(value) > 0 ? undefined : 'a number of bytes above 0'
const mode: Check = (value) =>
  typeof value === 'string' && /^[0-7]{3,4}$/.test(value)
    ? undefined
    : 'text of three or four octal digits, such as "0755"'

const target: Key = { check: boxPath, required: true }
const source: Key = { check: hostPath, required: true }

/** A kind of mount without its keys here is a compile error. */
const KINDS: { [T in MountRequest['type']]: KeysOf<T> } = {
  bind: {
    source,
    target: { check: boxPath },
    readonly: { check: bool },
    devices: { check: bool },
    optional: { check: bool },
  },
  tmpfs: { target, size: { check: bytes }, mode: { check: mode }, readonly: { check: bool } },
  proc: { target },
  dev: { target },
  dir: { target, mode: { check: mode } },
  symlink: { target, to: { check: text, required: true } },
  mask: { target },
  file: { source, target },
}

/** Copies the list. Throws UsageError, which names the key as `mounts[2].target`. */
export function readMounts(list: unknown): MountRequest[] {
  if (!Array.isArray(list)) throw new UsageError(`mounts: must be an array, not ${kindOf(list)}`)
  return Array.from(list, (entry: unknown, n) => readMount(entry, `mounts[${n}]`))
}

function readMount(entry: unknown, path: string): MountRequest {
  if (typeof entry !== 'object' || entry === null || Array.isArray(entry))
    throw new UsageError(`${path}: must be an object, not ${kindOf(entry)}`)
  const { type, ...rest } = entry as Record<string, unknown>
  const names = Object.keys(KINDS)
  if (typeof type !== 'string' || !Object.hasOwn(KINDS, type))
    throw new UsageError(
      `${path}.type: must be one of ${names.join(', ')}, not ${kindOf(type)}`,
      near(String(type), names),
    )
  const keys: Record<string, Key> = KINDS[type as MountRequest['type']]
  const out: Record<string, unknown> = { type }
  for (const [key, value] of Object.entries(rest)) {
    if (!Object.hasOwn(keys, key))
      throw new UsageError(
        `${path}.${printable(key)}: unknown key of a mount of type ${type}`,
        near(key, Object.keys(keys)),
      )
    if (value === undefined) continue
    const wanted = keys[key]?.check(value)
    if (wanted !== undefined) throw new UsageError(`${path}.${key}: must be ${wanted}, not ${kindOf(value)}`)
    out[key] = value
  }
  for (const [key, { required }] of Object.entries(keys))
    if (required && !Object.hasOwn(out, key)) throw new UsageError(`${path}.${key}: is missing`)
  return out as MountRequest
}

function near(word: string, words: readonly string[]): string | undefined {
  const found = nearest(word, words)
  return found === undefined ? undefined : `the nearest is ${found}`
}

/** Describes a value on one line, for a message. */
export function kindOf(value: unknown): string {
  if (value === '') return 'empty'
  if (typeof value === 'string') return `'${printable(value.slice(0, 60))}'`
  if (typeof value === 'number' || value === null || value === undefined) return String(value)
  return Array.isArray(value) ? 'an array' : typeof value
}
