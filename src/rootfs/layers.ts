/**
 * Layers over what a traced command may write to, besides the host's root file system: that has one by --overlay, but
 * what is mounted below it would be read-only. So each mount gets an overlay of its own, whose changes vanish, and what
 * can't have one is shown read-only.
 */
import { accessSync, constants, lstatSync, readdirSync, readlinkSync, type Stats, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import type { Mount, MountOption } from '../plan/types.ts'
import { type HostMount, hostMounts, isBelow } from './host-mounts.ts'

const OPTIONS: MountOption[] = ['nosuid', 'nodev']
/** The box has its own, or they are of the kernel. */
const KERNEL = ['/proc', '/sys', '/dev']
/** File systems that show the kernel: a layer over one of them holds nothing, or is refused. */
const NO_LAYER =
  /^(proc|sysfs|devtmpfs|devpts|cgroup2?|tracefs|debugfs|securityfs|mqueue|bpf|pstore|configfs|fusectl|hugetlbfs|binfmt_misc|autofs|efivarfs|nsfs|rpc_pipefs|selinuxfs)$/
/** Where each program may write; a new one takes the place of what can't have a layer. */
const TEMPORARY = ['/tmp', '/var/tmp']
/** More entries of one directory don't each get a mount. */
const MOST_ENTRIES = 2000
const MOST_SOCKETS = 200
/** Bytes of a file that is copied into memory, where it can't have a layer. */
const MOST_COPIED = 1 << 20

/** How often a mount at each path has failed. */
type Refused = ReadonlyMap<string, number>

/** `refused`: what this host couldn't mount before, so that something else takes its place. */
export function layers(host: HostFacts, refused: Refused): Mount[] {
  const mountinfo = host.read('/proc/self/mountinfo')
  const { shown, points } = hostMounts('text' in mountinfo ? mountinfo.text : '')
  const mounts = new Map(shown.map((mount) => [mount.point, mount]))
  const places = host.uid === 0 ? [] : customaryPlaces(host).flatMap(withParents)
  const paths = [...new Set([...mounts.keys(), ...places])].filter((path) => path !== '/' && !isOfKernel(path))
  const plan = new Layers(points, refused, host)
  // Parents come before what lies in them, which they hide.
  for (const path of paths.toSorted((a, b) => a.length - b.length)) {
    const mount = mounts.get(path)
    if (mount === undefined) plan.place(path)
    else plan.mount(mount)
  }
  for (const socket of socketsOf(host)) plan.socket(socket)
  return plan.mounts
}

const isOfKernel = (path: string): boolean => KERNEL.some((directory) => path === directory || isBelow(path, directory))

class Layers {
  readonly mounts: Mount[] = []
  readonly #points: readonly string[]
  readonly #refused: Refused
  /** The kernel allows a user no layer over a directory with mounts below it. */
  readonly #asUser: boolean
  readonly #isMine: (stat: Stats) => boolean
  /** What has been replaced so far. */
  readonly #targets = new Set<string>()

  constructor(points: readonly string[], refused: Refused, { uid, gid }: HostFacts) {
    this.#points = points
    this.#refused = refused
    this.#asUser = uid !== 0
    this.#isMine = (stat) => stat.uid === uid && stat.gid === gid
  }

  mount({ point, type, writable }: HostMount): void {
    if (this.#isOfRoot(point)) return
    if (writable && !NO_LAYER.test(type) && statOf(point)?.isDirectory() === true) this.#layer(point)
    else if (this.#isHidden(point)) this.#show(point)
  }

  /**
   * A directory that a user may write to. To hold a change, a layer copies the directories on the way from its top; and
   * a user can make no copy of another one's directory. So what lies in such a directory gets a layer of its own.
   */
  place(path: string): void {
    if (isWritable(path) && statOf(path)?.isDirectory() === true && !this.#isHeld(path)) this.#layer(path)
  }

  /** Whether a layer holds changes in the directory. */
  #isHeld(path: string): boolean {
    if (path === '/') return false
    if (this.#targets.has(path) || this.#isOfRoot(path)) return true
    const stat = statOf(path)
    return stat !== undefined && this.#isMine(stat) && this.#isHeld(dirname(path))
  }

  /** A user's layer of the root is one for each of these. */
  #isOfRoot(path: string): boolean {
    return this.#asUser && dirname(path) === '/' && !this.#hasMounts(path)
  }

  /** A socket answers only on its own file system, and not in a layer. */
  socket(path: string): void {
    this.#show(path)
  }

  #layer(path: string): void {
    if (this.#targets.has(path)) return
    this.#targets.add(path)
    if (this.#refused.has(path)) {
      if (TEMPORARY.includes(path)) this.mounts.push(tmpfs(path, 0o1777))
      else if (this.#isHidden(path)) this.#show(path, 2)
    } else if (this.#asUser && this.#hasMounts(path)) this.#split(path)
    else this.mounts.push({ type: 'overlay', target: path, lower: path, options: OPTIONS })
  }

  /** A new directory in its place, with a layer over each directory in it. Files are copies, large ones read-only. */
  #split(path: string): void {
    const entries = entriesOf(path)
    if (entries === undefined) return
    this.mounts.push(tmpfs(path, (statOf(path)?.mode ?? 0o755) & 0o7777))
    for (const name of entries) {
      const entry = `${path}/${name}`
      const stat = lstatSync(entry, { throwIfNoEntry: false })
      if (stat?.isSymbolicLink()) this.mounts.push({ type: 'symlink', target: entry, to: readlinkSync(entry) })
      else if (stat?.isDirectory()) this.#layer(entry)
      else if (stat?.isFile() && stat.size <= MOST_COPIED && isWritable(entry, constants.R_OK | constants.W_OK))
        this.mounts.push({ type: 'file', source: entry, target: entry })
      else if (stat?.isFile()) this.#show(entry)
    }
  }

  #show(path: string, tries = 1): void {
    if ((this.#refused.get(path) ?? 0) < tries) this.mounts.push(bind(path))
  }

  #isHidden(path: string): boolean {
    return [...this.#targets].some((target) => isBelow(path, target))
  }

  #hasMounts(path: string): boolean {
    return this.#points.some((point) => isBelow(point, path))
  }
}

const bind = (path: string): Mount => ({ type: 'bind', source: path, target: path, options: ['ro', ...OPTIONS] })
const tmpfs = (target: string, mode: number): Mount => ({
  ...{ type: 'tmpfs', target, options: OPTIONS },
  mode: mode.toString(8).padStart(4, '0'),
})

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function entriesOf(path: string): string[] | undefined {
  try {
    const names = readdirSync(path)
    return names.length > MOST_ENTRIES ? undefined : names
  } catch {
    return undefined
  }
}

/** Where the caller's programs write by custom. */
function customaryPlaces({ cwd, env }: HostFacts): string[] {
  const named = [env['HOME'], env['TMPDIR'], env['XDG_RUNTIME_DIR']]
  const absolute = named.flatMap((path) => (path?.startsWith('/') ? [cleanPath(path)] : []))
  return [cwd, ...absolute, ...TEMPORARY]
}

/** "/a/b" gives "/a" and "/a/b". */
function withParents(path: string): string[] {
  const names = path.split('/').slice(1)
  return names.map((_, n) => `/${names.slice(0, n + 1).join('/')}`)
}

function isWritable(path: string, access = constants.W_OK | constants.X_OK): boolean {
  try {
    accessSync(path, access)
    return true
  } catch {
    return false
  }
}

/** Those that programs of this network namespace listen on: proc_net(5), /proc/net/unix. */
function socketsOf(host: HostFacts): string[] {
  const table = host.read('/proc/net/unix')
  if ('code' in table) return []
  const paths = [...table.text.matchAll(/^(?:\S+ +){6}\d+ (\/.*)$/gm)].map(([, path = '']) => path)
  return [...new Set(paths)].filter((path) => !isOfKernel(path) && isSocket(path)).slice(0, MOST_SOCKETS)
}

function isSocket(path: string): boolean {
  try {
    return cleanPath(path) === path && lstatSync(path).isSocket()
  } catch {
    return false
  }
}
