/** Makes a plan of a caller's options. It decides every default, and makes every host path absolute. */
import type { HostFacts } from '../host/types.ts'
import { UsageError } from '../errors.ts'
import { type Command, fakesRoot, userAndCommand } from './account.ts'
import { environment } from './environment.ts'
import { capabilitiesOf } from './capabilities.ts'
import { seccompOf } from '../seccomp/seccomp.ts'
import { hostDirectory } from './host-path.ts'
import { addWithView, defaultMounts, hasOwnNetwork, isWritable, mountOf } from './mounts.ts'
import { cleanPath } from '../plan/box-path.ts'
import { compact } from '../plan/compact.ts'
import { lateImageBox, lateNetwork, latePlanner, lateReview } from '../lazy.ts'
import type { ImageRoot } from './image-root.ts'
import type { MountRequest, Options } from '../options/types.ts'
import { CONTRACT } from '../plan/constants.ts'
import { showsHost } from '../plan/root.ts'
import { ownDirectories } from './own-directories.ts'
import { needsDisk } from './scratch.ts'
import { withPins } from './pins.ts'
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
 * `image`: the root, in place of the one that options name; its other defaults are in the options already. `review`:
 * the directory of a review, below which the changes go.
 */
export function buildPlan(
  given: Options,
  argv: readonly string[],
  host: HostFacts,
  image?: ImageRoot,
  review?: string,
): BoxPlan {
  if (given.changes === 'review' && review === undefined) throw notForLater()
  const { write, keep, hide, writeTry, keepTry, allowHosts } = given
  // A socket of the host's leads past the names that the box may connect to.
  const sockets = given.sockets ?? (allowHosts === undefined ? undefined : [])
  const hasRules = (write ?? keep ?? hide ?? writeTry ?? keepTry ?? sockets) !== undefined
  const rules = hasRules ? latePlanner() : undefined
  const options =
    rules === undefined ? given : rules.rootByRules(sockets === undefined ? given : { ...given, sockets }, host)
  const root = rootOf(options, host, image, review)
  let requested: Mount[] = review === undefined ? [] : lateReview().ownBinds(root, host)
  let hides = hasRules
  for (const request of mountsBelow(options)) {
    hides ||= request.type === 'mask'
    const pattern =
      request.type === 'mask' && /[*?[]/.test(request.target)
        ? latePlanner().maskMount(request.target, root, host)
        : undefined
    requested.push(pattern ?? mountOf(request, host, options))
  }
  if (rules !== undefined) requested = rules.withRules(requested, options, root, host)
  const network =
    options.allowHosts === undefined && options.publish === undefined && options.net !== 'user'
      ? undefined
      : lateNetwork().boxNetwork(options, root, requested, host, image !== undefined || options.hostFiles !== undefined)
  if (network !== undefined) requested.push(...network.files)
  if (image !== undefined || options.hostFiles !== undefined)
    requested.push(
      ...(image?.hostFiles ?? latePlanner().hostFileMounts(options, root, requested, host, image !== undefined)),
    )
  const mounts = defaultMounts(options, root, requested, host, image !== undefined)
  if (network !== undefined) mounts.push(...network.first)
  const views = viewsFor(missingOnHost(requested, mounts, root, host.look), options.ro === true, network?.view)
  for (const mount of requested) addWithView(mounts, mount, options)
  const { user, uid, command } = userAndCommand(options, argv, root, mounts, host, image?.account)
  const fakeRoot = fakesRoot(options, user, uid, image !== undefined)
  if (fakeRoot && !(root.type === 'directory' && showsHost(root)))
    mounts.push(...(image?.apt ?? latePlanner().aptMounts(root, mounts, host)))
  const namespaces = namespacesOf(options, user.idmap !== undefined)
  const shown = review === undefined ? mounts : lateReview().reviewed(mounts, root, review, host)
  const own = isWritable(root, shown) ? ownDirectories(host) : []
  const pinned = withPins(shown, root, own.length > 0)
  for (let n = views.length - 1; n >= 0; n--)
    if (views[n] !== '/') pinned.unshift({ type: 'view', target: views[n] as string })
  const ownNetwork = namespaces.includes('net')
  const capabilities = capabilitiesOf(options, uid, ownNetwork)
  const seccomp = seccompOf({ ...options, fakeRoot }, capabilities, host)
  const helpers = network === undefined ? [] : [...network.helpers]
  if (hides) helpers.push(...latePlanner().watchers(pinned, root, capabilities, given))
  return compact<BoxPlan>({
    contract: CONTRACT,
    name: options.name,
    namespaces,
    idmap: user.idmap,
    root: root.type === 'directory' && views[0] === '/' ? { ...root, view: true } : root,
    mounts: pinned,
    own,
    takeBack: (requested.length > 0 && root.type === 'directory' && root.path === '/') || network?.makes,
    noFollow: options.noFollow,
    hostname: options.hostname,
    // The network is the box's own, so these settings touch nobody else.
    loopback: ownNetwork,
    ping: ownNetwork,
    lowPorts: ownNetwork,
    cgroup: cgroupOf(options, namespaces),
    helpers,
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

/** A stored plan may run often, and at another time; a review is about one run. */
const notForLater = (): UsageError =>
  new UsageError('--changes review: only a command that runs now can be reviewed', 'nsbox [run] OPTIONS COMMAND')

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
  if (hasOwnNetwork(net)) names.push('net')
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

function rootOf(options: Options, host: HostFacts, given?: ImageRoot, review?: string): Root {
  const flags: MountOption[] = options.ro ? ['ro'] : []
  // Nothing gains privileges then anyway, and without nosuid the kernel executes no program whose file has a capability
  // that the box lacks.
  if (!gainsPrivileges(options)) flags.push('nosuid')
  // Root may make device nodes, which are to work only in the box's own /dev.
  if (!options.privileged) flags.push('nodev')
  const empty = emptyRoot(options)
  if (empty !== undefined) return emptied(empty, flags)
  const { root = '/', overlay } = options
  const state = typeof overlay === 'string' ? hostDirectory('state', overlay, options, host) : undefined
  if (given !== undefined) {
    const { lowers, image, filesystems, scratch } = given
    const others = compact<Omit<RootOf<'layers'>, 'type' | 'lowers'>>({
      filesystems: filesystems && [...filesystems],
      image,
      options: flags,
      state,
      scratch: state === undefined ? scratch : undefined,
    })
    return { type: 'layers', lowers: [...lowers], ...others }
  }
  const path = isHostsRoot(root) ? '/' : hostDirectory('root', root, options, host)
  if (review !== undefined && overlay === undefined && !options.ro)
    return { type: 'layers', lowers: [path], options: flags, state: `${review}/root` }
  if (overlay === undefined) return compact<RootOf<'directory'>>({ type: 'directory', path, options: flags })
  const scratch = needsDisk(options, host) ? lateImageBox().scratchDirectory(options, host) : undefined
  return compact<RootOf<'layers'>>({ type: 'layers', lowers: [path], options: flags, state, scratch })
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
    keepFds: options.keepFds,
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
  if (!privileged && !hasOwnNetwork(net) && !share.includes('ipc') && !share.includes('abstract'))
    scopes.push('abstract')
  if (!privileged && !share.includes('pid')) scopes.push('signals')
  return scopes
}

function boxDirectory(path: string): string {
  if (!path.startsWith('/')) throw new UsageError(`--cwd: '${path}' must be an absolute path`, absoluteHint(path))
  return path
}
