/**
 * Checks the arguments of spawn and spawnSync as child_process does: with a TypeError or RangeError that has its
 * `code`.
 */
import type { SpawnOptions, SpawnSyncOptions } from 'node:child_process'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { UsageError } from '../errors.ts'
import { kindOf } from '../options/mount-list.ts'

export type Arguments = { words: string[]; options: SpawnOptions & SpawnSyncOptions }

/** child_process takes the options in the place of the arguments too. */
export function readArguments(command?: unknown, second?: unknown, third?: unknown): Arguments {
  if (typeof command !== 'string') throw invalidType('command', 'text', command)
  if (command === '') throw invalidValue("command: empty value ''")
  const isList = Array.isArray(second)
  if (!isList && second !== undefined && second !== null && typeof second !== 'object')
    throw invalidType('args', 'an array', second)
  const args = isList ? (second as unknown[]).map(String) : []
  const options: unknown = isList || second === undefined || second === null ? third : second
  if (options !== undefined && (typeof options !== 'object' || options === null || Array.isArray(options)))
    throw invalidType('options', 'an object', options)
  const words = [command, ...args]
  for (const word of words) refuseNul('command', word)
  return { words, options: readProcessOptions((options ?? {}) as Arguments['options']) }
}

/** Null means absent, as does the shell ''; a directory becomes text. */
function readProcessOptions(given: Arguments['options']): Arguments['options'] {
  const options: Arguments['options'] & Record<string, unknown> = { ...given }
  for (const key of NULL_IS_ABSENT) options[key] ??= undefined
  const { uid, gid, cwd, shell, stdio, env, timeout, signal } = options
  for (const [key, id] of Object.entries({ uid, gid }))
    if (id !== undefined && !Number.isInteger(id)) throw invalidType(key, 'a number', id)
  if (uid !== undefined || gid !== undefined)
    throw new UsageError('uid, gid: the ids in the box are an option of the box', 'box({ user: "1000:1000" })')
  if (cwd !== undefined) options.cwd = pathOf(cwd)
  if (shell !== undefined && typeof shell !== 'boolean' && typeof shell !== 'string')
    throw invalidType('shell', 'true, false or text', shell)
  if (shell === '') options.shell = undefined
  if (stdio !== undefined && !Array.isArray(stdio) && !['pipe', 'ignore', 'inherit', 'overlapped'].includes(stdio)) {
    throw invalidValue(`stdio: must be "pipe", "ignore", "inherit" or an array, not ${kindOf(stdio)}`)
  }
  if (Array.isArray(stdio) && (stdio.length > 3 || stdio.includes('ipc')))
    throw new UsageError('stdio: a boxed command has descriptors 0, 1 and 2')
  if (env !== undefined && typeof env !== 'object') throw invalidType('env', 'an object', env)
  for (const key of ['argv0', 'shell', 'cwd'] as const)
    if (typeof options[key] === 'string') refuseNul(key, options[key])
  if (options.argv0 !== undefined && typeof options.argv0 !== 'string')
    throw invalidType('argv0', 'text', options.argv0)
  if (options.detached !== undefined && typeof options.detached !== 'boolean')
    throw invalidType('detached', 'true or false', options.detached)
  if (timeout !== undefined && !(Number.isInteger(timeout) && timeout >= 0)) {
    throw Object.assign(new RangeError(`timeout: must be a number of milliseconds, not ${kindOf(timeout)}`), {
      code: 'ERR_OUT_OF_RANGE',
    })
  }
  if (signal !== undefined && !isAbortSignal(signal)) throw invalidType('signal', 'an AbortSignal', signal)
  refuseUnknownSignal(options.killSignal)
  return options
}

const NULL_IS_ABSENT = [
  'uid',
  'gid',
  'cwd',
  'shell',
  'stdio',
  'env',
  'argv0',
  'detached',
  'timeout',
  'killSignal',
] as const

function refuseUnknownSignal(signal: unknown): void {
  if (signal === undefined) return
  if (typeof signal !== 'string' && typeof signal !== 'number')
    throw invalidType('killSignal', 'the name or the number of a signal', signal)
  const known =
    typeof signal === 'number'
      ? Object.values(constants.signals).includes(signal)
      : Object.hasOwn(constants.signals, signal.toUpperCase())
  if (!known && signal !== 0)
    throw Object.assign(new TypeError(`killSignal: unknown signal: ${kindOf(signal)}`), { code: 'ERR_UNKNOWN_SIGNAL' })
}

/** A path as text. URLs and signals may come from another realm, where instanceof doesn't recognise them. */
export function pathOf(path: unknown, name = 'cwd'): string {
  if (typeof path === 'string') return path
  if (path instanceof Uint8Array) return Buffer.from(path).toString()
  if (isUrl(path)) return fileURLToPath(path.href)
  throw invalidType(name, 'a path', path)
}

export function isUrl(value: unknown): value is URL {
  return (
    typeof value === 'object' &&
    value !== null &&
    'href' in value &&
    typeof value.href === 'string' &&
    'protocol' in value &&
    !('auth' in value)
  )
}

export function isAbortSignal(value: unknown): value is AbortSignal {
  return (
    typeof value === 'object' &&
    value !== null &&
    'aborted' in value &&
    'addEventListener' in value &&
    typeof value.addEventListener === 'function'
  )
}

/** Throws the signal's reason if it is aborted. A signal of another make may have none. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw 'reason' in signal ? signal.reason : abortError(undefined)
}

/** Like Node's own AbortError, whose class Node doesn't export. */
export function abortError(cause: unknown): Error {
  const error = new Error('The operation was aborted', cause === undefined ? undefined : { cause })
  return Object.assign(error, { name: 'AbortError', code: 'ABORT_ERR' })
}

function refuseNul(name: string, text: string): void {
  if (text.includes('\0')) throw invalidValue(`${name}: has a NUL character in it: ${kindOf(text)}`)
}

function invalidType(name: string, wanted: string, value: unknown): TypeError {
  return Object.assign(new TypeError(`${name}: must be ${wanted}, not ${kindOf(value)}`), {
    code: 'ERR_INVALID_ARG_TYPE',
  })
}

function invalidValue(message: string): TypeError {
  return Object.assign(new TypeError(message), { code: 'ERR_INVALID_ARG_VALUE' })
}
