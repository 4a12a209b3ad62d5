/** Reads an image's configuration: config.md of the OCI image specification, which Docker's own format agrees with. */
import { sha256Digest } from '../host/sha256.ts'
import { SandboxError } from '../errors.ts'
import { compact } from '../plan/compact.ts'
import { DIGEST } from './grammar.ts'
import type { ImageConfig } from './image.ts'

/** OVL_MAX_STACK of the kernel is 500, and one lower directory is for files of the host. */
const MAX_LAYERS = 499
/** Bytes. */
export const MAX_CONFIG = 8 << 20

type ReadConfig = {
  /** sha256:HEX of the text. */
  id: string
  config: ImageConfig
  /** Digests of the uncompressed layers, the lowest first. */
  diffIds: string[]
}

/** Throws SandboxError if it is not a configuration. `about`: the image, for messages. */
export function readConfig(bytes: Uint8Array, about: string): ReadConfig {
  const id = sha256Digest(bytes)
  if (bytes.length > MAX_CONFIG) throw wrongConfig(`is larger than ${MAX_CONFIG} bytes`, about)
  const top = objectOf(parsed(bytes, about), 'the configuration', about)
  const inner = top.config === undefined || top.config === null ? {} : objectOf(top.config, 'config', about)
  const rootfs = objectOf(top.rootfs, 'rootfs', about)
  const diffIds = textsOf(rootfs.diff_ids, 'rootfs.diff_ids', about) ?? []
  if (diffIds.length > MAX_LAYERS)
    throw wrongConfig(`has ${diffIds.length} layers: an overlay takes at most ${MAX_LAYERS}`, about)
  for (const digest of diffIds)
    if (!DIGEST.test(digest)) throw wrongConfig('rootfs.diff_ids: not sha256: and 64 hexadecimal digits', about)
  return { id, config: configOf(top, inner, about), diffIds }
}

type Members = Readonly<Record<string, unknown>>

function configOf(top: Members, inner: Members, about: string): ImageConfig {
  const env = textsOf(inner.Env, 'config.Env', about) ?? []
  for (const entry of env)
    if (!/^[^=]+=/.test(entry)) throw wrongConfig('config.Env: an entry is not NAME=VALUE', about)
  const cwd = textOf(inner.WorkingDir, 'config.WorkingDir', about) || undefined
  const user = textOf(inner.User, 'config.User', about) || undefined
  const entrypoint = textsOf(inner.Entrypoint, 'config.Entrypoint', about)
  const cmd = textsOf(inner.Cmd, 'config.Cmd', about)
  const architecture = textOf(top.architecture, 'architecture', about) || undefined
  const os = textOf(top.os, 'os', about) || undefined
  const created = textOf(top.created, 'created', about) || undefined
  const stopSignal = textOf(inner.StopSignal, 'config.StopSignal', about) || undefined
  return {
    env,
    labels: labelsOf(inner.Labels, about),
    // An empty list or text means the same as none.
    ...compact<Omit<ImageConfig, 'env' | 'labels'>>({
      // Engines take a relative one from "/".
      cwd: cwd === undefined || cwd.startsWith('/') ? cwd : `/${cwd}`,
      user,
      entrypoint,
      cmd,
      architecture,
      os,
      created,
      stopSignal,
    }),
  }
}

function parsed(bytes: Uint8Array, about: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw wrongConfig('is not JSON', about)
  }
}

/** Absent and null are the same: Docker writes null. */
function textOf(value: unknown, key: string, about: string): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw wrongConfig(`${key}: not text`, about)
  if (value.includes('\0')) throw wrongConfig(`${key}: NUL in text`, about)
  return value
}

function textsOf(value: unknown, key: string, about: string): string[] | undefined {
  if (value === undefined || value === null) return undefined
  if (!Array.isArray(value)) throw wrongConfig(`${key}: not a list`, about)
  return value.map((entry) => {
    const text = textOf(entry, key, about)
    if (text === undefined) throw wrongConfig(`${key}: null in a list`, about)
    return text
  })
}

function objectOf(value: unknown, key: string, about: string): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw wrongConfig(`${key}: not an object`, about)
  return value as Members
}

function labelsOf(value: unknown, about: string): Record<string, string> {
  if (value === undefined || value === null) return {}
  const labels: [string, string][] = Object.entries(objectOf(value, 'config.Labels', about)).map(([name, text]) => [
    name,
    textOf(text, 'config.Labels', about) ?? '',
  ])
  return Object.fromEntries(labels)
}

function wrongConfig(what: string, path: string): SandboxError {
  return new SandboxError({
    step: 'image',
    what: `the image's configuration ${what}`,
    path,
    hint: 'the image is damaged, or made for something else: ask whoever built it',
  })
}
