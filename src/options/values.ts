/** Reads the values of options from their text. Each function throws a UsageError for text that isn't such a value. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import type { EnvChange, MountRequest, UserRequest } from './types.ts'
import type { Limit } from '../plan/types.ts'
import { LIMITS, MAX_CPUS, MAX_ID, MAX_MILLISECONDS, MAX_NAME, MAX_PIDS } from '../plan/constants.ts'
import { nearest } from '../text/nearest.ts'
import { absoluteHint } from '../text/absolute-hint.ts'

/** Splits at the first colon without a backslash before it. `\:` is a colon; any other backslash is itself. */
export function splitColon(text: string): [string, string | undefined] {
  let at = text.indexOf(':')
  while (at > 0 && text[at - 1] === '\\') at = text.indexOf(':', at + 1)
  return at < 0 ? [plain(text), undefined] : [plain(text.slice(0, at)), plain(text.slice(at + 1))]
}

function plain(part: string): string {
  return part.includes('\\:') ? part.replaceAll('\\:', ':') : part
}

export function wrong(name: string, what: string, hint?: string): UsageError {
  return new UsageError(`--${name}: ${what}`, hint)
}

export function quote(text: string): string {
  return `'${printable(text)}'`
}

/** TEXT, if it is one of the values. */
export function known<T extends string>(values: readonly T[], text: string): T | undefined {
  return values.includes(text as T) ? (text as T) : undefined
}

export function choice<T extends string>(name: string, text: string, values: readonly T[]): T {
  const found = known(values, text)
  if (found === undefined) throw wrong(name, `${quote(text)} must be one of ${values.join(', ')}`)
  return found
}

function filled(name: string, part: string, text: string): string {
  if (text === '') throw wrong(name, `empty ${part} ''`)
  return text
}

/**
 * A path in the box can't be relative: there is no directory to start from. `..` is allowed, and resolved inside the
 * root.
 */
export function boxPath(name: string, path: string): string {
  if (!path.startsWith('/')) throw wrong(name, `${quote(path)} must be an absolute path`, absoluteHint(path))
  return path
}

/** The two halves of `A:B`, both there and neither empty. */
function pair(name: string, value: string, first: string, second: string): [string, string] {
  const [before, after] = splitColon(value)
  if (after === undefined)
    throw wrong(name, `${quote(value)} must be ${first}:${second}`, 'a colon that belongs to a name is written \\:')
  return [filled(name, first, before), filled(name, second, after)]
}

/** Strict decimal: no sign, no leading zero, no blanks, no other base. */
export function integer(name: string, text: string, max: number): number {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || Number(text) > max)
    throw wrong(name, `${quote(text)} must be a whole number from 0 to ${max}`)
  return Number(text)
}

function octal(name: string, text: string): string {
  if (!/^[0-7]{3,4}$/.test(text)) throw wrong(name, `mode ${quote(text)} must be three or four octal digits`)
  return text
}

type Bind = Extract<MountRequest, { type: 'bind' }>

export function bind(name: string, value: string, how: Pick<Bind, 'readonly' | 'devices' | 'optional'>): MountRequest {
  const [source, target] = splitColon(value)
  filled(name, 'SRC', source)
  if (target === undefined) return { type: 'bind', source, ...how }
  refuseSuffix(name, value)
  return { type: 'bind', source, target: boxPath(name, filled(name, 'DST', target)), ...how }
}

/** Refuses docker's `:ro`, which would silently make a writable mount on a directory called "DST:ro". */
function refuseSuffix(name: string, value: string): void {
  const colon = value.lastIndexOf(':')
  const suffix = value.slice(colon + 1)
  if (value[colon - 1] === '\\' || !['ro', 'rw', 'z', 'Z'].includes(suffix)) return
  const hint =
    suffix === 'ro' ? 'read-only is --ro-bind SRC:DST' : `if :${suffix} belongs to the name, write \\:${suffix}`
  throw wrong(name, `${quote(value)} must be SRC:DST without a suffix`, hint)
}

type Tmpfs = Extract<MountRequest, { type: 'tmpfs' }>

export function tmpfs(value: string): Tmpfs {
  const [path, settings] = splitColon(value)
  if (path.includes(',')) refuseComma(path)
  const request: Tmpfs = { type: 'tmpfs', target: boxPath('tmpfs', path) }
  return settings === undefined ? request : tmpfsWith(request, settings)
}

/** Refuses docker's way, which would silently make a directory with that name. */
function refuseComma(path: string): void {
  const [, target = '', settings = ''] = /^(.*?),((?:size|mode|ro|rw|noexec|nosuid|nodev)\b.*)$/s.exec(path) ?? []
  if (settings !== '') throw wrong('tmpfs', `${quote(path)}: settings follow a colon`, `--tmpfs ${target}:${settings}`)
}

/** A function of its own: its regular expression would be read with the first call, also where there are no settings. */
function tmpfsWith(request: Tmpfs, settings: string): Tmpfs {
  const seen = new Set<string>()
  for (const setting of settings.split(',')) {
    const [, key, text] = /^(size|mode)=(.*)$/s.exec(setting) ?? (setting === 'ro' ? ['', 'ro', ''] : [])
    if (key === undefined || text === undefined)
      throw wrong(
        'tmpfs',
        `${quote(setting)} must be size=..., mode=... or ro`,
        'such as --tmpfs /tmp:size=64m,mode=1777',
      )
    if (seen.has(key)) throw wrong('tmpfs', `${key} is given twice`)
    seen.add(key)
    if (key === 'ro') request.readonly = true
    else if (key === 'size') request.size = size('tmpfs', text)
    else request.mode = octal('tmpfs', text)
  }
  return request
}

/** Bytes. 0 is refused, since the kernel takes it as no limit at all. */
export function size(name: string, text: string): number {
  const [, digits, unit] = /^([1-9][0-9]{0,15})([kmgt]?)$/i.exec(text) ?? []
  const bytes = Number(digits) * 1024 ** ' kmgt'.indexOf((unit || ' ').toLowerCase())
  if (!Number.isSafeInteger(bytes))
    throw wrong(name, `size ${quote(text)} must be a number of bytes, or one with k, m, g or t`)
  return bytes
}

/** Memory that set-up itself takes, measured. With less no box would ever start, and a user who types 512 means megabytes. */
const LEAST_MEMORY = 1024 ** 2

export function memory(text: string): number {
  const bytes = size('memory', text)
  if (bytes < LEAST_MEMORY)
    throw wrong(
      'memory',
      `size ${quote(text)} is less than a box needs to start`,
      'such as 512m; units: k, m, g, t, without one it is bytes',
    )
  return bytes
}

/**
 * A thousandth is the least that the kernel takes: a millisecond in a second, cpu.max in the cgroup v2 documentation.
 */
export function cpus(text: string): number {
  const number = /^\d{1,5}(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (number >= 0.001 && number <= MAX_CPUS) return number
  throw wrong('cpus', `${quote(text)} must be a number from 0.001 to ${MAX_CPUS}, such as 1.5`)
}

export function pids(text: string): number {
  const number = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : NaN
  if (number < MAX_PIDS) return number
  throw wrong('pids', `${quote(text)} must be a whole number from 1 to ${MAX_PIDS - 1}`)
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60000, h: 3600000, d: 86400000 }

/** Milliseconds. A number alone is seconds, as for timeout(1). */
export function time(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  const milliseconds = Math.round(Number(number) * (UNITS[unit] ?? 1))
  if (milliseconds >= 1 && milliseconds <= MAX_MILLISECONDS) return milliseconds
  throw wrong(
    'timeout',
    `${quote(text)} must be a time above zero, such as 10s`,
    'units: ms, s, m, h, d; without one it is seconds',
  )
}

export function ulimit(text: string): Limit {
  const [, name, soft, hard] = /^([^=]*)=([^:]*)(?::(.*))?$/s.exec(text) ?? []
  if (name === undefined || soft === undefined)
    throw wrong('ulimit', `${quote(text)} must be NAME=SOFT or NAME=SOFT:HARD`, 'such as --ulimit nofile=1024')
  const resource = known(LIMITS, name)
  if (resource === undefined) {
    const near = nearest(name, LIMITS)
    throw wrong(
      'ulimit',
      `no limit ${quote(name)}`,
      near === undefined ? `limits: ${LIMITS.join(' ')}` : `the nearest is ${near}`,
    )
  }
  const values = hard === undefined ? { soft: amount(soft) } : { soft: amount(soft), hard: amount(hard) }
  if ('hard' in values && values.hard >= 0 && (values.soft < 0 || values.soft > values.hard))
    throw wrong('ulimit', `${quote(text)}: the soft limit is above the hard one`)
  return { resource, ...values }
}

/** In the limit's own unit, setrlimit(2); -1 is no limit. */
function amount(text: string): number {
  if (text === 'unlimited') return -1
  const [, digits, unit] = /^(\d{1,15})([kmgt]?)$/i.exec(text) ?? []
  const value = Number(digits) * 1024 ** ' kmgt'.indexOf((unit || ' ').toLowerCase())
  if (!Number.isSafeInteger(value))
    throw wrong('ulimit', `${quote(text)} must be a number, one with k, m, g or t, or unlimited`)
  return value
}

/** A path of the box; a pattern may be relative to the caller's directory. */
export function maskPath(value: string): string {
  return /[*?[]/.test(value) ? filled('mask', 'PATH', value) : boxPath('mask', value)
}

/** A path of the host in a rule; a relative one is from the caller's directory. */
export function rulePath(option: string, value: string): string {
  return filled(option, 'PATH', value)
}

export function dir(value: string): MountRequest {
  const [path, mode] = splitColon(value)
  const request: MountRequest = { type: 'dir', target: boxPath('dir', path) }
  return mode === undefined ? request : { ...request, mode: octal('dir', mode) }
}

export function symlink(value: string): MountRequest {
  const [to, path] = pair('symlink', value, 'TARGET', 'PATH')
  return { type: 'symlink', target: boxPath('symlink', path), to }
}

export function file(value: string): MountRequest {
  const [source, path] = pair('file', value, 'SRC', 'DST')
  return { type: 'file', source, target: boxPath('file', path) }
}

export function network(value: string): 'host' | 'none' | 'user' {
  if (value !== 'host' && value !== 'none' && value !== 'user')
    throw wrong(
      'net',
      `${quote(value)} must be host, none or user`,
      /^(?:slirp4netns|pasta|bridge|private)\b/.test(value)
        ? '--net user reaches what the host does; --allow-host NAME gives a network that reaches the named hosts alone'
        : '--allow-host NAME gives a network that reaches the named hosts alone',
    )
  return value
}

/** 64 bytes is the kernel's __NEW_UTS_LEN, sethostname(2). */
export function hostname(value: string): string {
  if (Buffer.byteLength(value) > 64) throw wrong('hostname', `${quote(value)} is longer than 64 bytes`)
  return value
}

/** No word that a shell, a terminal or a table could take for something else, and no number: that would be a process. */
export function isBoxName(name: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/.test(name) && name.length <= MAX_NAME && !/^[0-9]+$/.test(name)
}

export function boxName(value: string): string {
  if (isBoxName(value)) return value
  throw wrong(
    'name',
    `${quote(value.slice(0, 100))} can't be the name of a box`,
    `it has at most ${MAX_NAME} letters, digits, . _ and -, begins with none of . and -, and is no number`,
  )
}

export function user(value: string): UserRequest {
  const [name = '', group, ...more] = value.split(':')
  if (name === '' || group === '' || more.length > 0)
    throw wrong('user', `${quote(value)} must be a user, or USER:GROUP, each a number or a name`)
  return group === undefined ? { user: idOrName(name) } : { user: idOrName(name), group: idOrName(group) }
}

/** A name starts with a letter or an underscore, so that nothing like 0x10, 1e3 or +1 can be taken for another user. */
function idOrName(text: string): number | string {
  if (/^[0-9]+$/.test(text)) return integer('user', text, MAX_ID)
  if (/^[\p{Letter}_][^\s,/]*$/u.test(text)) return text
  throw wrong('user', `${quote(text)} must be a number from 0 to ${MAX_ID}, or a name`)
}

export function variableName(option: string, name: string): string {
  if (!name.includes('=')) return filled(option, 'NAME', name)
  throw wrong(option, `${quote(name)} must be the name of a variable`, '--env NAME=VALUE sets one')
}

export function env(value: string): EnvChange {
  const at = value.indexOf('=')
  if (at < 0) return { type: 'pass', name: value }
  return { type: 'set', name: filled('env', 'NAME', value.slice(0, at)), value: value.slice(at + 1) }
}
