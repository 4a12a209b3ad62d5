/**
 * The option table: the only place where an option of the command line is named. The parser walks it; help, completions
 * and the option reference of the README are made from it.
 */
import { printable, UsageError } from '../errors.ts'
import { CAPABILITIES, LIMITS, MAX_CPUS, MAX_MILLISECONDS, MAX_PIDS } from '../plan/words.ts'
import { nearest } from './nearest.ts'
import type { Limit } from '../plan/types.ts'
import type { EnvChange, MountRequest, Options, Shareable } from '../plan/options.ts'
import { EXTRAS, METHODS, type RootfsOptions } from '../rootfs/choices.ts'

export const GROUPS = ['root', 'mounts', 'namespaces', 'identity', 'privileges', 'limits', 'process', 'reporting', 'baking', 'building a root'] as const
export type Group = (typeof GROUPS)[number]

/** What the options of one command line add up to. */
export type Draft = { options: Options; planFile?: string; bake?: Baking; rootfs?: RootfsOptions }

/** How a box becomes a program. */
export type Baking = { file?: string; relative?: boolean; force?: boolean }

export type OptionRow = {
  name: string
  /** One letter that stands for it, behind a single dash. */
  short?: string
  /** Placeholder of its value; without one it is a flag. */
  value?: string
  /** Value where `--name` stands alone. A value can then only be given as `--name=value`: the next word may be the command. */
  alone?: string | true
  /** Words that the value may be or start with, for completions. */
  choices?: readonly string[]
  /** May stand several times, and each counts. For all others the last one counts. */
  repeat?: true
  group: Group
  /** One sentence, lower case, no full stop. */
  doc: string
  /** Key of `Options` that it sets; the last three are beside them. */
  sets: keyof Options | 'planFile' | 'bake' | 'rootfs'
  apply: (draft: Draft, value: string) => void
}

const SHAREABLE = ['pid', 'ipc', 'uts', 'cgroup', 'user'] as const satisfies readonly Shareable[]
const CAPABILITY_NAMES = [...CAPABILITIES, 'all'] as const

const TABLE = [
  row('root', 'root', 'DIR', 'use DIR as the root directory; without it the box sees the host\'s files',
    'root', (o, v) => { o.root = v }),
  flag('ro', 'root', 'make the root read-only', 'ro', (o) => { o.ro = true }),
  { ...row('overlay', 'root', 'DIR', 'changes to the root vanish at the end; with DIR they stay there',
    'overlay', (o, v) => { o.overlay = v === '' ? true : v }), alone: true },

  mount('bind', 'SRC[:DST]', 'show SRC of the host, writable, as DST (default: the same path)', (v) => bind('bind', v, {})),
  mount('ro-bind', 'SRC[:DST]', 'as --bind, but read-only', (v) => bind('ro-bind', v, { readonly: true })),
  mount('dev-bind', 'SRC[:DST]', 'as --bind, and device files work', (v) => bind('dev-bind', v, { devices: true })),
  mount('tmpfs', 'DIR[:size=64m,mode=1777]', 'an empty directory in memory', tmpfs),
  { ...mount('proc', 'DIR', '/proc of the box\'s own processes', (v) => ({ type: 'proc', target: boxPath('proc', v) })), alone: '/proc' },
  { ...mount('dev', 'DIR', 'a minimal /dev', (v) => ({ type: 'dev', target: boxPath('dev', v) })), alone: '/dev' },
  mount('mask', 'PATH', 'hide PATH of the box: an empty file that nobody can read, or an empty directory', (v) => ({ type: 'mask', target: boxPath('mask', v) })),
  mount('dir', 'PATH[:MODE]', 'make a directory, with the octal MODE (default: 0755)', dir),
  mount('symlink', 'TARGET:PATH', 'make PATH a symbolic link to TARGET', symlink),
  mount('file', 'SRC:DST', 'make DST a file with the content of SRC of the host', file),
  flag('no-follow', 'mounts', 'refuse SRC and DIR of the host with a symbolic link anywhere in the path', 'noFollow', (o) => { o.noFollow = true }),

  { ...row('share', 'namespaces', 'NS[,NS]', 'keep the host\'s namespace: pid, ipc, uts, cgroup, user', 'share', share), repeat: true, choices: SHAREABLE },
  { ...row('net', 'namespaces', 'host|none', 'the host\'s network (default), or none but a loopback of its own', 'net', net), choices: ['host', 'none'] },
  row('hostname', 'namespaces', 'NAME', 'host name in the box', 'hostname', hostname),

  row('user', 'identity', 'UID[:GID]', 'user and group id in the box', 'user', (o, v) => { o.user = user(v) }),
  flag('map-root', 'identity', 'be root in the box', 'mapRoot', (o) => { o.mapRoot = true }),
  flag('map-auto', 'identity', 'also map the id ranges that /etc/subuid and /etc/subgid give to you', 'mapAuto', (o) => { o.mapAuto = true }),
  flag('userns', 'identity', 'a new user namespace, also when root starts the box', 'userns', (o) => { o.userns = true }),

  { ...row('cap-add', 'privileges', 'CAP|all', 'let the command have a capability, such as net_admin', 'capabilities', (o, v) => addCapability(o, 'cap-add', v)), repeat: true, choices: CAPABILITY_NAMES },
  { ...row('cap-drop', 'privileges', 'CAP|all', 'take one of the default capabilities away', 'capabilities', (o, v) => addCapability(o, 'cap-drop', v)), repeat: true, choices: CAPABILITY_NAMES },
  flag('allow-new-privs', 'privileges', 'let setuid programs and file capabilities have their effect', 'allowNewPrivs', (o) => { o.allowNewPrivs = true }),
  { ...row('seccomp', 'privileges', 'default|none|FILE', 'filter of system calls: the default one, none, or that of a profile as container engines have it',
    'seccomp', (o, v) => { o.seccomp = v }), choices: ['default', 'none'] },
  flag('privileged', 'privileges', 'all capabilities for root, no filter, no masks, setuid programs work: no protection from the command',
    'privileged', (o) => { o.privileged = true }),

  row('timeout', 'limits', 'TIME', 'end the box after TIME, such as 10s or 1.5m: TERM, and KILL 10 s later; the status is 124', 'timeout', (o, v) => { o.timeout = time(v) }),
  row('memory', 'limits', 'SIZE', 'memory of the whole box, such as 512m or 2g, without swap; one that needs more is killed', 'memory', (o, v) => { o.memory = memory(v) }),
  row('cpus', 'limits', 'N', 'processor time of the whole box, such as 1.5 for one and a half processors', 'cpus', (o, v) => { o.cpus = cpus(v) }),
  row('pids', 'limits', 'N', 'processes and threads that the command may be, all together', 'pids', (o, v) => { o.pids = pids(v) }),
  { ...row('ulimit', 'limits', 'NAME=SOFT[:HARD]', 'a limit for each process of the box, such as nofile=1024, cpu=60, as=1g or core=unlimited',
    'ulimits', (o, v) => { (o.ulimits ??= []).push(ulimit(v)) }), repeat: true, choices: LIMITS.map((name) => `${name}=`) },

  row('cwd', 'process', 'DIR', 'directory of the box to start in', 'cwd', (o, v) => { o.cwd = boxPath('cwd', v) }),
  { ...row('env', 'process', 'NAME[=VALUE]', 'set a variable, or pass yours on', 'env', (o, v) => addEnv(o, env(v))), repeat: true },
  { ...row('env-file', 'process', 'FILE', 'set the NAME=VALUE lines of FILE', 'env', (o, v) => addEnv(o, { type: 'file', path: v })), repeat: true },
  flag('clear-env', 'process', 'start from an empty environment', 'clearEnv', (o) => { o.clearEnv = true }),
  row('argv0', 'process', 'NAME', 'what the command sees as its own name', 'argv0', (o, v) => { o.argv0 = v }),
  flag('new-session', 'process', 'a session of its own, without your terminal as controlling terminal', 'newSession', (o) => { o.newSession = true }),
  flag('die-with-parent', 'process', 'kill the box when the process that started it ends', 'dieWithParent', (o) => { o.dieWithParent = true }),
  flag('no-init', 'process', 'the command itself is process 1', 'init', (o) => { o.init = false }),

  row('status-fd', 'reporting', 'N', 'write events as JSON lines to descriptor N', 'statusFd', (o, v) => { o.statusFd = integer('status-fd', v, 1048576) }),
  flag('verbose', 'reporting', 'tell each phase with its time on stderr', 'verbose', (o) => { o.verbose = true }),
  flag('quiet', 'reporting', 'say nothing but errors', 'quiet', (o) => { o.quiet = true }),
] as const

/** Options that one verb alone takes. */
const PLAN: OptionRow = {
  name: 'plan', value: 'FILE|-', group: 'reporting', doc: 'run the stored plan in FILE, or on standard input', sets: 'planFile',
  apply: (draft, value) => { draft.planFile = value },
}
const BAKE: readonly OptionRow[] = [
  { name: 'output', short: 'o', value: 'FILE', group: 'baking', doc: 'write the box to FILE, as a program', sets: 'bake', apply: (draft, value) => { (draft.bake ??= {}).file = value } },
  { name: 'relative', group: 'baking', doc: 'paths of the host below the directory of FILE move with it', sets: 'bake', apply: (draft) => { (draft.bake ??= {}).relative = true } },
  { name: 'force', group: 'baking', doc: 'replace FILE if it is there', sets: 'bake', apply: (draft) => { (draft.bake ??= {}).force = true } },
]
const ROOTFS: readonly OptionRow[] = [
  { name: 'by', value: METHODS.join('|'), choices: METHODS, group: 'building a root', doc: 'how files come into the root; hard links are the host\'s own files', sets: 'rootfs',
    apply: (draft, value) => { (draft.rootfs ??= {}).by = choice('by', value, METHODS) } },
  { name: 'with', value: 'WHAT[,WHAT]', repeat: true, choices: EXTRAS, group: 'building a root', doc: `what programs open only when they run: ${EXTRAS.join(', ')}`, sets: 'rootfs',
    apply: (draft, value) => { ((draft.rootfs ??= {}).with ??= []).push(...value.split(',').map((part) => choice('with', part, EXTRAS))) } },
  { name: 'quiet', group: 'building a root', doc: 'say nothing but errors', sets: 'rootfs', apply: (draft) => { (draft.rootfs ??= {}).quiet = true } },
]
export const VERB_OPTIONS: Readonly<Record<string, readonly OptionRow[]>> = { run: [PLAN], bake: BAKE, rootfs: ROOTFS }

export const OPTIONS: readonly OptionRow[] = TABLE
/** An option of the library without one here is a compile error in this line. */
export type Unset = Never<Exclude<keyof Options, (typeof TABLE)[number]['sets']>>
type Never<T extends never> = T

/** How an option is written in help: "--root DIR", "--overlay[=DIR]", "--ro". */
export function synopsis(option: OptionRow): string {
  const name = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`
  if (option.value === undefined) return name
  return option.alone === undefined ? `${name} ${option.value}` : `${name}[=${option.value}]`
}

/** The part before the first colon that no backslash precedes, and the part behind it. `\:` is a colon; any other backslash is itself. */
export function splitColon(text: string): [string, string | undefined] {
  const at = text.search(/(?<!\\):/)
  const plain = (part: string) => part.replaceAll('\\:', ':')
  return at < 0 ? [plain(text), undefined] : [plain(text.slice(0, at)), plain(text.slice(at + 1))]
}

function row<const N extends string, K extends keyof Options>(name: N, group: Group, value: string, doc: string, sets: K, set: (options: Pick<Options, K>, value: string) => void) {
  return { name, group, value, doc, sets, apply: (draft: Draft, text: string) => set(draft.options, text) }
}

function flag<const N extends string, K extends keyof Options>(name: N, group: Group, doc: string, sets: K, set: (options: Pick<Options, K>) => void) {
  return { name, group, doc, sets, apply: (draft: Draft) => set(draft.options) }
}

function mount<const N extends string>(name: N, value: string, doc: string, make: (value: string) => MountRequest) {
  const add = (options: Pick<Options, 'mounts'>, text: string) => void (options.mounts ??= []).push(make(text))
  return { ...row(name, 'mounts', value, doc, 'mounts', add), repeat: true as const }
}

function wrong(name: string, what: string, hint?: string): UsageError {
  return new UsageError(`--${name}: ${what}`, hint)
}

function quote(text: string): string {
  return `'${printable(text)}'`
}

function choice<T extends string>(name: string, text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text)
  if (found === undefined) throw wrong(name, `${quote(text)} must be one of ${values.join(', ')}`)
  return found
}

function filled(name: string, part: string, text: string): string {
  if (text === '') throw wrong(name, `empty ${part} ''`)
  return text
}

/** A path in the box has no directory to be relative to. `..` may stand in it: the sidecar resolves it inside the root. */
function boxPath(name: string, path: string): string {
  if (!path.startsWith('/')) throw wrong(name, `${quote(path)} must be an absolute path`, 'paths in the box start with /')
  return path
}

/** The two halves of `A:B`, both there and neither empty. */
function pair(name: string, value: string, first: string, second: string): [string, string] {
  const [before, after] = splitColon(value)
  if (after === undefined) throw wrong(name, `${quote(value)} must be ${first}:${second}`, 'a colon that belongs to a name is written \\:')
  return [filled(name, first, before), filled(name, second, after)]
}

/** Strict decimal: no sign, no leading zero, no blanks, no other base. */
function integer(name: string, text: string, max: number): number {
  if (!/^(0|[1-9][0-9]{0,15})$/.test(text) || Number(text) > max) throw wrong(name, `${quote(text)} must be a whole number from 0 to ${max}`)
  return Number(text)
}

function octal(name: string, text: string): string {
  if (!/^[0-7]{3,4}$/.test(text)) throw wrong(name, `mode ${quote(text)} must be three or four octal digits`)
  return text
}

function bind(name: string, value: string, how: { readonly?: boolean; devices?: boolean }): MountRequest {
  const [source, target] = splitColon(value)
  filled(name, 'SRC', source)
  if (target === undefined) return { type: 'bind', source, ...how }
  refuseSuffix(name, value)
  return { type: 'bind', source, target: boxPath(name, filled(name, 'DST', target)), ...how }
}

/** Whoever types docker's `:ro` means it, and would get a writable mount on a directory called "DST:ro". */
function refuseSuffix(name: string, value: string): void {
  const suffix = /(?<!\\):(r[ow]|[zZ])$/.exec(value)?.[1]
  if (suffix === undefined) return
  const hint = suffix === 'ro' ? 'read-only is --ro-bind SRC:DST' : `if :${suffix} belongs to the name, write \\:${suffix}`
  throw wrong(name, `${quote(value)} must be SRC:DST without a suffix`, hint)
}

function tmpfs(value: string): MountRequest {
  const [path, settings] = splitColon(value)
  const request: MountRequest = { type: 'tmpfs', target: boxPath('tmpfs', path) }
  if (settings === undefined) return request
  const seen = new Set<string>()
  for (const setting of settings.split(',')) {
    const [, key, text] = /^(size|mode)=(.*)$/s.exec(setting) ?? []
    if (key === undefined || text === undefined) throw wrong('tmpfs', `${quote(setting)} must be size=... or mode=...`, 'such as --tmpfs /tmp:size=64m,mode=1777')
    if (seen.has(key)) throw wrong('tmpfs', `${key} is given twice`)
    seen.add(key)
    if (key === 'size') request.size = size('tmpfs', text)
    else request.mode = octal('tmpfs', text)
  }
  return request
}

/** Bytes. 0 is refused: to the kernel it means no limit at all. */
function size(name: string, text: string): number {
  const [, digits, unit] = /^([1-9][0-9]{0,15})([kmgt]?)$/i.exec(text) ?? []
  const bytes = Number(digits) * 1024 ** ' kmgt'.indexOf((unit || ' ').toLowerCase())
  if (!Number.isSafeInteger(bytes)) throw wrong(name, `size ${quote(text)} must be a number of bytes, or one with k, m, g or t`)
  return bytes
}

/** What set-up itself takes, measured: with less, no box would ever start, and whoever types 512 means megabytes. */
const LEAST_MEMORY = 1024 ** 2

function memory(text: string): number {
  const bytes = size('memory', text)
  if (bytes < LEAST_MEMORY) throw wrong('memory', `size ${quote(text)} is less than a box needs to start`, 'such as 512m; units: k, m, g, t, without one it is bytes')
  return bytes
}

/** A thousandth is the least that the kernel takes: a millisecond in a second, cpu.max in the cgroup v2 documentation. */
function cpus(text: string): number {
  const number = /^\d{1,5}(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (number >= 0.001 && number <= MAX_CPUS) return number
  throw wrong('cpus', `${quote(text)} must be a number from 0.001 to ${MAX_CPUS}, such as 1.5`)
}

function pids(text: string): number {
  const number = /^[1-9]\d{0,6}$/.test(text) ? Number(text) : NaN
  if (number < MAX_PIDS) return number
  throw wrong('pids', `${quote(text)} must be a whole number from 1 to ${MAX_PIDS - 1}`)
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60000, h: 3600000, d: 86400000 }

/** Milliseconds. A number alone is seconds, as for timeout(1). */
function time(text: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  const milliseconds = Math.round(Number(number) * (UNITS[unit] ?? 1))
  if (milliseconds >= 1 && milliseconds <= MAX_MILLISECONDS) return milliseconds
  throw wrong('timeout', `${quote(text)} must be a time above zero, such as 10s`, 'units: ms, s, m, h, d; without one it is seconds')
}

function ulimit(text: string): Limit {
  const [, name, soft, hard] = /^([^=]*)=([^:]*)(?::(.*))?$/s.exec(text) ?? []
  if (name === undefined || soft === undefined) throw wrong('ulimit', `${quote(text)} must be NAME=SOFT or NAME=SOFT:HARD`, 'such as --ulimit nofile=1024')
  const resource = LIMITS.find((known) => known === name)
  if (resource === undefined) {
    const near = nearest(name, LIMITS)
    throw wrong('ulimit', `no limit ${quote(name)}`, near === undefined ? `limits: ${LIMITS.join(' ')}` : `the nearest is ${near}`)
  }
  const values = { soft: amount(soft), ...(hard !== undefined && { hard: amount(hard) }) }
  if (values.hard !== undefined && values.hard >= 0 && (values.soft < 0 || values.soft > values.hard)) throw wrong('ulimit', `${quote(text)}: the soft limit is above the hard one`)
  return { resource, ...values }
}

/** In the limit's own unit, setrlimit(2); -1 is no limit. */
function amount(text: string): number {
  if (text === 'unlimited') return -1
  const [, digits, unit] = /^(\d{1,15})([kmgt]?)$/i.exec(text) ?? []
  const value = Number(digits) * 1024 ** ' kmgt'.indexOf((unit || ' ').toLowerCase())
  if (!Number.isSafeInteger(value)) throw wrong('ulimit', `${quote(text)} must be a number, one with k, m, g or t, or unlimited`)
  return value
}

function dir(value: string): MountRequest {
  const [path, mode] = splitColon(value)
  const request: MountRequest = { type: 'dir', target: boxPath('dir', path) }
  return mode === undefined ? request : { ...request, mode: octal('dir', mode) }
}

function symlink(value: string): MountRequest {
  const [to, path] = pair('symlink', value, 'TARGET', 'PATH')
  return { type: 'symlink', target: boxPath('symlink', path), to }
}

function file(value: string): MountRequest {
  const [source, path] = pair('file', value, 'SRC', 'DST')
  return { type: 'file', source, target: boxPath('file', path) }
}

function share(options: Pick<Options, 'share'>, value: string): void {
  const kept = (options.share ??= [])
  for (const name of value.split(',')) {
    const namespace = shareable(name)
    if (!kept.includes(namespace)) kept.push(namespace)
  }
}

function shareable(name: string): Shareable {
  const found = SHAREABLE.find((known) => known === name)
  if (found !== undefined) return found
  const hints: Record<string, string> = { net: 'the network is --net host or --net none', mount: 'the mount namespace is always new' }
  throw wrong('share', `${quote(name)} must be one of pid, ipc, uts, cgroup, user`, Object.hasOwn(hints, name) ? hints[name] : undefined)
}

function net(options: Pick<Options, 'net'>, value: string): void {
  if (value !== 'host' && value !== 'none') throw wrong('net', `${quote(value)} must be host or none`)
  options.net = value
}

/** 64 bytes is the kernel's __NEW_UTS_LEN, sethostname(2). */
function hostname(options: Pick<Options, 'hostname'>, value: string): void {
  if (Buffer.byteLength(value) > 64) throw wrong('hostname', `${quote(value)} is longer than 64 bytes`)
  options.hostname = value
}

/** The highest id is one less than (uid_t)-1, which means "unchanged" to setresuid(2). */
const MAX_ID = 0xfffffffe

function user(value: string): { uid: number; gid?: number } {
  const parts = value.split(':')
  const [uid = '', gid] = parts
  if (parts.length > 2) throw wrong('user', `${quote(value)} must be UID or UID:GID`)
  if (gid === undefined) return { uid: integer('user', uid, MAX_ID) }
  return { uid: integer('user', uid, MAX_ID), gid: integer('user', gid, MAX_ID) }
}

/** With or without cap_, in either case. */
function addCapability(options: Pick<Options, 'capabilities'>, option: 'cap-add' | 'cap-drop', value: string): void {
  const plain = value.toLowerCase().replace(/^cap_/, '')
  const name = CAPABILITY_NAMES.find((known) => known === plain)
  if (name === undefined) {
    const near = nearest(plain, CAPABILITY_NAMES)
    throw wrong(option, `no capability ${quote(value)}`, near === undefined ? 'man 7 capabilities lists them' : `the nearest is ${near}`)
  }
  (options.capabilities ??= []).push({ type: option === 'cap-add' ? 'add' : 'drop', name })
}

function env(value: string): EnvChange {
  const at = value.indexOf('=')
  if (at < 0) return { type: 'pass', name: value }
  return { type: 'set', name: filled('env', 'NAME', value.slice(0, at)), value: value.slice(at + 1) }
}

function addEnv(options: Pick<Options, 'env'>, change: EnvChange): void {
  (options.env ??= []).push(change)
}
