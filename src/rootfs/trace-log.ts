/**
 * Reads what a command used from a log of `strace -f`, with or without -y, -s, -t, -r and -T. The log says paths as the
 * command had them, so the directories of its processes are followed: what chdir, fchdir, open, dup and clone do to
 * them. It begins in the directory in which the log is read, unless -y names another one.
 */
import { readFileSync, statSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { failed } from './elf.ts'
import { readCall, readLine, type StraceCall, stringIn, unescape } from './strace-line.ts'
import type { Use, UseKind } from './use.ts'

/** A longer log is read in one piece no more. */
const MAX_BYTES = 512 << 20
const HINT = 'strace -f -y -o FILE COMMAND writes one'

/** A process, or threads that share their working directory and descriptors. */
type Files = { cwd: string | undefined; open: Map<string, string> }

/** Indices of arguments: the directory of a relative path, the path, the flags. */
type Call = { kind: UseKind; path: number; directory?: number; flags?: number; follows?: false }

/** The same calls as sidecar/trace/calls.c, by the names that strace gives them. */
const CALLS: Readonly<Record<string, Call>> = {
  open: { kind: 'open', path: 0, flags: 1 },
  openat: { kind: 'open', directory: 0, path: 1, flags: 2 },
  openat2: { kind: 'open', directory: 0, path: 1, flags: 2 },
  creat: { kind: 'make', path: 0 },
  execve: { kind: 'run', path: 0 },
  execveat: { kind: 'run', directory: 0, path: 1, flags: 4 },
  stat: { kind: 'look', path: 0 },
  stat64: { kind: 'look', path: 0 },
  lstat: { kind: 'look', path: 0, follows: false },
  lstat64: { kind: 'look', path: 0, follows: false },
  newfstatat: { kind: 'look', directory: 0, path: 1, flags: 3 },
  fstatat64: { kind: 'look', directory: 0, path: 1, flags: 3 },
  statx: { kind: 'look', directory: 0, path: 1, flags: 2 },
  access: { kind: 'look', path: 0 },
  faccessat: { kind: 'look', directory: 0, path: 1 },
  faccessat2: { kind: 'look', directory: 0, path: 1, flags: 3 },
  readlink: { kind: 'look', path: 0, follows: false },
  readlinkat: { kind: 'look', directory: 0, path: 1, follows: false },
  statfs: { kind: 'look', path: 0 },
  chdir: { kind: 'look', path: 0 },
  truncate: { kind: 'look', path: 0 },
  utimensat: { kind: 'look', directory: 0, path: 1, flags: 3 },
  chmod: { kind: 'look', path: 0 },
  fchmodat: { kind: 'look', directory: 0, path: 1 },
  chown: { kind: 'look', path: 0 },
  fchownat: { kind: 'look', directory: 0, path: 1, flags: 4 },
  getxattr: { kind: 'look', path: 0 },
  listxattr: { kind: 'look', path: 0 },
  inotify_add_watch: { kind: 'look', path: 1 },
  link: { kind: 'look', path: 0, follows: false },
  linkat: { kind: 'look', directory: 0, path: 1, follows: false },
  mkdir: { kind: 'make', path: 0 },
  mkdirat: { kind: 'make', directory: 0, path: 1 },
  mknod: { kind: 'make', path: 0 },
  mknodat: { kind: 'make', directory: 0, path: 1 },
  symlink: { kind: 'make', path: 1 },
  symlinkat: { kind: 'make', directory: 1, path: 2 },
  rename: { kind: 'make', path: 1 },
  renameat: { kind: 'make', directory: 2, path: 3 },
  renameat2: { kind: 'make', directory: 2, path: 3 },
}
const FORKS = ['clone', 'clone3', 'fork', 'vfork']

/** `cwd`: where the log begins. */
export function readTraceLog(file: string, cwd: string): Use[] {
  const log = new TraceLog(cwd)
  const text = textOf(file)
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from)
    log.add(text.slice(from, end < 0 ? text.length : end))
    from = end < 0 ? text.length : end + 1
  }
  if (log.calls > 0) return [...log.uses.values()]
  throw new SandboxError({ step: 'rootfs', what: 'has no line of strace that names a file', path: file, hint: HINT })
}

function textOf(file: string): string {
  try {
    if (statSync(file).size <= MAX_BYTES) return readFileSync(file, 'latin1')
  } catch (error) {
    throw failed('cannot read the log', file, error)
  }
  const hint = 'strace -f -y -e trace=file,process writes less'
  throw new SandboxError({ step: 'rootfs', what: 'the log is larger than 512 MiB', path: file, hint })
}

class TraceLog {
  /** By all that they say: a log names most files many times. */
  readonly uses = new Map<string, Use>()
  calls = 0
  readonly #first: Files
  readonly #processes = new Map<string, Files>()
  readonly #started = new Map<string, string>()

  constructor(cwd: string) {
    this.#first = { cwd, open: new Map() }
  }

  add(text: string): void {
    const line = readLine(text)
    if (line === undefined) return
    const { pid } = line
    const files = this.#filesOf(pid)
    if (line.what === 'exit') {
      this.#processes.delete(pid)
      this.#started.delete(pid)
    } else if (line.what === 'start') this.#started.set(pid, line.text)
    else {
      const start = line.what === 'end' ? (this.#started.get(pid) ?? '') : ''
      this.#started.delete(pid)
      const call = readCall(start + line.text)
      if (call !== undefined) this.#take(call, files)
    }
  }

  /** A process whose first line comes before the end of the call that makes it has the directories of its maker. */
  #filesOf(pid: string): Files {
    const known = this.#processes.get(pid)
    if (known !== undefined) return known
    const [maker] = [...this.#started].find(([, text]) => FORKS.some((name) => text.startsWith(`${name}(`))) ?? []
    const parent = maker === undefined ? this.#first : (this.#processes.get(maker) ?? this.#first)
    const files = this.#processes.size === 0 ? this.#first : copyOf(parent)
    this.#processes.set(pid, files)
    return files
  }

  #take(call: StraceCall, files: Files): void {
    const { name, args, result } = call
    const done = /^\d/.test(result)
    const use = CALLS[name]
    const path = use === undefined ? undefined : pathOf(call, use, files)
    if (use !== undefined) this.calls++
    if (use !== undefined && path !== undefined && (done || result.startsWith('-1 ENOENT')))
      for (const kind of kindsOf(use, args)) this.#note({ ...usedBy(use, args), kind, path, found: done })
    if (!done) return
    const number = /^\d+/.exec(result)?.[0] ?? ''
    if (FORKS.includes(name)) {
      const shares = /CLONE_FS|CLONE_THREAD/.test(args.join())
      // What the child has done before this line stays.
      if (!this.#processes.has(number)) this.#processes.set(number, shares ? files : copyOf(files))
    } else if (name === 'chdir') files.cwd = path
    else if (name === 'fchdir') files.cwd = directoryIn(args[0], files)
    else if (use?.kind === 'open' && path !== undefined) files.open.set(number, namedIn(result) ?? path)
    else if (/^dup[23]?$/.test(name) || (name === 'fcntl' && /F_DUPFD/.test(args[1] ?? ''))) {
      const from = directoryIn(args[0], files)
      if (from !== undefined) files.open.set(number, from)
    }
  }

  #note(use: Use): void {
    this.uses.set(`${use.kind}${use.follow}${use.found}${use.path}`, use)
  }
}

const copyOf = ({ cwd, open }: Files): Files => ({ cwd, open: new Map(open) })

/** The absolute path that a call names. Undefined where the log doesn't say it. */
function pathOf({ args }: StraceCall, use: Call, files: Files): string | undefined {
  const text = stringIn(args[use.path])
  if (text === undefined) return undefined
  if (text.startsWith('/')) return text
  const directory = use.directory === undefined ? files.cwd : directoryIn(args[use.directory], files)
  if (directory === undefined || (text === '' && use.kind !== 'run')) return undefined
  return text === '' ? directory : `${directory}/${text}`
}

/** The directory that `AT_FDCWD`, `3` or, with -y, `3</path>` means. */
function directoryIn(argument: string | undefined, files: Files): string | undefined {
  const named = namedIn(argument)
  if (named !== undefined) return named
  return argument === 'AT_FDCWD' ? files.cwd : files.open.get(argument ?? '')
}

function namedIn(argument: string | undefined): string | undefined {
  const path = /^\w+<(\/.*?)>/.exec(argument ?? '')?.[1]
  return path === undefined ? undefined : unescape(path)
}

/** As sidecar/trace/main.c has it: what is cut or only written isn't needed as it is, and a path alone isn't read. */
function kindsOf({ kind, flags }: Call, args: readonly string[]): UseKind[] {
  if (kind === 'make') return ['make', 'replace']
  if (kind !== 'open') return [kind]
  const text = args[flags ?? 0] ?? ''
  if (/O_PATH/.test(text)) return ['look']
  const makes = /O_CREAT/.test(text)
  const replaces = /O_TRUNC/.test(text) || (makes && /O_EXCL/.test(text))
  const kinds: UseKind[] = makes ? ['make'] : []
  if (!replaces && !/O_WRONLY/.test(text)) kinds.push('open')
  else if (!makes) kinds.push('look')
  if (replaces) kinds.push('replace')
  return kinds
}

function usedBy({ kind, flags, follows }: Call, args: readonly string[]): Pick<Use, 'follow' | 'changed'> {
  const text = flags === undefined ? '' : (args[flags] ?? '')
  const stays = /O_NOFOLLOW|O_EXCL|AT_SYMLINK_NOFOLLOW/.test(text)
  return { follow: follows !== false && kind !== 'make' && !stays, changed: false }
}
