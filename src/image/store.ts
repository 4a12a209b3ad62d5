/** The cache's directories and records: who may own them, and how they are written, whole or not at all. */
import { hasEnded, ownProcess } from '../host/process-start.ts'
import {
  type Stats,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { sha256Digest } from '../host/sha256.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import { OPEN_TO_OTHERS, privateFault } from '../host/private-directory.ts'
import { CACHE_VARIABLE } from '../planner/own-directories.ts'
import type { FileSystem } from '../plan/types.ts'
import type { ImageConfig } from './image.ts'
import { type Caller, imagesDirectory } from './places.ts'
import type { LocalReference } from './reference.ts'

export type ImageRecord = {
  id: string
  config: ImageConfig
  /** sha256:HEX of the manifest, where there is one. */
  digest?: string
  /** The lowest first. */
  diffIds: string[]
  /** The names of the layers' directories. */
  chainIds: string[]
  /** Bytes of all layers on the disk. */
  size: number
}
export type RefRecord = { reference: string; platform: string; digest: string; id: string; pulled: string }
/** What a trusted file has in it. `key` as below. */
export type TrustedRecord = Omit<LocalReference, 'kind'> & {
  key: string[]
  platform: string
  filesystems: FileSystem[]
}
/** `key`: what the file is known by, as `fileKey` makes it. */
export type FileRecord = Omit<LocalReference, 'kind'> & {
  key: string[]
  platform: string
  id: string
  pulled: string
}

/**
 * Makes a directory below `imagesDirectory` and what is missing above it, each for the caller alone. NAME is relative
 * and clean. Returns its path. Throws SandboxError where one of them is somebody else's, open to others, or a link.
 */
export function ensureDirectory(host: Caller, name = ''): string {
  const images = imagesDirectory(host)
  const own = images.slice(0, -'/images/v1'.length)
  make(() => mkdirSync(hostPath(own), { recursive: true, mode: 0o700 }), own)
  verify(own, host.uid)
  let path = own
  for (const part of ['images', 'v1', ...name.split('/').filter((word) => word !== '')]) {
    path += `/${part}`
    const made = path
    make(() => mkdirSync(hostPath(made), 0o700), made)
    verify(made, host.uid)
  }
  return path
}

function make(body: () => void, path: string): void {
  try {
    body()
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return
    throw storeFailure('make', path, error)
  }
}

/** The failure of a system call on the cache. */
export function storeFailure(what: string, path: string, error: unknown): SandboxError {
  const code = codeOf(error)
  return systemFailure({ step: 'image', what, path, code, hint: HINTS[code] })
}

const ELSEWHERE = `set ${CACHE_VARIABLE} to a directory on a disk that has room: nsbox image prune frees some`
const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: ELSEWHERE,
  EDQUOT: ELSEWHERE,
  EROFS: `set ${CACHE_VARIABLE} to a directory that can be written to`,
  EACCES: `set ${CACHE_VARIABLE} to a directory of yours`,
}

function verify(path: string, uid: number): void {
  const wrong = privateFault(looked(path), uid)
  if (wrong === undefined) return
  const hint = wrong === OPEN_TO_OTHERS ? `chmod 700 ${path}` : `move it away, or set ${CACHE_VARIABLE}`
  throw new SandboxError({ step: 'image', what: `the cache ${wrong}`, path, hint })
}

function looked(path: string): Stats {
  try {
    return lstatSync(hostPath(path))
  } catch (error) {
    throw storeFailure('look at', path, error)
  }
}

/**
 * OCI image-spec, config.md: names a layer together with all below it. Hard links to files of lower layers are copies,
 * so what lies in a layer's directory depends on them.
 */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chain: string[] = []
  for (const diffId of diffIds) chain.push(chainIdOn(chain.at(-1), diffId))
  return chain
}

/** The chain id of a layer on the layers whose chain id is BELOW. */
export function chainIdOn(below: string | undefined, diffId: string): string {
  return below === undefined ? diffId : sha256Digest(`${below} ${diffId}`)
}

/** The object in a file; undefined where there is none, or it is broken: then the cache simply lacks it. */
export function readRecord<T>(path: string): T | undefined {
  let text: string
  try {
    text = readFileSync(hostPath(path), 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined
    throw storeFailure('read', path, error)
  }
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as T) : undefined
  } catch {
    return undefined
  }
}

/** Writes under another name first, so that a reader finds the whole file or the one before. */
export function writeRecord(path: string, value: object): void {
  const draft = `${path.slice(0, path.lastIndexOf('/'))}/${temporaryName()}`
  try {
    const fd = openSync(hostPath(draft), 'wx', 0o600)
    try {
      writeSync(fd, `${JSON.stringify(value)}\n`)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(hostPath(draft), hostPath(path))
  } catch (error) {
    rmSync(hostPath(draft), { force: true })
    throw storeFailure('write', path, error)
  }
}

const TEMPORARY = 'tmp-'

/** A name for what is being made. It says by whom, so that what a killed process has left can be told apart. */
export function temporaryName(): string {
  return `${TEMPORARY}${ownProcess()}-${Buffer.from(crypto.getRandomValues(new Uint8Array(8))).toString('hex')}`
}

/** Whether NAME was made by a process that has ended. */
export function isAbandoned(name: string): boolean {
  return hasEnded(/^tmp-(\d+-\d+)-[0-9a-f]+$/.exec(name)?.[1] ?? '')
}
