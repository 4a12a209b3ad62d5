/**
 * Credentials for registries, from the files that docker and the containers tools write, and from their helpers
 * (`docker-credential-*`). See containers-auth.json(5).
 */
import { closeSync, fstatSync, openSync, readSync, constants } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'
import { SandboxError } from '../errors.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import { askHelper, type Caller, type Credentials } from './credential-helper.ts'

export type FoundCredentials = {
  credentials?: Credentials
  /** The file or helper that they are from. */
  source?: string
  /** Files that were read or are not there, in their order. */
  looked: readonly string[]
  /** Sentences about credentials that were left out, and why. */
  notes: readonly string[]
}

type Entry = {
  auth?: unknown
  username?: unknown
  password?: unknown
  identitytoken?: unknown
  registrytoken?: unknown
}
type AuthFile = {
  auths?: Record<string, Entry>
  credHelpers?: Record<string, unknown>
  credsStore?: unknown
}

/** Bytes. */
const LARGEST_FILE = 1 << 20

/**
 * Credentials for HOST[:PORT]/NAME: the first file that has some counts, and in it the entry with the longest name. A
 * file's helper for the host comes before its other entries.
 */
export async function findCredentials(host: string, name: string, caller: Caller): Promise<FoundCredentials> {
  const looked: string[] = []
  const notes: string[] = []
  for (const { path, required } of filesOf(caller)) {
    looked.push(path)
    const file = readAuthFile(path, required)
    if (file === undefined) continue
    const found = (await fromHelper(file, path, host, caller, notes)) ?? fromEntries(file, path, host, name)
    if (found !== undefined) return { ...found, looked, notes }
  }
  return { looked, notes }
}

type Found = { credentials: Credentials; source: string }

/** REGISTRY_AUTH_FILE alone where it is set, as for podman. Variables of XDG count only with an absolute path. */
function filesOf({ env, uid }: Caller): { path: string; required: boolean }[] {
  const {
    REGISTRY_AUTH_FILE: only,
    DOCKER_CONFIG: docker,
    XDG_RUNTIME_DIR: runtime,
    XDG_CONFIG_HOME: config,
    HOME,
  } = env
  if (only) return [{ path: resolve(only), required: true }]
  const home = HOME !== undefined && isAbsolute(HOME) ? HOME : undefined
  const paths: (string | undefined)[] = [
    docker ? resolve(docker, 'config.json') : undefined,
    runtime !== undefined && isAbsolute(runtime)
      ? join(runtime, 'containers/auth.json')
      : `/run/containers/${uid}/auth.json`,
    config !== undefined && isAbsolute(config)
      ? join(config, 'containers/auth.json')
      : home && join(home, '.config/containers/auth.json'),
    docker ? undefined : home && join(home, '.docker/config.json'),
  ]
  return paths.filter((path) => path !== undefined).map((path) => ({ path, required: false }))
}

/** Undefined where there is no such file. */
function readAuthFile(path: string, required: boolean): AuthFile | undefined {
  let text: string
  try {
    text = readBounded(path)
  } catch (error) {
    if (error instanceof SandboxError) throw error
    const code = codeOf(error)
    if (!required && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw systemFailure({ step: 'image', what: 'read credentials', path, code })
  }
  if (text.trim() === '') return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    if (isObject(parsed)) return parsed
  } catch {
    // The parser's message may quote a password.
  }
  throw fileFault(path, 'is not a JSON object')
}

function readBounded(path: string): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw fileFault(path, 'is not a regular file')
    const bytes = Buffer.alloc(LARGEST_FILE + 1)
    let length = 0
    for (let count = -1; count !== 0 && length < bytes.length; length += count)
      count = readSync(fd, bytes, length, bytes.length - length, null)
    if (length > LARGEST_FILE) throw fileFault(path, `has more than ${LARGEST_FILE} bytes`)
    return bytes.toString('utf8', 0, length)
  } finally {
    closeSync(fd)
  }
}

function fileFault(path: string, text: string): SandboxError {
  return new SandboxError({ step: 'image', what: 'read credentials', path, text })
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

async function fromHelper(
  { credHelpers, credsStore }: AuthFile,
  path: string,
  host: string,
  caller: Caller,
  notes: string[],
): Promise<Found | undefined> {
  const own = isObject(credHelpers) ? credHelpers[host] : undefined
  const helper = own ?? credsStore
  if (helper === undefined || helper === '') return undefined
  if (typeof helper !== 'string') throw fileFault(path, 'names a helper that is not text')
  const answer = await askHelper(helper, host, path, caller)
  if (answer === 'not found') return undefined
  if (answer !== 'no such helper')
    return { credentials: answer, source: `docker-credential-${helper}, which ${path} names` }
  const what = `docker-credential-${helper}, which ${path} names, is not in PATH`
  // A store that is named for all hosts is mostly another program's leftover, and most images need no credentials.
  if (own === undefined) {
    notes.push(what)
    return undefined
  }
  throw new SandboxError({ step: 'image', what: 'credentials', path: host, text: what, hint: HELPER_PATH })
}

const HELPER_PATH = 'it is looked for in the absolute directories of PATH'

function fromEntries({ auths }: AuthFile, path: string, host: string, name: string): Found | undefined {
  if (!isObject(auths)) return undefined
  for (const key of keysFor(host, name, Object.keys(auths))) {
    const entry = (auths as Record<string, unknown>)[key]
    if (!isObject(entry)) throw fileFault(path, `has no object for ${key}`)
    const credentials = ofEntry(entry, key, path)
    if (credentials !== undefined) return { credentials, source: path }
  }
  return undefined
}

/** The keys that are for HOST/NAME: those with more parts of the name first, then docker's old forms. */
function keysFor(host: string, name: string, keys: readonly string[]): string[] {
  const parts = `${host}/${name}`.split('/')
  const prefixes = parts.map((_, index) => parts.slice(0, parts.length - index).join('/'))
  const old = keys.filter((key) => {
    const match = /^https?:\/\/([^/]+)/.exec(key) ?? /^([^/]+)\/v[12]\/?$/.exec(key)
    return match !== null && match[1] === host
  })
  return [...prefixes.filter((prefix) => keys.includes(prefix)), ...old]
}

function ofEntry(entry: Entry, key: string, path: string): Credentials | undefined {
  const { auth, username, password, identitytoken, registrytoken } = entry
  if (typeof registrytoken === 'string' && registrytoken !== '') return { token: registrytoken }
  if (typeof identitytoken === 'string' && identitytoken !== '') return { identityToken: identitytoken }
  if (typeof auth === 'string' && auth !== '') {
    const text = Buffer.from(auth, 'base64').toString().replace(/\0+$/, '')
    const colon = text.indexOf(':')
    if (colon < 1) throw fileFault(path, `"auth" of ${key} is not USER:PASSWORD in base64`)
    return { username: text.slice(0, colon), password: text.slice(colon + 1) }
  }
  if (typeof username === 'string' && typeof password === 'string' && username !== '') return { username, password }
  return undefined
}
