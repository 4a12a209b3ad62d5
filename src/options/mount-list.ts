/** Checks the list `mounts`, since a program without types may put anything there. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { nearest } from '../text/nearest.ts'
import type { MountRequest } from './types.ts'

/** What a value has to be, in words and as a JSON schema. */
type Check = { is: (value: unknown) => boolean; wanted: string; schema: Readonly<Record<string, unknown>> }
type Key = { check: Check; required?: true }
type KeysOf<T extends MountRequest['type']> = {
  [K in Exclude<keyof Extract<MountRequest, { type: T }>, 'type'>]-?: Key
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

const boxPath: Check = {
  is: (value) => isText(value) && value.startsWith('/'),
  wanted: 'an absolute path',
  schema: { type: 'string', pattern: '^/' },
}
const hostPath: Check = { is: isText, wanted: 'a path', schema: { type: 'string', minLength: 1 } }
const text: Check = { is: isText, wanted: 'text', schema: { type: 'string', minLength: 1 } }
const bool: Check = { is: (value) => typeof value === 'boolean', wanted: 'true or false', schema: { type: 'boolean' } }
/** 0 is refused, since the kernel takes it as no limit at all. */
const bytes: Check = {
  is: (value) => Number.isSafeInteger(value) && Number(value) > 0,
  wanted: 'a number of bytes above 0',
  schema: { type: 'integer', minimum: 1 },
}
const mode: Check = {
  is: (value) => typeof value === 'string' && /^[0-7]{3,4}$/.test(value),
  wanted: 'text of three or four octal digits, such as "0755"',
  schema: { type: 'string', pattern: '^[0-7]{3,4}$' },
}

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

/** The JSON schema of an entry. */
export function mountSchema(): Record<string, unknown> {
  const kinds = Object.entries<Record<string, Key>>(KINDS).map(([type, keys]) => ({
    type: 'object',
    additionalProperties: false,
    required: ['type', ...Object.keys(keys).filter((key) => keys[key]?.required)],
    properties: {
      type: { const: type },
      ...Object.fromEntries(Object.entries(keys).map(([key, { check }]) => [key, check.schema])),
    },
  }))
  return { oneOf: kinds }
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
    const check = keys[key]?.check
    if (check?.is(value) === false)
      throw new UsageError(`${path}.${key}: must be ${check.wanted}, not ${kindOf(value)}`)
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
