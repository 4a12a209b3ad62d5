/**
 * Checks a plan against the contract table, in the order and with the messages of `sidecar/plan/decode.c` and
 * `rules.c`, so that both halves give the same answer.
 */
import { hasStraySurrogate, toBytes } from '../text/bytes.ts'
import { type JsonPath, PlanError } from './error.ts'
import { Members } from './json.ts'
import { CONTRACT, type Field, MAX_ID, OBJECTS, type Table, VARIANTS } from './schema.ts'
import type { Plan } from './types.ts'

export { PlanError } from './error.ts'

/** A copy of the value as a plan, or a `PlanError`. Keys whose value is undefined count as absent. */
export function validatePlan(value: unknown): Plan {
  checkContract(value)
  const plan = readObject(OBJECTS.plan, value, []) as Plan
  checkSense(plan)
  return plan
}

/** Refuses beside `enter` what is made with a box, or done by its own process 1. */
function refuseBesideEnter({
  root,
  mounts,
  idmap,
  hostname,
  loopback,
  ping,
  lowPorts,
  own,
  takeBack,
  cgroup,
  helpers,
  process,
  supervision,
}: Plan): void {
  const beside = Object.entries({
    root,
    mounts: mounts?.length,
    idmap,
    hostname,
    loopback,
    ping,
    lowPorts,
    own: own?.length,
    takeBack,
    cgroup,
    helpers: helpers?.length,
  }).find(([, value]) => value)
  if (beside) refuse([beside[0]], 'must not be there beside enter')
  if (process.pause) refuse(['process', 'pause'], 'must not be true beside enter')
  if (supervision?.init) refuse(['supervision', 'init'], 'must not be true beside enter')
}

type Entries = readonly (readonly [string, unknown])[]

function refuse(path: JsonPath, message: string): never {
  throw new PlanError(path, message)
}

/** Runs before all other checks, since a plan of another contract may have any keys. */
function checkContract(value: unknown): void {
  const contract = entriesOf(value, []).find(([key]) => key === 'contract')
  if (!contract) refuse(['contract'], 'missing required key')
  const number = integer(contract[1], ['contract'])
  if (number >= 1 && number < CONTRACT)
    refuse(
      ['contract'],
      `an older nsbox made this plan (contract ${number}, and this program speaks contract ${CONTRACT}): make it anew with nsbox plan`,
    )
  if (number !== CONTRACT)
    refuse(['contract'], `this plan has contract ${number}, and this program speaks contract ${CONTRACT}`)
}

/** Rules that the table can't express: keys that need each other. */
function checkSense(plan: Plan): void {
  const has = new Set(plan.namespaces)
  if (!has.has('mount')) refuse(['namespaces'], 'must contain mount')
  if (!plan.enter && !plan.root) refuse(['root'], 'missing required key')
  if (plan.root?.type === 'layers' && plan.root.lowers.length + (plan.root.filesystems?.length ?? 0) === 0)
    refuse(['root', 'lowers'], 'must have at least 1 entry')
  if (plan.enter) refuseBesideEnter(plan)
  if (plan.process.pause && !plan.supervision?.init) refuse(['process', 'pause'], 'needs an init')
  if (has.has('user') && !plan.idmap && !plan.enter) refuse(['idmap'], 'must be there when namespaces contain user')
  if (!has.has('user') && plan.idmap) refuse(['idmap'], 'needs user in namespaces')
  if (plan.hostname !== undefined && !has.has('uts')) refuse(['hostname'], 'needs uts in namespaces')
  if (plan.loopback && !has.has('net')) refuse(['loopback'], 'needs net in namespaces')
  if (plan.ping && !has.has('net')) refuse(['ping'], 'needs net in namespaces')
  if (plan.lowPorts && !has.has('net')) refuse(['lowPorts'], 'needs net in namespaces')
  if (plan.process.cwdOfCaller && plan.process.cwd !== undefined)
    refuse(['process', 'cwd'], 'must not be there beside cwdOfCaller')
  if (plan.process.cwdOfHost && plan.process.cwd === undefined) refuse(['process', 'cwdOfHost'], 'needs cwd')
  if (plan.idmap?.setgroups && plan.idmap.by === 'self')
    refuse(['idmap', 'setgroups'], 'must not be true when by is self')
  for (const [n, { program, part }] of (plan.helpers ?? []).entries())
    if ((program === undefined) === (part === undefined)) refuse(['helpers', n], 'needs either program or part')
}

function entriesOf(value: unknown, path: JsonPath): Entries {
  if (value instanceof Members) return value.entries
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(path, 'must be an object')
  return Object.entries(value).filter(([, inner]) => inner !== undefined)
}

/** `type`: the type of a variant; the caller has checked that key. */
function readObject(table: Table, value: unknown, path: JsonPath, type?: string): Record<string, unknown> {
  const entries = entriesOf(value, path)
  const out: Record<string, unknown> = type === undefined ? {} : { type }
  for (const [key, inner] of entries) {
    if (type !== undefined && key === 'type') continue
    const field = Object.hasOwn(table, key) ? table[key] : undefined
    if (!field) refuse([...path, key], 'unknown key')
    out[key] = readField(field, inner, [...path, key])
  }
  for (const [key, field] of Object.entries(table))
    if (field.required && !Object.hasOwn(out, key)) refuse([...path, key], 'missing required key')
  return out
}

function readField(field: Field, value: unknown, path: JsonPath): unknown {
  switch (field.type) {
    case 'bool':
      return typeof value === 'boolean' ? value : refuse(path, 'must be a boolean')
    case 'int':
      return readInt(field, value, path)
    case 'string':
      return readString(field, value, path)
    case 'mode':
      return readMode(value, path)
    case 'base64':
      return readBase64(field, value, path)
    case 'enum':
      return readWord(field.values, value, path)
    case 'flags':
      return readFlags(field.values, value, path)
    case 'strings':
      return readArray(field, value, path, (item, at) => readEntry(field.entry, item, at))
    case 'ids':
      return readArray(field, value, path, (item, at) => readInt({ min: 0, max: MAX_ID }, item, at))
    case 'object':
      return readObject(tableOf(field.of), value, path)
    case 'objects':
      return readArray(field, value, path, (item, at) => readObject(tableOf(field.of), item, at))
    case 'variant':
      return readVariant(field.of, value, path)
    case 'variants':
      return readArray(field, value, path, (item, at) => readVariant(field.of, item, at))
  }
}

const tableOf = (name: string): Table => OBJECTS[name as keyof typeof OBJECTS]

function integer(value: unknown, path: JsonPath): number {
  return Number.isSafeInteger(value) ? Number(value) + 0 : refuse(path, 'must be an integer')
}

function readInt({ min, max }: { min: number; max: number }, value: unknown, path: JsonPath): number {
  const number = integer(value, path)
  return number >= min && number <= max ? number : refuse(path, `must be an integer from ${min} to ${max}`)
}

/** Refuses text that has no encoding in bytes, which only a program can hand in: readJson never does. */
function text(value: unknown, path: JsonPath): string {
  if (typeof value !== 'string') refuse(path, 'must be a string')
  if (value.includes('\0')) refuse(path, 'must not contain NUL')
  if (hasStraySurrogate(value)) refuse(path, 'must not contain a lone surrogate')
  return value
}

/** Limits are in bytes. */
function readString(
  limits: { min?: number; max?: number; path?: true | 'host' },
  value: unknown,
  path: JsonPath,
): string {
  const string = text(value, path)
  if (limits.path === 'host' && !/^\.?\//.test(string)) refuse(path, 'must be an absolute path, or start with ./')
  if (limits.path === true && !string.startsWith('/')) refuse(path, 'must be an absolute path')
  if (limits.min && string === '') refuse(path, 'must not be empty')
  if (limits.max && toBytes(string).length > limits.max) refuse(path, `must have at most ${limits.max} bytes`)
  return string
}

function readMode(value: unknown, path: JsonPath): string {
  const string = text(value, path)
  return /^[0-7]{3,4}$/.test(string) ? string : refuse(path, 'must be 3 or 4 octal digits')
}

function readBase64({ unit, max }: { unit: number; max: number }, value: unknown, path: JsonPath): string {
  const string = text(value, path)
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(string)) refuse(path, 'must be base64')
  const bytes = (string.length / 4) * 3 - (/=*$/.exec(string)?.[0].length ?? 0)
  if (bytes === 0 || bytes % unit !== 0 || bytes > max)
    refuse(path, `must stand for 1 to ${max / unit} entries of ${unit} bytes`)
  return string
}

function readWord(words: readonly string[], value: unknown, path: JsonPath): string {
  const string = text(value, path)
  return words.includes(string) ? string : refuse(path, `must be one of ${words.join(', ')}`)
}

function readFlags(words: readonly string[], value: unknown, path: JsonPath): string[] {
  const seen: string[] = []
  return readArray({}, value, path, (item, at) => {
    const word = readWord(words, item, at)
    if (seen.includes(word)) refuse(at, 'named twice')
    seen.push(word)
    return word
  })
}

function readEntry(kind: 'assignment' | 'path' | 'host' | undefined, value: unknown, path: JsonPath): string {
  const string = readString(kind === 'path' ? { path: true } : kind === 'host' ? { path: 'host' } : {}, value, path)
  if (kind === 'assignment' && string.indexOf('=') < 1) refuse(path, 'must be NAME=VALUE')
  return string
}

function readArray<T>(
  limits: { min?: number; max?: number },
  value: unknown,
  path: JsonPath,
  read: (item: unknown, at: JsonPath) => T,
): T[] {
  const { min = 0, max = Number.POSITIVE_INFINITY } = limits
  if (!Array.isArray(value)) refuse(path, 'must be an array')
  if (value.length < min) refuse(path, `must have at least ${min} ${min === 1 ? 'entry' : 'entries'}`)
  if (value.length > max) refuse(path, `must have at most ${max} entries`)
  // Not map, which skips the holes of a sparse array.
  return Array.from(value, (item: unknown, n) => read(item, [...path, n]))
}

function readVariant(name: string, value: unknown, path: JsonPath): Record<string, unknown> {
  const variants: Record<string, Table> = VARIANTS[name as keyof typeof VARIANTS]
  const entry = entriesOf(value, path).find(([key]) => key === 'type')
  if (!entry) refuse([...path, 'type'], 'missing required key')
  const type = text(entry[1], [...path, 'type'])
  const table = Object.hasOwn(variants, type) ? variants[type] : undefined
  return table ? readObject(table, value, path, type) : refuse([...path, 'type'], 'unknown type')
}
