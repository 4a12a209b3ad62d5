/**
 * Options of a box from files that the caller names: JSON with comments, or TOML. Nothing is ever read unasked, neither
 * from the current directory nor from any other, since a box may have written there.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { SandboxError, UsageError } from '../errors.ts'
import { absolute } from '../host/absolute.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { fromBytes } from '../text/bytes.ts'
import { camel } from '../text/camel-case.ts'
import { nearest } from '../text/nearest.ts'
import { composeMounts } from './compose-mounts.ts'
import { applyKey, ROWS_BY_KEY } from './from-object.ts'
import { beginsAtHome, atHome } from './home.ts'
import { presetContent, PRESETS, type ProfileHost } from './presets.ts'
import { chainOf, entriesOf, wrongAt, type ProfileEntry, type ReadProfile } from './profile-chain.ts'
import { readJsonProfile } from './profile-json.ts'
import { ProfileTextError } from './profile-text.ts'
import { readTomlProfile } from './profile-toml.ts'
import type { MountRequest, Options } from './types.ts'

/** Bytes. */
const MAX_PROFILE = 1 << 20

/** Keys that say what the root is: one that comes later replaces those of a profile. */
const ROOT_KEYS = ['root', 'image'] as const

/**
 * Adds the options of the profiles that WORDS name, in their order, each behind those that it extends. `later`: the
 * keys that come after the profiles. Throws SandboxError for a file that can't be read, and UsageError for one that has
 * what isn't an option.
 */
export function applyProfiles(options: Options, words: readonly string[], later: object, host: ProfileHost): void {
  for (const { profile, entries } of readEntries(words, host))
    addTo(options, optionsOf(profile, entries, host), entries)
  if (ROOT_KEYS.some((key) => key in later)) for (const key of ROOT_KEYS) delete options[key]
}

/** What each of the profiles adds, in the order in which they count. Throws also for what isn't an option. */
export function readEntries(words: readonly string[], host: ProfileHost): ReturnType<typeof entriesOf> {
  const all = entriesOf(chainOf(words, (word, from) => load(word, from, host)))
  for (const { profile, entries } of all) optionsOf(profile, entries, host)
  return all
}

/** Lists add up, of mounts as composeMounts says, and everything else replaces; false takes back what came before. */
export function addTo(options: Options, profile: Options, entries: readonly ProfileEntry[] = []): void {
  const all = options as Record<string, unknown>
  if (ROOT_KEYS.some((key) => profile[key] !== undefined)) for (const key of ROOT_KEYS) delete options[key]
  for (const { key, value } of entries) {
    const sets = ROWS_BY_KEY.get(key)?.sets
    if (value === false && sets !== undefined && !(sets in profile)) delete all[sets]
  }
  for (const [key, value] of Object.entries(profile)) {
    const before = all[key]
    if (key === 'mounts') {
      options.mounts = composeMounts(options.mounts ?? [], profile.mounts ?? [])
      continue
    }
    all[key] =
      Array.isArray(before) && Array.isArray(value) ? [...(before as unknown[]), ...(value as unknown[])] : value
  }
}

/** WORD without a slash and a dot is a preset's name, since no file may be read that nobody meant. */
function load(word: string, from: string | undefined, host: ProfileHost): ReadProfile {
  if (/^[A-Za-z0-9_-]+$/.test(word)) return loadPreset(word, host)
  // Not a copy of the host: that would look up all that it knows.
  const { variable, opensFiles, hasRead } = host
  const { path, content } = readFile(
    'profile',
    word,
    from === undefined ? host : { cwd: from, variable, opensFiles, hasRead },
  )
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw new SandboxError({ step: 'profile', what: 'must be an object with options', path })
  // What a pipe gives has no directory.
  const isPipe = /^\/(?:dev|proc)\//.test(path)
  const directory = isPipe ? host.cwd : path.slice(0, path.lastIndexOf('/')) || '/'
  const id = isPipe ? path : (host.realPath(path) ?? path)
  return { name: path, id, directory, content: content as Record<string, unknown> }
}

type FileHost = Pick<HostFacts, 'cwd' | 'variable' | 'opensFiles' | 'hasRead'>

/** What the file WORD of the option --NAME says, which may be anything, and its absolute path. */
export function readFile(name: string, word: string, host: FileHost) {
  const named = beginsAtHome({ value: 'FILE' }, word) ? atHome({ name }, word, host.variable('HOME')) : word
  const path = absolute(named, host).replace(/\/(?:\.?\/)+/g, '/')
  return { path, content: parse(read(path, host), path) }
}

function loadPreset(name: string, host: ProfileHost): ReadProfile {
  const preset = PRESETS.find((one) => one.name === name)
  if (preset !== undefined) return { name, id: name, content: presetContent(preset, host) }
  const names = PRESETS.map((one) => one.name)
  const near = nearest(name, names)
  throw new UsageError(
    `--profile: there is no profile called '${name}'`,
    `${near === undefined ? `there are ${names.join(' ')}` : `the nearest is ${near}`}; the file of that name is ./${name}`,
  )
}

/** What ENTRIES of a profile say. Throws UsageError for what isn't an option. */
export function optionsOf(profile: ReadProfile, entries: readonly ProfileEntry[], host: ProfileHost): Options {
  const options: Options = {}
  for (const entry of entries) applyAt(options, profile, entry, host)
  if (profile.directory !== undefined) resolveFrom(options, profile.directory)
  return options
}

function applyAt(
  options: Options,
  profile: ReadProfile,
  { key, value, pointer }: ProfileEntry,
  host: ProfileHost,
): void {
  if (key === 'profile') throw wrongAt(profile, pointer, 'a profile names another by extends', 'extends = "FILE"')
  if (key !== 'mounts' && !ROWS_BY_KEY.has(key)) throw wrongAt(profile, pointer, 'unknown option', hintFor(key))
  if (value === null) throw wrongAt(profile, pointer, 'must not be null', 'leave the key out')
  try {
    applyKey(options, key, value, () => host.variable('HOME'))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    // The message begins with the option, or with the place in the list of mounts.
    const [, place, what = error.message] =
      /^(?:--[a-z0-9-]+|([A-Za-z0-9_]+(?:\[\d+\])?(?:\.[^:]*)?)): (.*)$/s.exec(error.message) ?? []
    const inner =
      place === undefined
        ? ''
        : place
            .slice(place.search(/[[.]|$/))
            .replace(/\[(\d+)\]/g, '/$1')
            .replaceAll('.', '/')
    throw wrongAt(profile, pointer + inner, what, error.hint)
  }
}

function hintFor(key: string): string | undefined {
  const dashed = camel(key.replace(/^-+/, '').replaceAll('_', '-'))
  if (ROWS_BY_KEY.has(dashed)) return `it is spelled ${dashed}`
  const near = nearest(key, [...ROWS_BY_KEY.keys(), 'mounts', 'extends'])
  return near === undefined
    ? 'docs/options.md lists all options; in a profile --ro-bind is roBind'
    : `the nearest is ${near}`
}

/** Makes relative paths of the host absolute: they are meant from the directory of the profile. */
function resolveFrom(options: Options, directory: string): void {
  const from = (path: string): string => absolute(path, { cwd: directory })
  if (options.root !== undefined) options.root = from(options.root)
  if (typeof options.overlay === 'string') options.overlay = from(options.overlay)
  if (options.seccomp !== undefined && !['default', 'socketcall', 'none'].includes(options.seccomp))
    options.seccomp = from(options.seccomp)
  // Any other reference may be a name in a registry.
  if (options.image !== undefined && /^\.\.?\//.test(options.image)) options.image = from(options.image)
  if (options.mounts !== undefined) options.mounts = options.mounts.map((mount) => withSource(mount, from))
  if (options.env !== undefined)
    options.env = options.env.map((change) =>
      change.type === 'file' ? { ...change, path: from(change.path) } : change,
    )
}

function withSource(mount: MountRequest, from: (path: string) => string): MountRequest {
  return 'source' in mount ? { ...mount, source: from(mount.source) } : mount
}

/** A line of TOML begins with none of these. */
const BEGINS_AS_JSON = /^\s*(?:\{|\/\/|\/\*)/

function parse(text: string, path: string): unknown {
  try {
    return BEGINS_AS_JSON.test(text) ? readJsonProfile(text) : readTomlProfile(text)
  } catch (error) {
    if (!(error instanceof ProfileTextError)) throw error
    throw new SandboxError({ step: 'profile', what: error.message, path })
  }
}

function read(path: string, host: FileHost): string {
  const bytes = bytesOf(path, host)
  if (bytes.length > MAX_PROFILE)
    throw new SandboxError({
      step: 'profile',
      what: `has more than the ${MAX_PROFILE} bytes that a profile may have`,
      path,
    })
  const text = fromBytes(bytes)
  if (!text.isWellFormed()) throw new SandboxError({ step: 'profile', what: "isn't text in UTF-8", path })
  host.hasRead(path, text)
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

/** At most one byte more than a profile may have. */
function bytesOf(path: string, host: FileHost): Uint8Array {
  let fd: number
  try {
    fd = openSync(hostPath(path), constants.O_RDONLY)
  } catch (error) {
    throw systemFailure({
      step: 'profile',
      what: 'open',
      path,
      code: codeOf(error),
      hint: 'a file of options, in JSON or TOML',
    })
  }
  try {
    const isFile = fstatSync(fd).isFile()
    // What a pipe gave can't be read again.
    if (!isFile) host.opensFiles()
    if (!isFile && !fstatSync(fd).isFIFO())
      throw new SandboxError({ step: 'profile', what: 'is not a regular file', path })
    const bytes = Buffer.alloc(MAX_PROFILE + 1)
    let length = 0
    for (let got = 1; got > 0 && length < bytes.length; length += got)
      got = readSync(fd, bytes, length, bytes.length - length, null)
    return bytes.subarray(0, length)
  } catch (error) {
    if (error instanceof SandboxError) throw error
    throw systemFailure({ step: 'profile', what: 'read', path, code: codeOf(error) })
  } finally {
    closeSync(fd)
  }
}
