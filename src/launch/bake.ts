/** A box as a program: the sidecar with the plan at its end, in a file of its own. It starts without the front end. */
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import { hostPath } from '../host/bun.ts'
import type { HostFacts } from '../host/types.ts'
import { absolute } from '../host/absolute.ts'
import { buildPlan } from '../planner/build.ts'
import type { ImageRoot } from '../planner/image-root.ts'
import { fromBytes } from '../text/bytes.ts'
import type { Options } from '../options/types.ts'
import { compact } from '../plan/compact.ts'
import { mapHostPaths } from '../plan/host-paths.ts'
import { showsHost } from '../plan/root.ts'
import type { BoxPlan, Process } from '../plan/types.ts'
import { writeAll } from './tmpfile.ts'
import { withPlan } from './append-plan.ts'

export type BakeOptions = {
  /** Host paths below the file's directory are stored relative to it, so that both can move together. */
  relative?: boolean
  /** Replace the file. */
  force?: boolean
}

/** Writes the file, or fails and leaves nothing. Returns the plan. `image`: as for buildPlan. */
export function bake(
  file: string,
  options: Options,
  argv: readonly string[],
  host: HostFacts,
  how: BakeOptions,
  image?: ImageRoot,
): BoxPlan {
  const path = absolute(file, host)
  const plan = bakedPlan(options, argv, host, image)
  write(path, withPlan(how.relative ? relativeTo(realDirectory(path), plan) : plan), how.force ?? false)
  return plan
}

/**
 * The program's later caller is the caller: its limits and signals need no change, and its directory isn't known yet.
 */
function bakedPlan(options: Options, argv: readonly string[], host: HostFacts, image?: ImageRoot): BoxPlan {
  const plan = buildPlan(
    { cwd: '/', ...options },
    argv,
    Object.assign(Object.create(host) as HostFacts, { changed: () => ({ signals: [] }) }),
    image,
  )
  if (options.cwd !== undefined) return plan
  const { cwd: _, ...process } = plan.process
  const cwdFallback = showsHost(plan.root) ? undefined : (image?.cwd ?? '/')
  return { ...plan, process: compact<Process>({ ...process, cwdOfCaller: true, cwdFallback }) }
}

function realDirectory(path: string): string {
  try {
    return realPath(directoryOf(path))
  } catch (error) {
    throw bakeFailure('open', directoryOf(path), codeOf(error))
  }
}

function relativeTo(directory: string, plan: BoxPlan): BoxPlan {
  return mapHostPaths(plan, (path) => {
    // "/" means the host's own root wherever the file lies.
    if (path === '/') return path
    const found = real(path)
    if (found === directory) return './'
    const above = directory === '/' ? '/' : `${directory}/`
    return found.startsWith(above) ? `./${found.slice(above.length)}` : path
  })
}

/** Written by hand, since the functions of node:path spoil names that aren't UTF-8. */
const directoryOf = (path: string): string => path.slice(0, path.replace(/\/+$/, '').lastIndexOf('/')) || '/'
const nameOf = (path: string): string => path.replace(/\/+$/, '').slice(path.replace(/\/+$/, '').lastIndexOf('/') + 1)

function realPath(path: string): string {
  return fromBytes(fs.realpathSync(hostPath(path), { encoding: 'buffer' }))
}

/** Resolves links in the directories above PATH, but not PATH itself, which may be a link to keep. */
function real(path: string): string {
  try {
    const directory = realPath(directoryOf(path))
    return `${directory === '/' ? '' : directory}/${nameOf(path)}`
  } catch {
    return path
  }
}

function bakeFailure(what: string, path: string, code: string, hint?: string): SandboxError {
  return systemFailure({ step: 'bake', what, path, code, hint })
}

/** Writes under another name first, so that a reader finds the whole file or the one before. */
function write(path: string, parts: readonly Uint8Array[], force: boolean): void {
  const draft = `${directoryOf(path)}/.${nameOf(path)}.${process.pid}`
  let fd: number
  try {
    fd = fs.openSync(hostPath(draft), 'wx', 0o755)
  } catch (error) {
    throw bakeFailure('write', draft, codeOf(error))
  }
  try {
    for (const part of parts) writeAll(fd, part)
    fs.fchmodSync(fd, 0o755) // whatever the umask
    fs.fsyncSync(fd)
    putInPlace(draft, path, force)
  } catch (error) {
    throw error instanceof SandboxError ? error : bakeFailure('write', path, codeOf(error))
  } finally {
    fs.closeSync(fd)
    fs.rmSync(hostPath(draft), { force: true })
  }
}

/** A link at PATH is refused or replaced itself: nothing is written through it. */
function putInPlace(draft: string, path: string, force: boolean): void {
  if (force) {
    fs.renameSync(hostPath(draft), hostPath(path))
    return
  }
  try {
    fs.linkSync(hostPath(draft), hostPath(path))
  } catch (error) {
    const code = codeOf(error)
    throw bakeFailure('write', path, code, code === 'EEXIST' ? '--force replaces it' : undefined)
  }
}
