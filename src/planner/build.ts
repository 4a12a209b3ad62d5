/** Makes a plan of a caller's options. It decides every default, and makes every host path absolute. */
import { systemFailure } from '../host/errno.ts'
import { absolute } from '../host/absolute.ts'
import type { HostFacts } from '../host/types.ts'
import { SandboxError, UsageError } from '../errors.ts'
import { type Command, fakesRoot, userAndCommand } from './account.ts'
import { environment } from './environment.ts'
import { capabilitiesOf } from './capabilities.ts'
import { seccompOf } from '../seccomp/seccomp.ts'
import { procView, sysView } from './masked-paths.ts'
import { cleanPath } from '../plan/box-path.ts'
import { compact } from '../plan/compact.ts'
import { latePlanner } from '../lazy.ts'
import type { ImageRoot } from './image-root.ts'
import type { MountRequest, Options } from '../options/types.ts'
import { CONTRACT } from '../plan/constants.ts'
import { rootDirectories, showsHost } from '../plan/root.ts'
import { ownDirectories } from './own.ts'
import { withPins } from './pins.ts'
import { HINTS, type Step } from '../plan/steps.ts'
import type {
  BoxPlan,
  Cgroup,
  Limit,
  Mount,
  MountOption,
  Namespace,
  Process,
  Root,
  Scope,
  Supervision,
} from '../plan/types.ts'
import { missingOnHost, viewsFor } from './views.ts'
import { absoluteHint } from '../text/absolute-hint.ts'

/**
 * Throws SandboxError where the host lacks what an option names, UsageError where the caller can't have an option.
 * `image`: the root, in place of the one that options name; its other defaults are in the options already.
 */
export function buildPlan(options: Options, argv: readonly string[], host: HostFacts, image?: ImageRoot): BoxPlan {
  const root = rootOf(options, host, image)
  const requested: Mount[] = []
  for (const request of mountsBelow(options)) requested.push(mountOf(request, host, options))
  if (image !== undefined || options.hostFiles !== undefined)
    requested.push(...latePlanner().hostFileMounts(options, root, requested, host, image !== undefined))
  const mounts = defaultMounts(options, root, requested, host, image !== undefined)
  const views = viewsFor(missingOnHost(requested, mounts, root, host.look), options.ro === true)
  for (const mount of requested) addWithView(mounts, mount, options)
  const { user, uid, command } = userAndCommand(options, argv, root, mounts, host)
  const fakeRoot = fakesRoot(options, user, uid, image !== undefined)
  if (fakeRoot && !(root.type === 'directory' && showsHost(root)))
    mounts.push(...latePlanner().aptMounts(root, mounts, host.uid))
  const namespaces = namespacesOf(options, user.idmap !== undefined)
  const own = isWritable(root, mounts) ? ownDirectories(host) : []
  const pinned = withPins(mounts, root, own.length > 0)
  for (let n = views.length - 1; n >= 0; n--)
    if (views[n] !== '/') pinned.unshift({ type: 'view', target: views[n] as string })
  const ownNetwork = namespaces.includes('net')
  const capabilities = capabilitiesOf(options, uid, ownNetwork)
  const seccomp = seccompOf({ ...options, fakeRoot }, capabilities, host)
  return compact<BoxPlan>({
    contract: CONTRACT,
    namespaces,
    idmap: user.idmap,
    root: root.type === 'directory' && views[0] === '/' ? { ...root, view: true } : root,
    mounts: pinned,
    own,
    takeBack: requested.length > 0 && root.type === 'directory' && root.path === '/',
    noFollow: options.noFollow,
    hostname: options.hostname,
    // The network is the box's own, so these settings touch nobody else.
    loopback: ownNetwork,
    ping: ownNetwork,
    lowPorts: ownNetwork,
    cgroup: cgroupOf(options, namespaces),
    process: compact<Process>({
      ...processOf(options, command, root, host, image),
      capabilities: [...capabilities],
      seccomp,
      ...user.process,
    }),
    supervision: compact<Supervision>({
      init: namespaces.includes('pid') && options.init !== false,
      ...reporting(options),
      ...timing(options),
      dieWithParent: options.dieWithParent,
    }),
  })
}

/** The options that may also stand beside a stored plan. */
export function reporting({ statusFd, verbose, quiet }: Options): Supervision {
  return compact<Supervision>({ statusFd, verbose, quiet })
}

export function timing({ timeout }: Options): Supervision {
  return timeout === undefined ? {} : { timeout, grace: GRACE }
}

/** Milliseconds that a command has to end by itself after a timeout, as container engines give it. */
export const GRACE = 10000

function namespacesOf({ share = [], net }: Options, user: boolean): Namespace[] {
  const names: Namespace[] = user ? ['user', 'mount'] : ['mount']
  for (const name of ['pid', 'ipc', 'uts', 'cgroup'] as const) if (!share.includes(name)) names.push(name)
  if (net === 'none') names.push('net')
  return names
}

/** Limits without the group's path: the sidecar finds the caller's group when the plan is run. */
function cgroupOf({ memory, cpus, pids, init }: Options, namespaces: readonly Namespace[]): Cgroup | undefined {
  if (memory === undefined && cpus === undefined && pids === undefined) return undefined
  const ownProcesses = namespaces.includes('pid') && init !== false ? 1 : 0
  return compact<Cgroup>({ memory, ...share(cpus), pids: pids === undefined ? undefined : pids + ownProcesses })
}

/** The period is a tenth of a second, or a second for a small share: the kernel takes no quota below a millisecond. */
function share(cpus: number | undefined): Pick<Cgroup, 'cpuQuota' | 'cpuPeriod'> {
  if (cpus === undefined) return {}
  const quota = Math.round(cpus * 100000)
  return quota >= 1000 ? { cpuQuota: quota } : { cpuQuota: Math.round(cpus * 1000000), cpuPeriod: 1000000 }
}

/** `--tmpfs /` as the first mount is the root itself; src/options/contradictions.ts refuses it anywhere else. */
function emptyRoot({ mounts: [first] = [] }: Options): Extract<MountRequest, { type: 'tmpfs' }> | undefined {
  return first?.type === 'tmpfs' && cleanPath(first.target) === '/' ? first : undefined
}

function mountsBelow(options: Options): readonly MountRequest[] {
  const { mounts = [] } = options
  return emptyRoot(options) === undefined ? mounts : mounts.slice(1)
}

function rootOf(options: Options, host: HostFacts, given?: ImageRoot): Root {
  const flags: MountOption[] = options.ro ? ['ro'] : []
  // Nothing gains privileges then anyway, and without nosuid the kernel executes no program whose file has a capability
  // that the box lacks.
  if (!gainsPrivileges(options)) flags.push('nosuid')
  // Root may make device nodes, which are to work only in the box's own /dev.
  if (!options.privileged) flags.push('nodev')
  const empty = emptyRoot(options)
  if (empty !== undefined) return emptied(empty, flags)
  const { root = '/', overlay } = options
  const state = typeof overlay === 'string' ? directory('state', overlay, options, host) : undefined
  if (given !== undefined) {
    const { lowers, image, filesystems } = given
    const others = compact<Omit<RootOf<'layers'>, 'type' | 'lowers'>>({
      filesystems: filesystems && [...filesystems],
      image,
      options: flags,
      state,
    })
    return { type: 'layers', lowers: [...lowers], ...others }
  }
  const path = isHostsRoot(root) ? '/' : directory('root', root, options, host)
  if (overlay === undefined) return compact<RootOf<'directory'>>({ type: 'directory', path, options: flags })
  return compact<RootOf<'layers'>>({ type: 'layers', lowers: [path], options: flags, state })
}

type RootOf<T extends Root['type']> = Extract<Root, { type: T }>

function emptied(
  { size, mode, readonly }: Extract<MountRequest, { type: 'tmpfs' }>,
  flags: readonly MountOption[],
): Root {
  const options: MountOption[] = readonly && !flags.includes('ro') ? ['ro', ...flags] : [...flags]
  return compact<RootOf<'empty'>>({ type: 'empty', size, mode, options })
}

/** Whether PATH is "/", also when it is written as // or /. */
function isHostsRoot(path: string): boolean {
  return path.startsWith('/') && !path.includes('..') && cleanPath(path) === '/'
}

function directory(step: 'root' | 'state', path: string, options: Options, host: HostFacts): string {
  const found = absolute(path, host)
  refuseDescriptor(step, found)
  const kind = host.look(found, true)
  if (typeof kind === 'object') throw missing({ step, what: 'open', path: found, code: kind.code }, options, host)
  if (kind === 'directory') return found
  // A directory that may not be entered is a directory all the same.
  const inside = host.look(`${found}/.`, true)
  if (typeof inside === 'object' && inside.code !== 'ENOTDIR')
    throw missing({ step, what: 'open', path: found, code: inside.code }, options, host)
  throw new SandboxError({
    step,
    what: 'is not a directory',
    path: found,
    hint: step === 'root' ? HINTS.rootFile : undefined,
  })
}

type Missing = { step: 'root' | 'state' | 'mounts'; what: string; path: string; code: string }

/** Step, words and hint are those of sidecar/base/host.c, which meets the same fault when a stored plan is run. */
function missing(fault: Missing, { noFollow }: Options, host: HostFacts): SandboxError {
  const { step, path, code } = fault
  if (noFollow && hasLink(path, host)) return systemFailure({ ...fault, code: 'ELOOP', hint: HINTS.noFollow })
  if (code === 'ENOENT' && step !== 'mounts') return systemFailure({ ...fault, hint: HINTS[step] })
  return systemFailure(code === 'EACCES' && isOnFuse(path, host) ? { ...fault, hint: HINTS.fuse } : fault)
}

/** Whether one of the directories on the way, or the last name, is a symbolic link. */
function hasLink(path: string, host: HostFacts): boolean {
  for (let end = path.indexOf('/', 1); ; end = path.indexOf('/', end + 1)) {
    const part = end < 0 ? path : path.slice(0, end)
    if (part !== '' && host.isLink(part)) return true
    if (end < 0) return false
  }
}

function isOnFuse(path: string, host: HostFacts): boolean {
  const mounts = host.read('/proc/self/mountinfo')
  if ('code' in mounts) return false
  return mounts.text.split('\n').some((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const point = (before.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
      String.fromCharCode(parseInt(octal, 8)),
    )
    return after.startsWith('fuse') && `${path}/`.startsWith(`${point}/`)
  })
}

/** A descriptor is valid only in this process, and the sidecar opens what the box shows anew. */
function refuseDescriptor(step: Step, path: string): void {
  if (!isDescriptor(path)) return
  throw new SandboxError({
    step,
    what: "an open descriptor can't be shown in a box",
    path,
    hint: 'name a file: write what the pipe gives into one first',
  })
}

function isDescriptor(path: string): boolean {
  for (const directory of ['/dev/fd/', '/proc/self/fd/', '/proc/thread-self/fd/'])
    if (path.startsWith(directory)) return true
  return path === '/dev/stdin' || path === '/dev/stdout' || path === '/dev/stderr'
}

/** Whether the box can write to any file of the host. */
function isWritable(root: Root, mounts: readonly Mount[]): boolean {
  if (root.type === 'directory' && !root.options?.includes('ro')) return true
  for (const { type, ...mount } of mounts)
    if (type === 'bind' && 'options' in mount && !mount.options?.includes('ro')) return true
  return false
}

const PROC_OPTIONS: MountOption[] = ['nosuid', 'nodev', 'noexec']

/** A root that has /proc and /dev, or is an image's, gets fresh ones, unless an option mounts something there. */
function defaultMounts(
  options: Options,
  root: Root,
  requested: readonly Mount[],
  host: HostFacts,
  image: boolean,
): Mount[] {
  const mounts: Mount[] = []
  const has = (name: string): boolean => {
    if (isTaken(name, requested)) return false
    if (image) return true
    for (const path of rootDirectories(root))
      if (typeof host.look(path === '/' ? name : path + name, false) === 'string') return true
    return false
  }
  if (has('/proc')) addWithView(mounts, proc('/proc', options), options)
  if (has('/dev')) mounts.push({ type: 'dev', target: '/dev' })
  // Only the host's root has a sysfs that no option requested.
  if (showsHost(root) && !options.privileged && has('/sys'))
    mounts.push(...sysView({ cgroup: !options.share?.includes('cgroup'), net: options.net === 'none' }))
  return mounts
}

function isTaken(name: string, requested: readonly Mount[]): boolean {
  for (const { target } of requested) if (target === name) return true
  return false
}

/**
 * Adds a mount, and behind a procfs what hides parts of it. A link to /proc isn't recognised: only the caller could
 * have put one in the caller's own way.
 */
function addWithView(mounts: Mount[], mount: Mount, { privileged }: Options): void {
  mounts.push(mount)
  const isProc = mount.type === 'proc' || (mount.type === 'bind' && cleanPath(mount.source) === '/proc')
  if (isProc && !privileged) mounts.push(...procView(mount.target))
}

/**
 * A procfs shows the pid namespace of the process that mounts it. In the host's, the kernel allows a user only a bind
 * of the host's /proc.
 */
function proc(target: string, { share = [], nest }: Options): Mount {
  // In a container the kernel allows no new procfs; the container's is read-only, or the box could change its settings.
  if (nest) return { type: 'bind', source: '/proc', target, options: ['ro', ...PROC_OPTIONS] }
  if (!share.includes('pid')) return { type: 'proc', target, options: PROC_OPTIONS }
  return { type: 'bind', source: '/proc', target, options: PROC_OPTIONS }
}

/** Sources are paths of the host, where a link may stand before ".."; targets are clean, and none is relative. */
function mountOf(request: MountRequest, host: HostFacts, options: Options): Mount {
  if (request.type === 'bind') return bind(request, options, host)
  const target = cleanPath(request.target)
  switch (request.type) {
    case 'tmpfs':
      return tmpfs(request, target)
    case 'proc':
      return proc(target, options)
    case 'file':
      return { ...request, target, source: existing('copy', request.source, options, host) }
    default:
      return { ...request, target }
  }
}

function tmpfs({ readonly, ...request }: Extract<MountRequest, { type: 'tmpfs' }>, target: string): Mount {
  return { ...request, target, options: readonly ? ['ro', 'nosuid', 'nodev'] : ['nosuid', 'nodev'] }
}

function bind(
  { source, target, readonly, devices }: Extract<MountRequest, { type: 'bind' }>,
  options: Options,
  host: HostFacts,
): Mount {
  const path = existing('bind', source, options, host)
  const flags: MountOption[] = [...(readonly ? ['ro' as const] : []), 'nosuid', ...(devices ? [] : ['nodev' as const])]
  return { type: 'bind', source: path, target: cleanPath(target ?? path), options: flags }
}

function existing(what: string, path: string, options: Options, host: HostFacts): string {
  const found = absolute(path, host)
  refuseDescriptor('mounts', found)
  const kind = host.look(found, true)
  if (typeof kind === 'object') throw missing({ step: 'mounts', what, path: found, code: kind.code }, options, host)
  return found
}

function processOf(
  options: Options,
  { argv, home }: Command,
  root: Root,
  host: HostFacts,
  image: ImageRoot | undefined,
): Process {
  const { openFiles, signals } = host.changed()
  return compact<Process>({
    ...commandOf(options, argv),
    // Engines set HOME also where the image's passwd has none.
    env: environment(options, host, home ?? (image === undefined ? undefined : '/')),
    ...(options.cwd === undefined ? startingIn(() => host.cwd, root, image?.cwd) : { cwd: boxDirectory(options.cwd) }),
    noNewPrivs: !gainsPrivileges(options),
    landlock: scopesOf(options),
    limits: limitsOf(options, openFiles),
    // A command would inherit ignored signals: `yes | head` would not end.
    resetSignals: signals,
    newSession: options.newSession,
  })
}

/** Whether setuid programs and file capabilities have their effect. */
function gainsPrivileges({ allowNewPrivs, privileged }: Options): boolean {
  return allowNewPrivs === true || privileged === true
}

/**
 * The command starts in its caller's directory, and never elsewhere instead, where a `rm -rf *` would meet other files.
 * A root of its own shows that directory only where a mount put it there; otherwise the command starts in FALLBACK.
 */
export function startingIn(
  callersDirectory: () => string,
  root: Root,
  fallback = '/',
): Pick<Process, 'cwd' | 'cwdOfHost' | 'cwdFallback'> {
  if (showsHost(root)) return { cwd: callersDirectory(), cwdOfHost: true }
  try {
    return { cwd: callersDirectory(), cwdOfHost: true, cwdFallback: fallback }
  } catch {
    return fallback === '/' ? {} : { cwd: fallback }
  }
}

/** The last of two limits for one resource counts. */
function limitsOf({ ulimits }: Options, openFiles: number | undefined): Limit[] {
  if (ulimits === undefined) return openFiles === undefined ? [] : [{ resource: 'nofile', soft: openFiles }]
  const last = new Map<Limit['resource'], Limit>()
  for (const limit of ulimits) last.set(limit.resource, limit)
  const inherited =
    openFiles === undefined || last.has('nofile') ? [] : [{ resource: 'nofile' as const, soft: openFiles }]
  return [...inherited, ...last.values()]
}

export function commandOf({ argv0 }: Options, argv: readonly string[]): Pick<Process, 'argv' | 'program'> {
  const [command] = argv
  if (command === undefined) throw new UsageError('no command')
  return argv0 === undefined ? { argv: [...argv] } : { argv: [argv0, ...argv.slice(1)], program: command }
}

/**
 * Closes two things that no namespace of the box divides: abstract sockets belong to the network, and a command in its
 * caller's process group could end that whole group by kill(0).
 */
function scopesOf({ share = [], net, privileged }: Options): Scope[] {
  const scopes: Scope[] = []
  if (!privileged && net !== 'none' && !share.includes('ipc') && !share.includes('abstract')) scopes.push('abstract')
  if (!privileged && !share.includes('pid')) scopes.push('signals')
  return scopes
}

function boxDirectory(path: string): string {
  if (!path.startsWith('/')) throw new UsageError(`--cwd: '${path}' must be an absolute path`, absoluteHint(path))
  return path
}
