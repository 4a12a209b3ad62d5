/**
 * Runs the unpacker: a static program that reads archives of strangers. It gets a box without a network, whose root is
 * empty but for the program, the directory that it fills, and the layers below; so a flaw in a decoder reaches nothing
 * else.
 */
import { StringDecoder } from 'node:string_decoder'
import type { Readable, Writable } from 'node:stream'
import { SandboxError } from '../errors.ts'
import { codeOf, errnoText, systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { CHILD_SUPERVISION, startChildBox, type ChildBox } from '../launch/child-box.ts'
import { CONTRACT } from '../plan/constants.ts'
import { compact } from '../plan/compact.ts'
import type { BoxPlan, Capability, Mount, Namespace } from '../plan/types.ts'
import { seccompOf } from '../seccomp/seccomp.ts'
import { helperFile } from './helper-file.ts'
import { UNREADABLE } from './ranges.ts'
import type { MapKind } from './map.ts'

/** A line of the helper's. */
export type HelperEvent = Readonly<Record<string, unknown>> & { event: string }

type Job = {
  /** The ids of its box; `initial`: root without a user namespace, which alone reads trusted.* attributes. */
  map: Pick<MapKind, 'idmap'> | 'initial'
  /** The command and its options. */
  args: readonly string[]
  /** A directory of the host, writable as /target. */
  target?: string
  /** Read-only, the topmost first. */
  lowers?: readonly string[]
  /** Standard input: a descriptor, or a pipe that the caller fills. */
  input?: number | 'pipe'
  /** A descriptor for standard output; events then come on standard error. */
  output?: number
  onEvent?(event: HelperEvent): void
  signal?: AbortSignal
}

type Running = {
  /** Its standard input, where that is a pipe. */
  input: Writable | null
  /** The last event. Rejects with SandboxError, or with the signal's reason. */
  ended: Promise<HelperEvent | undefined>
  /** Ends it now, with all that is in its box. */
  kill(): void
}

/** The capabilities that root in the box needs for owners, modes and attributes of any file below /target. */
const CAPABILITIES: readonly Capability[] = ['chown', 'dac_override', 'fowner', 'fsetid', 'mknod', 'setfcap']

function planOf({ map, args, target, lowers = [] }: Job, program: string, host: HostFacts): BoxPlan {
  const mounts: Mount[] = [{ type: 'file', source: program, target: '/unpack' }]
  if (target !== undefined)
    mounts.push({ type: 'bind', source: target, target: '/target', options: ['nosuid', 'nodev'] })
  for (const [n, source] of lowers.entries())
    mounts.push({ type: 'bind', source, target: `/lower/${n}`, options: ['ro', 'nosuid', 'nodev'] })
  const { idmap, capabilities } =
    map === 'initial'
      ? { idmap: undefined, capabilities: [...CAPABILITIES, 'sys_admin' as const] }
      : { idmap: map.idmap, capabilities: CAPABILITIES }
  const seccomp = seccompOf({}, capabilities, host)
  const namespaces: Namespace[] = ['mount', 'pid', 'ipc', 'uts', 'cgroup', 'net']
  return compact<BoxPlan>({
    contract: CONTRACT,
    namespaces: idmap === undefined ? namespaces : ['user', ...namespaces],
    idmap,
    root: { type: 'empty', options: ['ro', 'nosuid', 'nodev'] },
    mounts,
    process: {
      argv: ['/unpack', ...args],
      ...(idmap?.by !== 'self' && { uid: 0, gid: 0, dropGroups: true }),
      capabilities: [...capabilities],
      noNewPrivs: true,
      ...(seccomp !== undefined && { seccomp }),
      resetSignals: host.changed().signals,
    },
    supervision: CHILD_SUPERVISION,
  })
}

/** Starts the helper. Throws SandboxError where that can't even be tried. */
export function startHelper(job: Job, host: HostFacts): Running {
  job.signal?.throwIfAborted()
  try {
    const plan = planOf(job, helperFile(host), host)
    const box = startChildBox(plan, [job.input ?? 'ignore', job.output ?? 'pipe', 'pipe'])
    return { input: box.child.stdin, ended: endOf(box, job), kill: () => void box.child.kill('SIGKILL') }
  } catch (error) {
    throw error instanceof SandboxError ? error : notStarted(error)
  }
}

function notStarted(error: unknown): SandboxError {
  return systemFailure({ step: 'image', what: 'start the helper that unpacks', code: codeOf(error) })
}

/** Runs the helper to its end. */
export function runHelper(job: Job, host: HostFacts): Promise<HelperEvent | undefined> {
  return startHelper(job, host).ended
}

async function endOf({ child, ended }: ChildBox, job: Job): Promise<HelperEvent | undefined> {
  let last: HelperEvent | undefined
  let failed: HelperEvent | undefined
  let words = ''
  const take = (event: HelperEvent): void => {
    if (event.event === 'error') failed ??= event
    last = event
    job.onEvent?.(event)
  }
  if (child.stdout !== null) eventsIn(child.stdout, take, () => {})
  if (child.stderr !== null)
    eventsIn(child.stderr, take, (line) => {
      words ||= line
    })
  const kill = () => void child.kill('SIGKILL')
  job.signal?.addEventListener('abort', kill, { once: true })
  try {
    const { status, signal, failure } = await ended.catch((error) => {
      throw notStarted(error)
    })
    job.signal?.throwIfAborted()
    if (failure !== undefined) throw failure
    if (failed !== undefined) throw failureOf(failed, job)
    if (status === 0) return last
    throw new SandboxError({
      step: 'image',
      what: `the helper that unpacks ended with ${signal ?? `status ${status}`}${words === '' ? '' : `: ${words}`}`,
      hint: signal === 'SIGKILL' || status === 137 ? 'the machine may have run out of memory' : 'please report this',
    })
  } finally {
    job.signal?.removeEventListener('abort', kill)
  }
}

/** A name has at most 4096 bytes, each of which may be six characters of JSON. */
const LONGEST_LINE = 64 << 10

function eventsIn(stream: Readable, take: (event: HelperEvent) => void, other: (line: string) => void): void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  stream.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE)
    for (const line of lines) {
      const event = eventOf(line)
      if (event === undefined) other(line)
      else take(event)
    }
  })
}

function eventOf(line: string): HelperEvent | undefined {
  try {
    const value = JSON.parse(line) as HelperEvent | null
    return typeof value?.event === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function failureOf(event: HelperEvent, { args: [command = ''] }: Job): SandboxError {
  const textOf = (key: string): string | undefined =>
    typeof event[key] === 'string' && event[key] !== '' ? event[key] : undefined
  const [what = 'failed', entry, code] = [textOf('what'), textOf('entry'), textOf('code')]
  const verb = VERBS[command] ?? command
  const hint = code === undefined ? HOSTILE : HINTS[code]
  const about = { step: 'image' as const, path: entry, hint }
  if (code === undefined) return new SandboxError({ ...about, what: verb, text: what })
  return new SandboxError({ ...about, what: `${verb}: ${what}`, code, text: errnoText(code) })
}

const VERBS: Readonly<Record<string, string>> = {
  layer: 'unpack',
  cat: 'uncompress',
  iso: 'read the ISO',
  classify: 'look into it',
  nested: 'look into the squashfs',
}
const HOSTILE = 'the archive is damaged, or made to deceive: nothing of it was kept'
const FULL = 'set NSBOX_CACHE to a directory on a disk that has room; nsbox image prune frees some'
const HINTS: Readonly<Record<string, string>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EOPNOTSUPP: 'the file system of the cache lacks what images need: set NSBOX_CACHE to a directory on another one',
  EIO: UNREADABLE,
  EROFS: 'set NSBOX_CACHE to a directory that can be written to',
}
