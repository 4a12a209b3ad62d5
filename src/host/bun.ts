/**
 * The facts about this machine and caller, as the compiled program finds them. Each is looked up on demand: a start
 * pays for what it needs.
 */
import { SandboxError } from '../errors.ts'
import { fromBytes, toBytes } from '../text/bytes.ts'
import { codeOf } from './errno.ts'
import type { FileKind, HostFacts, Looked } from './types.ts'

export function thisHost(): HostFacts {
  return {
    machine: process.arch,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    get cwd() {
      return whole(callersDirectory(), () => files().readlinkSync('/proc/self/cwd', { encoding: 'buffer' }))
    },
    get env() {
      return variables()
    },
    // The compiled program restores everything itself (entry.c).
    variable,
    look,
    isLink,
    kind,
    linkText,
    directoriesIn,
    realPath,
    runsI386: () => process.arch === 'x64' && look(I386_SETTING, true) === 'other',
    read,
    isKernel,
    opensFiles: () => {},
    hasRead: () => {},
    hasTerminal,
    changed: () => ({ signals: [] }),
  }
}

/**
 * The directory that this program was started in. Throws SandboxError where it has no path: it was removed, or lies too
 * deep.
 */
export function callersDirectory(): string {
  try {
    return process.cwd()
  } catch (error) {
    const what =
      codeOf(error) === 'ENOENT' ? "the caller's directory is gone" : "the path of the caller's directory is too long"
    throw new SandboxError({
      step: 'cwd',
      what,
      hint: 'cd to another one; or use absolute paths only, and --cwd DIR, which names a directory of the box',
    })
  }
}

/** The runtime spoils text with bytes that aren't UTF-8; `read` gets it whole from the kernel. */
function whole(text: string, read: () => Uint8Array): string {
  return text.includes('\ufffd') ? fromBytes(read()) : text
}

/** Read from the kernel: the runtime's own copy lacks some variables (entry.c), and spoils bytes that aren't UTF-8. */
function variables(): Record<string, string | undefined> {
  // Without a prototype, since a variable may be called __proto__.
  const found = Object.create(null) as Record<string, string>
  for (const entry of fromBytes(files().readFileSync('/proc/self/environ')).split('\0')) {
    const end = entry.indexOf('=')
    // The first of two with one name counts, as for getenv(3).
    if (end >= 0) found[entry.slice(0, end)] ??= entry.slice(end + 1)
  }
  return found
}

/** A value that the runtime has spoiled is read from the kernel. */
function variable(name: string): string | undefined {
  const value = process.env[name]
  return value?.includes('\ufffd') ? variables()[name] : value
}

/** node:fs takes 1 ms to load, so a start without an error asks Bun whether a path is there. */
function look(path: string, follow: boolean): Looked {
  if (isThere(`${path}/.`)) return 'directory'
  if (isThere(path)) return 'other'
  const { lstatSync, statSync } = files()
  return lookBy(follow ? statSync : lstatSync, hostPath(path))
}

/** Throwing is slow, and a missing path is mostly no error, so the code of the error is found only when it is read. */
export function lookBy(stat: typeof import('node:fs').statSync, path: string | Buffer): Looked {
  try {
    const found = stat(path, { throwIfNoEntry: false })
    if (found !== undefined) return found.isDirectory() ? 'directory' : 'other'
  } catch (error) {
    return { code: codeOf(error) }
  }
  return {
    get code() {
      return reasonOf(() => stat(path))
    },
  }
}

/** ENOENT also where the path has come up meanwhile. */
function reasonOf(body: () => void): string {
  try {
    body()
    return 'ENOENT'
  } catch (error) {
    return codeOf(error)
  }
}

export const isLink = (path: string): boolean => kind(path) === 'link'

export function kind(path: string): FileKind | undefined {
  try {
    const found = files().lstatSync(hostPath(path))
    if (found.isDirectory()) return 'directory'
    return found.isSymbolicLink() ? 'link' : found.isFile() ? 'file' : 'other'
  } catch {
    return undefined
  }
}

export function linkText(path: string): string | undefined {
  try {
    return fromBytes(files().readlinkSync(hostPath(path), { encoding: 'buffer' }))
  } catch {
    return undefined
  }
}

export function directoriesIn(path: string): string[] {
  const names: string[] = []
  try {
    for (const entry of files().readdirSync(hostPath(path), { withFileTypes: true }))
      if (entry.isDirectory()) names.push(entry.name)
  } catch {
    // What can't be read has none.
  }
  return names
}

export function hasTerminal(): boolean {
  const { isatty } = require('node:tty') as typeof import('node:tty')
  return isatty(0)
}

export function realPath(path: string): string | undefined {
  try {
    return fromBytes(files().realpathSync.native(hostPath(path), { encoding: 'buffer' }))
  } catch {
    return undefined
  }
}

/** A setting of kernels with CONFIG_IA32_EMULATION. */
export const I386_SETTING = '/proc/sys/abi/vsyscall32'

/** Uses a stat(2) that is built into Bun. False also where the answer isn't known. */
export function isThere(path: string): boolean {
  return timeOf(path) !== NO_TIME
}

/** The time of the last modification, in milliseconds; for what isn't there, a time that no file has. */
export function timeOf(path: string): number {
  if (!path.isWellFormed()) return NO_TIME
  try {
    return Bun.file(path).lastModified
  } catch {
    return NO_TIME
  }
}

/** Bun's answer for a missing file. */
const NO_TIME = 2 ** 52 - 1

function files(): typeof import('node:fs') {
  return require('node:fs') as typeof import('node:fs')
}

/** A path with any bytes, for node:fs. */
export function hostPath(path: string): string | Buffer {
  return path.isWellFormed() ? path : Buffer.from(toBytes(path))
}

/** Bytes; a box may have put a sparse file of a terabyte where nsbox looks. */
const MOST_READ = 16 << 20

export function read(path: string): { text: string } | { code: string } {
  const { readFileSync, statSync } = files()
  const name = hostPath(path)
  try {
    return statSync(name).size > MOST_READ ? { code: 'EFBIG' } : { text: fromBytes(readFileSync(name)) }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

export function isKernel(major: number, minor: number): boolean {
  const release = read('/proc/sys/kernel/osrelease')
  return 'code' in release || isRelease(release.text, major, minor)
}

/** Whether a kernel's release, as uname(2) has it, is this version or a newer one; true where it is no version. */
export function isRelease(release: string, major: number, minor: number): boolean {
  const [, first, second] = /^(\d+)\.(\d+)/.exec(release) ?? []
  return first === undefined || Number(first) > major || (Number(first) === major && Number(second) >= minor)
}
