/**
 * Seccomp profiles as container engines read them: the `linux.seccomp` object of the OCI runtime specification, and
 * Docker's form of it with `archMap`, `includes` and `excludes`. Only calls of the machine's own ABI can be allowed.
 */
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { constants } from 'node:os'
import { systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import type { Capability } from '../plan/types.ts'
import { compile } from './bpf.ts'
import {
  ALLOW,
  ENOSYS,
  errno,
  KILL_PROCESS,
  KILL_THREAD,
  lets,
  LOG,
  TRAP,
  type Action,
  type Condition,
  type Filter,
  type Machine,
  type Rule,
} from './filter.ts'
import { withFakeRoot } from './fake-root.ts'
import { machineOf } from './machine.ts'
import { SYSCALLS } from './syscalls.ts'

const ACTIONS: Readonly<Record<string, Action>> = {
  SCMP_ACT_ALLOW: ALLOW,
  SCMP_ACT_KILL: KILL_THREAD,
  SCMP_ACT_KILL_THREAD: KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: KILL_PROCESS,
  SCMP_ACT_TRAP: TRAP,
  SCMP_ACT_LOG: LOG,
}
const OPERATORS: Readonly<Record<string, Condition['op']>> = {
  SCMP_CMP_EQ: 'eq',
  SCMP_CMP_NE: 'ne',
  SCMP_CMP_LT: 'lt',
  SCMP_CMP_LE: 'le',
  SCMP_CMP_GT: 'gt',
  SCMP_CMP_GE: 'ge',
  SCMP_CMP_MASKED_EQ: 'masked',
}
/** The machine's own ABI, as `architectures` and `archMap` name it (long), and `includes` and `excludes` (short). */
const ARCHITECTURE: Readonly<Record<Machine, { long: string; short: string }>> = {
  x64: { long: 'SCMP_ARCH_X86_64', short: 'amd64' },
  arm64: { long: 'SCMP_ARCH_AARCH64', short: 'arm64' },
}
const EPERM = 1
const MAX_ERRNO = 4095

/** Where in the profile something is wrong. `at`: a JSON path, such as "syscalls/3/args/0"; "" is the whole profile. */
type JsonPath = { file: string; at: string }
type Fields = Record<string, unknown>

/** Compiles a profile: the filter in base64. Throws SandboxError, which names the part of the file that is wrong. */
export function profileFilter(
  file: string,
  capabilities: readonly Capability[],
  host: HostFacts,
  fakeRoot: boolean,
): string {
  const machine = machineOf(host.machine)
  const profile = readFile(file, host)
  const jsonPath = (at: string): JsonPath => ({ file, at })
  refuseUnknown(
    profile,
    [
      'defaultAction',
      'defaultErrnoRet',
      'defaultErrno',
      'architectures',
      'archMap',
      'syscalls',
      'flags',
      '$schema',
      '$comment',
    ],
    jsonPath(''),
  )
  if (list(profile.flags ?? [], jsonPath('flags')).length > 0) refuse(jsonPath('flags'), 'is not supported')
  refuseOtherMachine(profile, machine, jsonPath)
  const otherwise = action(
    profile.defaultAction,
    numberOfErrno(profile.defaultErrno, profile.defaultErrnoRet, jsonPath('defaultErrno')),
    jsonPath('defaultAction'),
  )
  const calls = new Map<number, Rule[]>()
  list(profile.syscalls ?? [], jsonPath('syscalls')).forEach((entry, i) =>
    addEntry(calls, entry, { machine, capabilities, host, otherwise, jsonPath: jsonPath(`syscalls/${i}`) }),
  )
  refuseUnusable(calls, otherwise, machine, jsonPath)
  const filter: Filter = {
    machine,
    calls: ordered(calls),
    otherwise,
    unknown: isErrno(otherwise) ? errno(ENOSYS) : otherwise,
    highest: Math.max(...Object.values(SYSCALLS[machine])),
  }
  try {
    return Buffer.from(compile(fakeRoot ? withFakeRoot(filter) : filter)).toString('base64')
  } catch (error) {
    if (error instanceof RangeError) refuse(jsonPath(''), error.message)
    throw error
  }
}

function refuse({ file, at }: JsonPath, what: string, hint?: string): never {
  throw new SandboxError({
    step: 'seccomp',
    what: `${at === '' ? 'the profile' : `/${at}`}: ${what}`,
    path: file,
    hint,
  })
}

/** People know `unconfined` from docker and podman. */
function missingHint(file: string): string {
  return file.endsWith('unconfined')
    ? '--seccomp none leaves the filter out'
    : '--seccomp takes default, socketcall, none, or the file of a profile'
}

function readFile(file: string, host: HostFacts): Fields {
  const found = host.read(file)
  if ('code' in found)
    throw systemFailure({
      step: 'seccomp',
      what: 'read',
      path: file,
      code: found.code,
      hint: found.code === 'ENOENT' ? missingHint(file) : undefined,
    })
  try {
    return fields(JSON.parse(found.text), { file, at: '' })
  } catch (error) {
    if (error instanceof SyntaxError) refuse({ file, at: '' }, `is not JSON: ${printable(error.message)}`)
    throw error
  }
}

function fields(value: unknown, jsonPath: JsonPath): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(jsonPath, 'must be an object')
  return value as Fields
}

function list(value: unknown, jsonPath: JsonPath): unknown[] {
  return Array.isArray(value) ? value : refuse(jsonPath, 'must be an array')
}

function texts(value: unknown, jsonPath: JsonPath): string[] {
  return list(value, jsonPath).map((item) =>
    typeof item === 'string' ? item : refuse(jsonPath, 'must be an array of strings'),
  )
}

/** Refuses keys that nsbox doesn't know: what they ask for would not be done. */
function refuseUnknown(found: Fields, known: readonly string[], { file, at }: JsonPath): void {
  const key = Object.keys(found).find((name) => !known.includes(name))
  if (key !== undefined) refuse({ file, at: at === '' ? key : `${at}/${key}` }, 'is not known')
}

/**
 * Refuses a profile for another machine. Calls of other ABIs, such as i386 on x86-64, end the process whatever it says.
 */
function refuseOtherMachine(profile: Fields, machine: Machine, jsonPath: (at: string) => JsonPath): void {
  const { long } = ARCHITECTURE[machine]
  const named =
    profile.architectures === undefined ? undefined : texts(profile.architectures, jsonPath('architectures'))
  const mapped =
    profile.archMap === undefined
      ? undefined
      : list(profile.archMap, jsonPath('archMap')).map((item) => fields(item, jsonPath('archMap')).architecture)
  if (named === undefined && mapped === undefined) return
  if (!named?.includes(long) && !mapped?.includes(long))
    refuse(jsonPath(named ? 'architectures' : 'archMap'), `does not name this machine (${long})`)
}

function action(name: unknown, number: unknown, jsonPath: JsonPath): Action {
  if (name === 'SCMP_ACT_ERRNO') return errno(errnoValue(number ?? EPERM, jsonPath))
  if (number !== undefined && number !== null) refuse(jsonPath, 'an error number goes with SCMP_ACT_ERRNO alone')
  const found = typeof name === 'string' && Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined
  if (found !== undefined) return found
  refuse(
    jsonPath,
    `the action must be one of ${['SCMP_ACT_ERRNO', ...Object.keys(ACTIONS)].join(', ')}`,
    'tracing and notifying need a program beside the box, and nsbox has none',
  )
}

const isErrno = (value: Action) => (value & 0x7fff0000) === 0x00050000

function errnoValue(number: unknown, jsonPath: JsonPath): number {
  return Number.isInteger(number) && Number(number) >= 0 && Number(number) <= MAX_ERRNO
    ? Number(number)
    : refuse(jsonPath, `the error number must be an integer from 0 to ${MAX_ERRNO}`)
}

/**
 * podman's profiles have the error's name, or its number as text, and that counts; the number beside it is for other
 * engines.
 */
function numberOfErrno(name: unknown, number: unknown, jsonPath: JsonPath): unknown {
  if (name === undefined || name === null || name === '') return number ?? undefined
  const found =
    typeof name !== 'string'
      ? undefined
      : /^\d+$/.test(name)
        ? Number(name)
        : Object.entries(constants.errno).find(([known]) => known === name)?.[1]
  return found ?? refuse(jsonPath, `no error number ${typeof name === 'string' ? printable(name) : 'of that type'}`)
}

/** Calls without which no command can start, or end. */
const NEEDED = { execve: 'the command could not be started', exit_group: 'the command could not end' } as const

/**
 * Refuses a profile that no command could start or end under. One rule that lets the call through is enough, since its
 * conditions may hold.
 */
function refuseUnusable(
  calls: ReadonlyMap<number, readonly Rule[]>,
  otherwise: Action,
  machine: Machine,
  jsonPath: (at: string) => JsonPath,
): void {
  for (const [name, why] of Object.entries(NEEDED)) {
    const rules = calls.get(SYSCALLS[machine][name as keyof typeof NEEDED]) ?? []
    const always = rules.find(({ when }) => when.length === 0)?.action ?? otherwise
    if (lets(always) || rules.some(({ when, action }) => when.length > 0 && lets(action))) continue
    refuse(
      jsonPath(''),
      `does not allow ${name}: ${why}`,
      `add ${name} to the profile's allowed names (SCMP_ACT_ALLOW)`,
    )
  }
}

type Context = {
  machine: Machine
  capabilities: readonly Capability[]
  host: HostFacts
  otherwise: Action
  jsonPath: JsonPath
}

function addEntry(calls: Map<number, Rule[]>, value: unknown, context: Context): void {
  const { jsonPath } = context
  const entry = fields(value, jsonPath)
  refuseUnknown(
    entry,
    ['names', 'name', 'action', 'errnoRet', 'errno', 'args', 'includes', 'excludes', 'comment'],
    jsonPath,
  )
  if (!applies(entry, context)) return
  const names = entry.names === undefined ? texts([entry.name], jsonPath) : texts(entry.names, jsonPath)
  const act = action(entry.action, numberOfErrno(entry.errno, entry.errnoRet, jsonPath), jsonPath)
  const rules = alternatives(
    list(entry.args ?? [], jsonPath).map((arg, i) => condition(arg, { ...jsonPath, at: `${jsonPath.at}/args/${i}` })),
  ).map((when) => ({ when, action: act }))
  for (const name of names) {
    const number = numberOf(name, act, context)
    if (number !== undefined) calls.set(number, [...(calls.get(number) ?? []), ...rules])
  }
}

/** Skips a name that only other machines or newer kernels have, unless the profile wants to refuse that call. */
function numberOf(name: string, act: Action, { machine, otherwise, jsonPath }: Context): number | undefined {
  const numbers: Readonly<Record<string, number>> = SYSCALLS[machine]
  if (Object.hasOwn(numbers, name)) return numbers[name]
  const elsewhere = Object.values(SYSCALLS).some((table) => Object.hasOwn(table, name))
  if (elsewhere || act === ALLOW || isErrno(otherwise)) return undefined
  refuse(
    jsonPath,
    `no system call ${printable(name)}`,
    'a newer kernel may have a call of that name, which would then not be refused',
  )
}

/** All conditions have to hold; but if several are for one argument, one is enough, as in container engines. */
function alternatives(conditions: Condition[]): Condition[][] {
  const repeated = new Set(conditions.map(({ arg }) => arg)).size < conditions.length
  return repeated ? conditions.map((single) => [single]) : [conditions]
}

function condition(value: unknown, jsonPath: JsonPath): Condition {
  const { index, value: first, valueTwo, op } = fields(value, jsonPath)
  refuseUnknown(fields(value, jsonPath), ['index', 'value', 'valueTwo', 'op'], jsonPath)
  if (!Number.isInteger(index) || Number(index) < 0 || Number(index) > 5)
    refuse(jsonPath, 'index must be an integer from 0 to 5')
  const operator = typeof op === 'string' && Object.hasOwn(OPERATORS, op) ? OPERATORS[op] : undefined
  if (operator === undefined) refuse(jsonPath, `op must be one of ${Object.keys(OPERATORS).join(', ')}`)
  const operand = word(first ?? 0, jsonPath)
  if (operator !== 'masked') return { arg: Number(index), op: operator, value: operand }
  return { arg: Number(index), op: operator, mask: operand, value: word(valueTwo ?? 0, jsonPath) & operand }
}

/** JSON numbers above 2^53 have lost digits by now, and a wrong comparison would be worse than an error. */
function word(value: unknown, jsonPath: JsonPath): bigint {
  if (!Number.isSafeInteger(value) || Number(value) < 0) refuse(jsonPath, 'values must be integers from 0 to 2^53')
  return BigInt(Number(value))
}

/** All of `includes` have to hold, and none of `excludes`: capabilities, architectures, the oldest kernel. */
function applies(entry: Fields, context: Context): boolean {
  const includes = matching(entry.includes, context)
  const excludes = matching(entry.excludes, context)
  return includes.every((met) => met) && !excludes.some((met) => met)
}

function matching(value: unknown, { machine, capabilities, host, jsonPath }: Context): boolean[] {
  if (value === undefined || value === null) return []
  const { caps, arches, minKernel } = fields(value, jsonPath)
  refuseUnknown(fields(value, jsonPath), ['caps', 'arches', 'minKernel'], jsonPath)
  const names = capabilities.map((name) => `CAP_${name.toUpperCase()}`)
  return [
    ...(caps === undefined ? [] : texts(caps, jsonPath).map((name) => names.includes(name))),
    ...(arches === undefined ? [] : [texts(arches, jsonPath).includes(ARCHITECTURE[machine].short)]),
    ...(minKernel === undefined ? [] : [isAtLeast(String(minKernel), host)]),
  ]
}

function isAtLeast(version: string, host: HostFacts): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return host.isKernel(major, minor)
}

/** Puts rules without conditions last, since they hold for every argument. */
function ordered(calls: ReadonlyMap<number, readonly Rule[]>): Map<number, Rule[]> {
  return new Map(
    [...calls].map(([number, rules]) => [
      number,
      [...rules].sort((a, b) => Number(a.when.length === 0) - Number(b.when.length === 0)),
    ]),
  )
}
