/**
 * What this kernel, user and host allow, and the way out where they don't. Each check is a function of the host's
 * facts, which come in as one object: a test hands in another machine's.
 *
 * `no` means that no box can run; `note` that something will not work, or works more slowly.
 */
import type { SpawnSyncReturns } from 'node:child_process'
import * as fs from 'node:fs'
import { errnoText } from './errno.ts'
import { safeJson } from '../plan/encode.ts'

export type Host = {
  /** Content of a text file, or undefined where it cannot be read. */
  readFile(path: string): string | undefined
  exists(path: string): boolean
  /** Mode bits and owner of a file. */
  stat(path: string): { mode: number; uid: number } | undefined
  /** Exit status and output of a program; undefined where it is not there. */
  run(program: string, args: string[]): { status: number; stdout: string; stderr?: string } | undefined
  /** Makes a nameless file in DIR and removes it: the name of the error, or undefined. */
  tryTmpfile(dir: string): string | undefined
  env: Readonly<Record<string, string | undefined>>
  uid: number
  user: string
  /** Path of this executable. */
  exe: string
}

type Result = {
  status: 'ok' | 'no' | 'note'
  /** What was found. */
  found: string
  /** What will not work. */
  effect?: string
  /** Lines that change it, to be copied as they are. */
  fix?: string[]
}

type Check = { name: string; run(host: Host): Result }

/**
 * Prints each check to OUT, a line at a time, or all as one JSON document. Exit status: 0 if the default box starts,
 * else 1.
 */
export function doctor(out: (line: string) => void, host: Host = examinedHost(), json = false): number {
  const checks = CHECKS.map((check) => ({ name: check.name, ...check.run(host) }))
  const boxes = verdict(host, checks)
  if (json) for (const line of safeJson({ boxes, checks }).split('\n')) out(line)
  else
    for (const line of [
      ...checks.flatMap((check) => render(check.name, check)),
      '',
      ...verdictLines(
        boxes,
        checks.some(({ status }) => status === 'no'),
      ),
    ])
      out(line)
  return boxes.default.starts ? 0 : 1
}

/** Whether a box starts; `error` and `hint` are those of the box. */
type Start = { starts: true } | { starts: false; error: string; hint?: string }
type Verdict = { default: Start; nest?: Start }

/** The checks only guess, so a box is started to know. */
function verdict(host: Host, checks: readonly Result[]): Verdict {
  const started = tryBox(host, [])
  if (started?.starts) return { default: started }
  if (started !== undefined) return { default: started, nest: tryBox(host, ['--nest']) ?? started }
  const barred = checks.find(({ status }) => status === 'no')
  return { default: barred === undefined ? { starts: true } : { starts: false, error: barred.found } }
}

function verdictLines({ default: plain, nest }: Verdict, isBarred: boolean): string[] {
  if (plain.starts) return ['boxes can run here']
  const why = (start: Start) =>
    start.starts ? [] : [`        ${start.error}`, ...(start.hint === undefined ? [] : [`        hint: ${start.hint}`])]
  if (nest?.starts)
    return ['the default box cannot start here:', ...why(plain), 'boxes with --nest can run here: nsbox --nest COMMAND']
  return [isBarred ? 'no box can run here: see the lines marked no' : 'no box can run here:', ...why(plain)]
}

type Failure = {
  event: string
  step?: string
  what?: string
  path?: string
  code?: string
  text?: string
  hint?: string
  status?: number
}

/** Starts a box and collects its failures; undefined where this program can't be executed. */
function failures(
  host: Host,
  flags: readonly string[],
): { status: number; list: Failure[]; stderr: string } | undefined {
  const tried = host.run(host.exe, ['--quiet', '--status-fd', '1', '--cwd', '/', ...flags, 'true'])
  if (tried === undefined) return undefined
  const events = tried.stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Failure)
  return { status: tried.status, list: events.filter(({ event }) => event === 'error'), stderr: tried.stderr ?? '' }
}

function tryBox(host: Host, flags: readonly string[]): Start | undefined {
  const tried = failures(host, flags)
  if (tried === undefined) return undefined
  // 126 and 127 are about the command: the box has started.
  const failure = tried.list.find(({ status = 125 }) => status === 125)
  if (failure === undefined && tried.status !== 125) return { starts: true }
  if (failure === undefined)
    return {
      starts: false,
      error: tried.stderr.split('\n')[0]?.replace(/^nsbox: /, '') || `nsbox ended with status ${tried.status}`,
    }
  const { hint } = failure
  return hint === undefined
    ? { starts: false, error: errorOf(failure) }
    : { starts: false, error: errorOf(failure), hint }
}

function errorOf({ step, what = 'failed', path, text, code }: Failure): string {
  return [
    ...(step === undefined ? [] : [step]),
    what,
    ...(path === undefined ? [] : [path]),
    ...(text === undefined ? [] : [`${text} (${code})`]),
  ].join(': ')
}

function render(name: string, { status, found, effect, fix = [] }: Result): string[] {
  return [
    `${status.padEnd(4)}  ${name}: ${found}`,
    ...(effect === undefined ? [] : [`        ${effect}`]),
    ...fix.map((line, i) => `        ${i === 0 ? 'fix: ' : '     '}${line}`),
  ]
}

const ok = (found: string): Result => ({ status: 'ok', found })
const no = (found: string, effect: string, ...fix: string[]): Result => ({ status: 'no', found, effect, fix })
const note = (found: string, effect: string, ...fix: string[]): Result => ({ status: 'note', found, effect, fix })

// ---- kernel ----

/** System call or feature, the first kernel that has it, and what happens without. */
const FEATURES = [
  ['clone3', 5.03, 'nsbox was not tried on kernels this old'],
  ['the mount API (open_tree, fsopen)', 5.02, 'mounts are made with mount(2), which is slower'],
  ['openat2', 5.06, 'paths in the box are walked step by step, which is slower'],
  ['close_range', 5.09, 'descriptors are closed one at a time'],
  ['mount_setattr', 5.12, 'binds are made read-only one mount at a time'],
] as const

function kernel(host: Host): Result {
  const release = host.readFile('/proc/sys/kernel/osrelease')?.trim() ?? 'unknown'
  const version = kernelVersion(host)
  if (version === undefined)
    return note(`${release}, a version that nsbox can't read`, 'features are tried when a box starts')
  const missing = FEATURES.filter(([, since]) => version < since)
  if (missing.length === 0) return ok(`${release}, with ${FEATURES.map(([name]) => name).join(', ')}`)
  return note(
    `${release}, without ${missing.map(([name]) => name).join(', ')}`,
    missing.map(([, , effect]) => effect).join('; '),
    'a kernel of 5.12 or later has them all',
  )
}

/** Linux 5.4 is 5.04 and 5.12 is 5.12, so that versions compare as numbers. */
function kernelVersion(host: Host): number | undefined {
  const match = /^(\d+)\.(\d+)/.exec(host.readFile('/proc/sys/kernel/osrelease') ?? '')
  return match === null ? undefined : Number(match[1]) + Number(match[2]) / 100
}

// ---- user namespaces ----

const CAP_SYS_ADMIN = 21n

/** Whether the caller may make namespaces without a user namespace around them. */
function privileged(host: Host): boolean {
  const effective = statusField(host, 'CapEff')
  return effective === undefined ? host.uid === 0 : ((BigInt(`0x${effective}`) >> CAP_SYS_ADMIN) & 1n) === 1n
}

/** Whether our privilege counts on the machine itself, and not just inside of a user namespace (user_namespaces(7)). */
function initialUserNamespace(host: Host): boolean {
  const map = host.readFile('/proc/self/uid_map')?.trim().split(/\s+/)
  return map === undefined || map.join(' ') === '0 0 4294967295'
}

/** Whether process 1 here is the init of a box: then the box around us has to change. */
function inBox(host: Host): boolean {
  return host.readFile('/proc/1/comm')?.trim() === 'box-init'
}

const OUTER_BOX = 'nsbox --allow-userns ...    for the box around this one, and nsbox --nest ... in it'

function statusField(host: Host, name: string): string | undefined {
  return new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(host.readFile('/proc/self/status') ?? '')?.[1]
}

function privilege(host: Host): Result {
  if (privileged(host))
    return ok(
      `user id ${host.uid}, with CAP_SYS_ADMIN${initialUserNamespace(host) ? '' : ' in a user namespace'}: boxes need no user namespace of their own`,
    )
  if (host.uid !== 0) return ok(`user id ${host.uid}, unprivileged: boxes get a user namespace`)
  return note(
    'user id 0, but without CAP_SYS_ADMIN, as in most containers',
    'boxes need a user namespace here',
    inBox(host) ? OUTER_BOX : 'nsbox --nest ..., or start the container with --cap-add SYS_ADMIN',
  )
}

/** Everybody but root needs a user namespace; for root its lack is only a note. */
function barred(host: Host, found: string, ...fix: string[]): Result {
  return privileged(host)
    ? note(found, '--userns will not work, nor will boxes of ordinary users', ...fix)
    : no(found, 'boxes cannot be made without root', ...fix)
}

function userNamespaces(host: Host): Result {
  const max = host.readFile('/proc/sys/user/max_user_namespaces')?.trim()
  if (max === undefined && !host.exists('/proc/self/ns/user'))
    return barred(
      host,
      'this kernel is built without them (CONFIG_USER_NS is off)',
      'use a kernel with CONFIG_USER_NS=y',
    )
  if (max === '0') return barred(host, 'user.max_user_namespaces is 0', ...sysctl('user.max_user_namespaces=15000'))
  if (host.readFile('/proc/sys/kernel/unprivileged_userns_clone')?.trim() === '0' && !privileged(host)) {
    return barred(host, 'kernel.unprivileged_userns_clone is 0', ...sysctl('kernel.unprivileged_userns_clone=1'))
  }
  // Under an AppArmor restriction unshare(1) passes or fails by its own profile, which says nothing about us.
  if (appArmorRestricts(host)) return ok(`allowed by the kernel, up to ${max ?? 'its limit'}; AppArmor: see below`)
  return tryUserNamespace(host, max)
}

function tryUserNamespace(host: Host, max: string | undefined): Result {
  // -r maps an id: some restrictions allow the namespace and refuse its map.
  const tried = host.run('unshare', ['-U', '-r', 'true'])
  if (tried === undefined) return ok(`allowed, up to ${max ?? "the kernel's limit"} (not tried: there is no unshare)`)
  if (tried.status === 0) return ok(`allowed, up to ${max ?? "the kernel's limit"}; made one to try`)
  if (inBox(host)) return barred(host, 'refused by the filter of the box that this runs in', OUTER_BOX)
  return (statusField(host, 'Seccomp') ?? '0') !== '0'
    ? barred(
        host,
        'refused, and a seccomp filter is active, as in a box or a container',
        "docker run --security-opt seccomp=unconfined ..., or with a profile that allows clone, unshare, mount and umount2; podman's own allows them",
      )
    : barred(
        host,
        'refused when tried (unshare -U -r true)',
        "unshare -U -r true    shows the kernel's error; dmesg may show what refused it",
      )
}

const sysctl = (setting: string): string[] => [
  `sudo sysctl -w ${setting.includes(' ') ? `'${setting}'` : setting}`,
  `echo '${setting}' | sudo tee /etc/sysctl.d/99-nsbox.conf    (to keep it)`,
]

/** Each may have a limit of 0, user_namespaces(7); user namespaces have a check of their own. */
const LIMITED = ['mnt', 'pid', 'ipc', 'uts', 'cgroup', 'net'] as const

function otherNamespaces(host: Host): Result {
  const none = LIMITED.filter((name) => host.readFile(`/proc/sys/user/max_${name}_namespaces`)?.trim() === '0')
  if (none.length === 0) return ok('mount, pid, ipc, uts, cgroup and net have no limit of 0')
  const settings = none.map((name) => `user.max_${name}_namespaces`)
  const found = `${settings.join(', ')} ${none.length === 1 ? 'is' : 'are'} 0`
  const fix = settings.flatMap((setting) => sysctl(`${setting}=15000`))
  if (none.every((name) => name === 'net')) return note(found, '--net none will not work', ...fix)
  const shareable = none.filter((name) => name !== 'net' && name !== 'mnt')
  return none.includes('mnt')
    ? no(found, 'a box is a mount namespace', ...fix)
    : no(found, `only boxes with --share ${shareable.join(',')} start`, ...fix)
}

// ---- AppArmor ----

const RESTRICT = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns'

function appArmorRestricts(host: Host): boolean {
  return host.readFile(RESTRICT)?.trim() === '1'
}

function appArmor(host: Host): Result {
  if (host.readFile(RESTRICT) === undefined) return ok('does not restrict user namespaces here')
  if (!appArmorRestricts(host)) return ok('kernel.apparmor_restrict_unprivileged_userns is 0')
  const label = (
    host.readFile('/proc/self/attr/apparmor/current') ??
    host.readFile('/proc/self/attr/current') ??
    'unconfined'
  )
    .replace(/\0/g, '')
    .trim()
  if (label !== 'unconfined') return ok(`restricts user namespaces; this program runs under the profile ${label}`)
  return barred(
    host,
    'kernel.apparmor_restrict_unprivileged_userns is 1, and no profile allows this program user namespaces',
    "sudo tee /etc/apparmor.d/nsbox <<'END'",
    ...appArmorProfile(host.exe),
    'END',
    'sudo apparmor_parser -r /etc/apparmor.d/nsbox',
  )
}

/** The profile that lifts the restriction for one executable, and changes nothing else for it. */
export function appArmorProfile(exe: string): string[] {
  const path = exe.replace(/[\\"*?[\]{}^]/g, '\\$&')
  return [
    'abi <abi/4.0>,',
    'include <tunables/global>',
    `profile nsbox "${path}" flags=(unconfined) {`,
    '  userns,',
    '}',
  ]
}

// ---- ids ----

function subIds(host: Host): Result {
  const lacking = ['/etc/subuid', '/etc/subgid'].filter((file) => subIdCount(host, file) === 0)
  if (lacking.length === 0)
    return ok(
      `${host.user} has ${subIdCount(host, '/etc/subuid')} user ids and ${subIdCount(host, '/etc/subgid')} group ids`,
    )
  return note(
    `${lacking.join(' and ')} ${lacking.length === 1 ? 'has' : 'have'} none for ${host.user}`,
    '--map-auto will not work',
    `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${host.user}`,
  )
}

/** Number of ids that FILE (subuid(5)) gives to the user, by name or by number. */
function subIdCount(host: Host, file: string): number {
  let count = 0
  for (const line of (host.readFile(file) ?? '').split('\n')) {
    const [owner, , amount] = line.split(':')
    if (owner === host.user || owner === String(host.uid)) count += Number(amount) || 0
  }
  return count
}

function mapHelpers(host: Host): Result {
  if (privileged(host) && initialUserNamespace(host)) return ok('not needed: root writes id maps itself')
  // Then the helper's mode is not to blame; in a user namespace its owner shows as nobody.
  const powerless = statusField(host, 'NoNewPrivs') === '1'
  const bad = ['newuidmap', 'newgidmap']
    .map((name) => helperTrouble(host, name, powerless))
    .filter((text) => text !== undefined)
  if (bad.length > 0)
    return note(
      bad.join('; '),
      '--map-auto will not work',
      'sudo apt install --reinstall uidmap    (Debian, Ubuntu; elsewhere: shadow-utils or shadow)',
    )
  if (powerless) return note('present, but no_new_privs takes their privilege', '--map-auto will not work from here')
  return ok('newuidmap and newgidmap are present, with the privilege that they need')
}

function helperTrouble(host: Host, name: string, powerless: boolean): string | undefined {
  const path = [...(host.env.PATH ?? '').split(':').filter((dir) => dir.startsWith('/')), '/usr/bin', '/bin']
    .map((dir) => `${dir}/${name}`)
    .find((file) => host.exists(file))
  if (path === undefined) return `${name} is not installed`
  if (powerless) return undefined
  const { mode = 0, uid = -1 } = host.stat(path) ?? {}
  if ((mode & 0o4000) !== 0 && uid === 0) return undefined
  const caps = host.run('getcap', [path]) ?? host.run('/usr/sbin/getcap', [path]) ?? host.run('/sbin/getcap', [path])
  return caps?.stdout.includes('cap_set') ? undefined : `${path} is neither setuid root nor has a file capability`
}

function noNewPrivs(host: Host): Result {
  return statusField(host, 'NoNewPrivs') === '1'
    ? note('already set for the caller', 'setuid programs give nothing here, in a box and outside')
    : ok('not set for the caller; a box sets it')
}

// ---- file systems and mounts ----

function fileSystem(host: Host, type: string): boolean {
  return new RegExp(`\\t${type}$`, 'm').test(host.readFile('/proc/filesystems') ?? '')
}

function overlay(host: Host): Result {
  if (!fileSystem(host, 'overlay'))
    return note(
      'not in /proc/filesystems',
      '--overlay works only if the kernel can load it when asked',
      'sudo modprobe overlay',
    )
  const version = kernelVersion(host) ?? Infinity
  if (version < 5.11 && !(privileged(host) && initialUserNamespace(host)))
    return note(
      'present, but this kernel allows it to root alone',
      '--overlay will not work for ordinary users',
      'a kernel of 5.11 or later',
    )
  return ok(privileged(host) ? 'present' : 'present, also for ordinary users')
}

function devpts(host: Host): Result {
  return fileSystem(host, 'devpts')
    ? ok('devpts is present: a box gets its own')
    : note(
        'devpts is not in /proc/filesystems',
        'programs that make terminals (script, tmux, ssh) will not work in a box',
      )
}

type MountLine = {
  id: string
  parent: string
  top: string
  point: string
  options: string[]
  shared: boolean
  type: string
}

/** proc(5), /proc/self/mountinfo. */
function mounts(host: Host): MountLine[] {
  const lines = (host.readFile('/proc/self/mountinfo') ?? '').split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [id = '', parent = '', , top = '', point = '', options = '', ...tags] = before.split(' ')
    return {
      id,
      parent,
      top,
      point: unescapeOctal(point),
      options: options.split(','),
      shared: tags.some((tag) => tag.startsWith('shared:')),
      type: after.split(' ')[0] ?? '',
    }
  })
}

const unescapeOctal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)))

/** The mount that PATH is on: the innermost, or the last of several at one place. */
function mountOf(list: readonly MountLine[], path: string): MountLine | undefined {
  let best: MountLine | undefined
  for (const mount of list) {
    const covers = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`)
    if (covers && (best === undefined || mount.point.length >= best.point.length)) best = mount
  }
  return best
}

function rootMount(host: Host): Result {
  const root = mountOf(mounts(host), '/')
  if (root === undefined)
    return note('/proc/self/mountinfo cannot be read', 'nsbox cannot see how mounts propagate here')
  if (root.type === 'rootfs')
    return note(
      '/ is the initial ramdisk, which pivot_root cannot leave',
      'the box is entered by chroot, which holds less well',
      'switch_root to another file system first',
    )
  return ok(root.shared ? '/ is shared: a box makes its copy private before the first mount' : '/ is private already')
}

/** Always empty directories: the kernel doesn't count a mount on them as hiding something. */
const EMPTY_IN_PROC = ['/proc/sys/fs/binfmt_misc', '/proc/fs/nfsd']

function maskedProc(host: Host): Result {
  const list = mounts(host)
  const procs = list.filter(({ type, top, point }) => type === 'proc' && top === '/' && point === '/proc')
  if (procs.length === 0) return no('no proc file system at /proc', 'nsbox needs it', 'mount -t proc proc /proc')
  const masks = list.filter(
    ({ parent, point }) => procs.some(({ id }) => id === parent) && point !== '/proc' && !EMPTY_IN_PROC.includes(point),
  )
  if (masks.length === 0) return ok('/proc is whole: a box gets a fresh one')
  const found = `parts of /proc are masked (${masks
    .slice(0, 3)
    .map(({ point }) => point)
    .join(', ')}${masks.length > 3 ? ', ...' : ''}), as in a container`
  if (privileged(host) && initialUserNamespace(host)) return ok(`${found}; this hinders only boxes with --userns`)
  const effect =
    'the kernel refuses a fresh /proc in a user namespace: boxes run with --nest, which shows this one, read-only'
  return inBox(host)
    ? note(found, effect, OUTER_BOX)
    : note(
        found,
        effect,
        'nsbox --nest ..., or for a fresh one docker run --security-opt systempaths=unconfined ..., podman run --security-opt unmask=ALL ...',
      )
}

function handOver(host: Host): Result {
  if (host.readFile('/proc/sys/vm/memfd_noexec')?.trim() !== '2') return ok('a file in memory becomes the box')
  const list = mounts(host)
  const dirs = ['/dev/shm', host.env.XDG_RUNTIME_DIR, host.env.TMPDIR, '/tmp'].filter((dir) =>
    dir?.startsWith('/'),
  ) as string[]
  const tried = [...new Set(dirs)].map((dir) => ({ dir, trouble: handOverTrouble(host, list, dir) }))
  const good = tried.find(({ trouble }) => trouble === undefined)
  const bad = tried
    .filter(({ trouble }) => trouble !== undefined)
    .map(({ dir, trouble }) => `${dir}: ${trouble}`)
    .join('; ')
  if (good !== undefined)
    return ok(`${good.dir} takes the executable file that becomes the box${bad === '' ? '' : ` (${bad})`}`)
  return note(
    bad,
    'the kernel executes no file in memory (vm.memfd_noexec=2), and no file that nsbox makes: a box is started by nsbox-sidecar beside nsbox',
    'TMPDIR=DIR nsbox ...    where DIR is writable and not noexec',
  )
}

function handOverTrouble(host: Host, list: readonly MountLine[], dir: string): string | undefined {
  if (!host.exists(dir)) return 'is not there'
  if (mountOf(list, dir)?.options.includes('noexec')) return 'noexec'
  const code = host.tryTmpfile(dir)
  return code === undefined ? undefined : `${errnoText(code) ?? 'failed'} (${code})`
}

/** Only the sidecar knows whether it may make a group with limits, so a box with limits is started to know. */
function cgroups(host: Host): Result {
  const effect = '--memory, --cpus and --pids will not work'
  const tried = failures(host, ['--memory', '64m', '--cpus', '1', '--pids', '10'])
  if (tried === undefined) return note(`not tried: ${host.exe} cannot be executed`, effect)
  const failure = tried.list.find(({ step }) => step === 'control group')
  if (failure === undefined) return ok('version 2; made a group with limits to try')
  const { step: _, hint, ...rest } = failure
  return note(errorOf(rest), effect, ...(hint === undefined ? [] : [hint]))
}

// ---- network ----

/** Without cap_net_raw, ping needs a socket that the network grants by group: icmp(7). */
function ping(host: Host): Result {
  const range = host.readFile('/proc/sys/net/ipv4/ping_group_range')?.trim().split(/\s+/).map(Number) ?? []
  const [first = 1, last = 0] = range
  if (first <= last)
    return ok(`allowed without a capability to the groups ${first} to ${last} (net.ipv4.ping_group_range)`)
  return note(
    'net.ipv4.ping_group_range allows no group',
    "on the host's network ping works only for root with --cap-add net_raw; with --net none it always works",
    ...sysctl('net.ipv4.ping_group_range=0 2147483647'),
  )
}

// ---- Landlock ----

/** LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET and LANDLOCK_SCOPE_SIGNAL, landlock(7). */
const SCOPES_SINCE = 6.12

function landlock(host: Host): Result {
  const version = kernelVersion(host)
  const modules = host.readFile('/sys/kernel/security/lsm')?.trim().split(',')
  const effect = "a box reaches abstract sockets on the host's network, and can signal its caller's process group"
  const fix = 'nsbox --net none --new-session ...    closes both'
  if (version !== undefined && version < SCOPES_SINCE) return note('has no scopes before Linux 6.12', effect, fix)
  if (modules !== undefined && !modules.includes('landlock'))
    return note(
      'is not among the active security modules',
      effect,
      fix,
      "or add landlock to lsm= on the kernel's command line",
    )
  return ok(
    modules === undefined
      ? 'this kernel has its scopes, unless it was built or started without them'
      : 'active, with its scopes',
  )
}

const CHECKS: readonly Check[] = [
  { name: 'kernel', run: kernel },
  { name: 'privilege', run: privilege },
  { name: 'user namespaces', run: userNamespaces },
  { name: 'other namespaces', run: otherNamespaces },
  { name: 'AppArmor', run: appArmor },
  { name: 'subordinate ids', run: subIds },
  { name: 'id map helpers', run: mapHelpers },
  { name: 'no_new_privs', run: noNewPrivs },
  { name: 'root mount', run: rootMount },
  { name: 'proc', run: maskedProc },
  { name: 'overlay', run: overlay },
  { name: 'terminals', run: devpts },
  { name: 'start-up', run: handOver },
  { name: 'ping', run: ping },
  { name: 'Landlock', run: landlock },
  { name: 'control groups', run: cgroups },
]

// ---- the real host ----

export function examinedHost(): Host {
  const uid = process.getuid?.() ?? 0
  return {
    readFile: (path) => attempt(() => fs.readFileSync(path, 'utf8')),
    exists: fs.existsSync,
    stat: (path) => attempt(() => fs.statSync(path)),
    run: runProgram,
    tryTmpfile,
    env: process.env,
    uid,
    user: loginName(uid),
    exe: process.execPath,
  }
}

/** Reads /etc/passwd, since Bun's os.userInfo() believes $USER, which may be anybody. */
function loginName(uid: number): string {
  const passwd = attempt(() => fs.readFileSync('/etc/passwd', 'utf8')) ?? ''
  const entry = passwd
    .split('\n')
    .map((line) => line.split(':'))
    .find((fields) => fields[2] === String(uid))
  return entry?.[0] ?? process.env.USER ?? String(uid)
}

function runProgram(program: string, args: string[]): { status: number; stdout: string; stderr: string } | undefined {
  const { spawnSync } = require('node:child_process') as typeof import('node:child_process')
  const result: SpawnSyncReturns<string> = spawnSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 5000,
  })
  return result.error === undefined
    ? { status: result.status ?? -1, stdout: result.stdout, stderr: result.stderr }
    : undefined
}

const O_TMPFILE = 0o20000000 | fs.constants.O_DIRECTORY

function tryTmpfile(dir: string): string | undefined {
  try {
    fs.closeSync(fs.openSync(dir, O_TMPFILE | fs.constants.O_RDWR, 0o700))
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EIO'
  }
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}
