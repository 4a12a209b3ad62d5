/**
 * A plan told aloud: what the sidecar does, in its order, each step with the system call behind it; then the mount tree
 * that results, and what the box still has in common with the host. Nothing here is policy, and nothing runs.
 */
import { printable } from '../errors.ts'
import { drawTree, legend, mountNodes } from './explain-tree.ts'
import { quote } from './quote.ts'
import type { IdMap, IdRange, Mount, MountOption, Namespace, BoxPlan, Process } from '../plan/types.ts'

/** What any terminal has. */
const WIDTH = 80
const INDENT = '    '

/**
 * One thing that the sidecar does; `also` are points of it, each on a line of its own. `see`: what shows it in a shell in the
 * box, and the manual page that tells more.
 */
type Step = { title: string; calls: string; why: string; also?: string[]; see?: string }

export function explain(plan: BoxPlan, host: { uid: number }): string {
  const steps = allSteps(plan, host.uid)
  return [
    ...wrap(`How nsbox would run: ${command(plan.process)}`, ''),
    '(nothing has been run; "see:" is what to try in a shell in the box)',
    ...steps.flatMap((step, index) => ['', ...renderStep(step, index + 1)]),
    '', 'What the box sees',
    '', ...drawTree(plan), '', ...legend(),
    '', 'What the box still shares with the host', '',
    ...shared(plan, host.uid).flatMap((text) => wrap(text, '  - ', '    ')), '',
  ].join('\n')
}

function allSteps(plan: BoxPlan, uid: number): Step[] {
  return [
    READ, CLOSE, ...cgroup(plan), makeNamespaces(plan), ...idMaps(plan.idmap, uid), PRIVATE, ...sources(plan), root(plan),
    ...explainMounts(plan.mounts ?? [], plan), PIVOT,
    ...hostname(plan), ...loopback(plan), ...limits(plan.process), ...signals(plan.process), ...scopes(plan.process),
    ...init(plan), ...clock(plan), ...identity(plan.process), ...privileges(plan.process), execute(plan), parent(plan),
  ]
}

// ---- the steps, in the order of the sidecar ----

const READ: Step = {
  title: 'Read the plan', calls: 'read',
  why: 'The sidecar, a small static C program, reads the plan and checks each field. From here on it decides nothing: it does what the plan says or stops with an error.',
}

const CLOSE: Step = {
  title: 'Close all other descriptors', calls: 'close_range',
  why: 'The command gets 0, 1 and 2. All that the sidecar opens from here on is closed by the kernel when the command is executed. An open directory of the host would be a way out of the box.',
}

const SEPARATES: Readonly<Record<Namespace, { flag: string; what: string }>> = {
  user: { flag: 'CLONE_NEWUSER', what: 'user and group ids, and with them privileges: the box may be powerful inside of it and is nobody special outside. This is what makes the rest possible without root' },
  mount: { flag: 'CLONE_NEWNS', what: 'the table of mounts: the box gets a copy, and what it mounts or unmounts is its own affair' },
  pid: { flag: 'CLONE_NEWPID', what: 'process ids: the box counts from 1, and can neither see nor signal processes outside. When its process 1 ends, the kernel kills all others' },
  ipc: { flag: 'CLONE_NEWIPC', what: 'System V shared memory, semaphores and message queues, and POSIX message queues' },
  uts: { flag: 'CLONE_NEWUTS', what: 'the host name' },
  cgroup: { flag: 'CLONE_NEWCGROUP', what: 'the view of the control groups: the box sees its own group as the top' },
  net: { flag: 'CLONE_NEWNET', what: 'network interfaces, addresses, ports, and abstract Unix sockets: the box starts with a loopback that is down, and nothing else' },
}

/** Beside what a person typed, what the box's own init takes. */
function cgroup({ cgroup: limits }: BoxPlan): Step[] {
  if (limits === undefined) return []
  const { memory, cpuQuota, cpuPeriod = 100000, pids } = limits
  return [{
    title: 'Make a control group with the limits of the box', calls: 'mkdir, write cgroup.subtree_control, write memory.max, cpu.max, pids.max',
    why: 'A control group (version 2) counts what all processes in it use together. It is made below the caller\'s own group, or where that has other processes, beside it; where neither is allowed, that is an error. Inside it is a second one for the processes: the box sees that as the top, so the files that count are out of its reach. Both go with the box.',
    also: [
      ...(memory === undefined ? [] : [`memory: ${sizeWords(memory)}, and no swap. Whatever needs more is killed, and all of the box with it: status 137.`]),
      ...(cpuQuota === undefined ? [] : [`processors: ${cpuQuota / cpuPeriod} (${cpuQuota} microseconds in each ${cpuPeriod}); then all of the box waits for the next period.`]),
      ...(pids === undefined ? [] : [`processes and threads: ${pids}, the box's own init among them if it has one; a further fork fails with EAGAIN.`]),
    ],
  }]
}

function makeNamespaces({ namespaces: names, cgroup: limits }: BoxPlan): Step {
  const known = (Object.keys(SEPARATES) as Namespace[]).filter((name) => names.includes(name))
  return {
    title: 'Make a process in new namespaces',
    // The top of a cgroup namespace is the group of whoever asks for it: with one of its own, that has to be the new process.
    calls: limits === undefined ? cloneCall(known) : `${cloneCall(known.filter((name) => name !== 'cgroup'), ['CLONE_INTO_CGROUP'])}${known.includes('cgroup') ? ', unshare(CLONE_NEWCGROUP)' : ''}`,
    why: 'A namespace is a view of one kind of thing that the kernel keeps. A process in a new one sees another set of them. The new process separates:',
    also: known.map((name) => `${name}: ${SEPARATES[name].what}.`),
    see: 'ls -l /proc/self/ns, inside and outside: other numbers; namespaces(7)',
  }
}

function cloneCall(names: readonly Namespace[], more: readonly string[] = []): string {
  return `clone3(${[...names.map((name) => SEPARATES[name].flag), ...more].join(' | ')})`
}

const MAP_WRITER: Readonly<Record<IdMap['by'], { calls: string; why: string }>> = {
  self: { calls: 'write /proc/self/setgroups, uid_map, gid_map', why: 'The box writes its maps itself. Without privilege the kernel allows just one id, your own.' },
  parent: { calls: 'write /proc/PID/uid_map, gid_map', why: 'The process that made the box writes its maps, since it has the privilege for more than one id.' },
  helper: { calls: 'execve newuidmap, newgidmap', why: 'More ids than your own need privilege: the setuid helpers newuidmap and newgidmap write the maps, after checking them against /etc/subuid and /etc/subgid.' },
}

function idMaps(map: IdMap | undefined, uid: number): Step[] {
  if (map === undefined) return []
  const { calls, why } = MAP_WRITER[map.by]
  return [{
    title: 'Map the ids', calls,
    why: `${why} Ids that no range names show as 65534 ("nobody") in the box, and cannot be taken.`,
    also: [
      ...map.uid.map((range) => `user ${rangeText(range)}${range.count === 1 && range.outside === uid ? ' (you)' : ''}`),
      ...map.gid.map((range) => `group ${rangeText(range)}`),
      map.setgroups === true
        ? 'setgroups(2) stays allowed, since a privileged process wrote the maps.'
        : 'setgroups(2) is denied first: whoever could drop a group would gain what is denied to that group.',
    ],
    see: 'cat /proc/self/uid_map; user_namespaces(7)',
  }]
}

function rangeText({ inside, outside, count }: IdRange): string {
  if (count === 1) return `${inside} in the box is ${outside} on the host`
  return `${inside} to ${inside + count - 1} in the box are ${outside} to ${outside + count - 1} on the host`
}

const PRIVATE: Step = {
  title: 'Cut the mounts off from the host\'s', calls: 'mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)',
  why: 'A new mount namespace is a copy, but copies of shared mounts stay linked, and systemd makes / shared: each mount in the box would show up on the host. Private, for / and all below it (recursively), ends that before the first mount is made.',
  see: 'no "shared:" in /proc/self/mountinfo; mount_namespaces(7)',
}

function sources({ mounts = [], noFollow }: BoxPlan): Step[] {
  if (!mounts.some(({ type }) => type === 'bind' || type === 'file' || type === 'overlay')) return []
  return [{
    title: 'Take hold of everything of the host that will be shown', calls: 'open_tree(OPEN_TREE_CLONE), open',
    why: `Now, while paths still are the host's: the first mount would hide some of them. What is held is mounted later by its descriptor, so nobody can put something else under its name meanwhile.${noFollow ? ' A symbolic link in one of these paths is an error.' : ''}`,
  }]
}

function root({ root: { type, path, state, options } }: BoxPlan): Step {
  const flags = optionsText(options, true)
  if (type === 'overlay') {
    return {
      title: `Lay an overlay over ${quote(path)} as the root`, calls: 'fsopen("overlay"), fsconfig, fsmount, move_mount',
      why: `The box sees the files of ${quote(path)}, and a change makes a copy above them: the host's own are never written. ${keeps(state)}${path === '/' ? ' An overlay is of one file system: others that are mounted below are shown as they are, read-only.' : ''}${flags}`,
    }
  }
  const whose = path === '/' ? 'the host\'s own root' : quote(path)
  return {
    title: path === '/' ? 'Take the host\'s root as the root' : `Take ${quote(path)} as the root`,
    calls: `open_tree(${quote(path)}, OPEN_TREE_CLONE | AT_RECURSIVE)${setattrCall(options, true)}, move_mount`,
    why: `A second mount of ${whose}, with all that is mounted below it, is made and attached in the new namespace. Only the mounts are copied: the files are the same ones.${flags}`,
    see: 'cat /proc/self/mountinfo: each mount, with the directory that it shows; proc(5)',
  }
}

function keeps(state: string | undefined): string {
  return state === undefined ? 'The changes go to a tmpfs, in memory, and vanish with the box.' : `The changes are kept in ${quote(state)}.`
}

const OPTION_TEXT: Readonly<Record<MountOption, { flag: string; what: string }>> = {
  ro: { flag: 'MOUNT_ATTR_RDONLY', what: 'read-only' },
  nosuid: { flag: 'MOUNT_ATTR_NOSUID', what: 'nosuid (setuid programs give nothing)' },
  nodev: { flag: 'MOUNT_ATTR_NODEV', what: 'nodev (device files do not open)' },
  noexec: { flag: 'MOUNT_ATTR_NOEXEC', what: 'noexec (nothing here can be executed)' },
}

function optionsText(options: readonly MountOption[] | undefined, below: boolean): string {
  if (options === undefined || options.length === 0) return ''
  return ` It is ${options.map((option) => OPTION_TEXT[option].what).join(', ')}${below ? ', and so is each mount below it' : ''}.`
}

function setattrCall(options: readonly MountOption[] | undefined, recursive: boolean): string {
  if (options === undefined || options.length === 0) return ''
  return `, mount_setattr(${[...(recursive ? ['AT_RECURSIVE'] : []), ...options.map((option) => OPTION_TEXT[option].flag)].join(', ')})`
}

const NEW_MOUNT = (type: string): string => `fsopen("${type}"), fsconfig, fsmount, move_mount`

const MASK_CALLS = 'openat2(RESOLVE_IN_ROOT), open_tree, mount_setattr, move_mount'
const PROTECT_CALLS = `${MASK_CALLS.replace('mount_setattr', 'mount_setattr(AT_RECURSIVE, MOUNT_ATTR_RDONLY)')}`

/** What the kernel shows is hidden or made read-only in many places, one after another: one step each. */
function explainMounts(mounts: readonly Mount[], plan: BoxPlan): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < mounts.length;) {
    const mount = mounts[at] as Mount
    const end = mounts.findIndex((other, i) => i > at && !(other.type === mount.type && isKernels(other)))
    const run = isKernels(mount) ? mounts.slice(at, end < 0 ? undefined : end) : [mount]
    steps.push(run.length === 1 ? explainMount(mount, plan) : together(run))
    at += run.length
  }
  return steps
}

const isKernels = (mount: Mount): boolean => (mount.type === 'mask' || mount.type === 'protect') && mount.kernel === true

function together(run: readonly Mount[]): Step {
  const also = [`${run.map(({ target }) => quote(target)).join(' ')} (those that this kernel has).`]
  return run[0]?.type === 'mask'
    ? { title: 'Hide what the kernel tells of the machine', calls: MASK_CALLS, why: 'An empty file that nobody can read, or an empty directory, is mounted over each: memory, keys, timers, devices.', also }
    : { title: 'Make the kernel\'s settings read-only', calls: PROTECT_CALLS, why: 'Each is mounted once more over itself, read-only: they are the whole machine\'s, and no namespace divides them.', also }
}

function explainMount(mount: Mount, plan: BoxPlan): Step {
  const at = quote(mount.target)
  switch (mount.type) {
    case 'bind': return bind(mount)
    case 'tmpfs': return {
      title: `Mount a tmpfs at ${at}`, calls: NEW_MOUNT('tmpfs'),
      why: `An empty directory in memory, mode ${mount.mode ?? '1777'}, ${sizeText(mount.size)}. It hides what was there, and vanishes with the box.${optionsText(mount.options, false)}`,
    }
    case 'proc': return {
      title: `Mount a fresh /proc at ${at}`, calls: NEW_MOUNT('proc'),
      why: (plan.namespaces.includes('pid')
        ? 'A proc file system shows the pid namespace of the process that mounts it, so this one has the box\'s processes and no others.'
        : 'The pid namespace is the host\'s, so this shows the host\'s processes.') + optionsText(mount.options, false),
      see: 'ls -d /proc/[0-9]*; pid_namespaces(7)',
    }
    case 'dev': return {
      title: `Make a minimal /dev at ${at}`, calls: 'fsopen("tmpfs"), open_tree, move_mount, symlinkat, fsopen("devpts")',
      why: 'A tmpfs with the few devices that programs expect: null, zero, full, random, urandom and tty are bound from the host, since a box may not make device nodes; pts is new, so the box has its own terminals; shm is new; fd, stdin, stdout and stderr are links. Disks and the rest of the host\'s devices are not there.',
      see: 'ls -l /dev',
    }
    case 'overlay': return {
      title: `Lay an overlay over ${quote(mount.lower)} at ${at}`, calls: NEW_MOUNT('overlay'),
      why: `The files of ${quote(mount.lower)} are seen below, and a change makes a copy above them. ${keeps(mount.state)}${optionsText(mount.options, false)}`,
    }
    case 'dir': return {
      title: `Make the directory ${at}`, calls: 'openat2(RESOLVE_IN_ROOT), mkdirat',
      why: `With its parents, where they are missing; mode ${mount.mode ?? '0755'}. The path is resolved inside the box's root, so no symbolic link there leads out of it.`,
    }
    case 'symlink': return {
      title: `Make the symbolic link ${at}`, calls: 'openat2(RESOLVE_IN_ROOT), symlinkat',
      why: `It leads to ${quote(mount.to)}, as the box sees it.`,
    }
    case 'mask': return {
      title: `Hide ${at}`, calls: MASK_CALLS,
      why: 'An empty file that nobody can read, or an empty directory, is mounted over it.',
    }
    case 'protect': return {
      title: `Make ${at} read-only`, calls: PROTECT_CALLS,
      why: 'It is mounted once more over itself, read-only, with all that is mounted below.',
    }
    case 'sysfs': return {
      title: `Mount a sysfs of the box's own network at ${at}`, calls: NEW_MOUNT('sysfs'),
      why: 'The host\'s would show the host\'s network devices. Read-only. Where the kernel allows no such mount, the host\'s is made read-only, and a warning says so.',
    }
    case 'cgroup': return {
      title: `Show the box's own control group at ${at}`, calls: NEW_MOUNT('cgroup2'),
      why: 'Read-only. Where the kernel allows no such mount, the directory is hidden: the host\'s groups are not to be seen.',
    }
    case 'file': return {
      title: `Copy ${quote(mount.source)} to ${at}`, calls: 'open, read, write',
      why: 'The content as it is when the box starts; later changes on either side do not reach the other.',
    }
  }
}

function bind(mount: Extract<Mount, { type: 'bind' }>): Step {
  const { source, target, options } = mount
  const calls = `open_tree(${quote(source)}, OPEN_TREE_CLONE | AT_RECURSIVE)${setattrCall(options, true)}, move_mount`
  if (source === '/dev/null') {
    return { title: `Hide ${quote(target)}`, calls, why: `The null device is mounted over it, so that what it holds cannot be read.${optionsText(options, false)}` }
  }
  const writes = options?.includes('ro') ? 'The box can read it and not change it.' : 'The files are the same ones: what the box writes here is written on the host.'
  return {
    title: source === target ? `Mount the host's ${quote(source)} at the same place` : `Mount the host's ${quote(source)} at ${quote(target)}`,
    calls, why: `${writes}${optionsText(options, true)}`,
  }
}

const UNITS = [['GiB', 2 ** 30], ['MiB', 2 ** 20], ['KiB', 2 ** 10]] as const

function sizeText(size: number | undefined): string {
  if (size === undefined || size === 0) return 'which may take up to half of the memory'
  return `which may hold ${sizeWords(size)}`
}

function sizeWords(size: number): string {
  const unit = UNITS.find(([, bytes]) => size >= bytes && size % bytes === 0)
  return unit === undefined ? `${size} bytes` : `${size / unit[1]} ${unit[0]}`
}

const PIVOT: Step = {
  title: 'Make it the root, and let go of the old one', calls: 'pivot_root(".", "."), umount2(".", MNT_DETACH)',
  why: 'chroot(2) would only change where / points, and leave the old root mounted: a privileged process can walk out. pivot_root swaps the mounts themselves, and once the old root is detached, no path leads to it.',
  see: 'pivot_root(2)',
}

function hostname({ hostname: name }: BoxPlan): Step[] {
  if (name === undefined) return []
  return [{ title: `Set the host name to ${quote(name)}`, calls: 'sethostname', why: 'In the new uts namespace only.', see: 'uname -n; uts_namespaces(7)' }]
}

function loopback({ loopback: up }: BoxPlan): Step[] {
  if (up !== true) return []
  return [{ title: 'Bring the loopback interface up', calls: 'ioctl(SIOCSIFFLAGS)', why: 'In a new net namespace even lo is down, and many programs and tests need 127.0.0.1. Nothing outside is reached by it.', see: 'cat /proc/net/dev; network_namespaces(7)' }]
}

function limits({ limits: list = [] }: Process): Step[] {
  if (list.length === 0) return []
  const amount = (n: number): string => n === -1 ? 'unlimited' : String(n)
  return [{
    title: 'Set resource limits', calls: 'setrlimit', why: 'They hold for each process of the box, and are inherited.',
    also: list.map(({ resource, soft, hard }) =>
      `${resource}: ${amount(soft)}${hard === undefined ? '' : `, and never above ${amount(hard)}`}`),
    see: 'cat /proc/self/limits; getrlimit(2)',
  }]
}

function signals({ resetSignals = [] }: Process): Step[] {
  if (resetSignals.length === 0) return []
  return [{
    title: `Put ${resetSignals.map((name) => `SIG${name}`).join(' and ')} back to the default`, calls: 'sigaction',
    why: 'The runtime of the front end ignores them, and a command would inherit that: `yes | head` would not end.',
  }]
}

const SCOPE_TEXT: Readonly<Record<NonNullable<Process['scopes']>[number], string>> = {
  abstract: 'Abstract Unix sockets that somebody outside listens on cannot be connected to; they belong to the network, which is the host\'s.',
  signals: 'Processes outside cannot be signalled; kill(0) would reach the process group of who called nsbox.',
}

function scopes({ scopes: list = [] }: Process): Step[] {
  if (list.length === 0) return []
  return [{
    title: 'Close what no namespace divides', calls: 'landlock_create_ruleset, landlock_restrict_self',
    why: 'Landlock keeps the box to itself where the kernel has its scopes, from Linux 6.12 on; an older one leaves these open:',
    also: list.map((name) => SCOPE_TEXT[name]),
  }]
}

function identity({ uid, gid, dropGroups }: Process): Step[] {
  const calls = [...(dropGroups ? ['setgroups'] : []), ...(gid === undefined ? [] : ['setresgid']), ...(uid === undefined ? [] : ['setresuid'])]
  if (calls.length === 0) return []
  const who = [...(uid === undefined ? [] : [`user ${uid}`]), ...(gid === undefined ? [] : [`group ${gid}`])].join(' and ')
  return [{
    title: who === '' ? 'Drop the supplementary groups' : `Become ${who}`, calls: calls.join(', '),
    why: `${dropGroups ? 'Supplementary groups go first, since afterwards it may no longer do that. ' : ''}Ids are those of the box.`,
  }]
}

function capabilities({ capabilities: kept = [] }: Process): Step {
  return {
    title: kept.length === 0 ? 'Give up all capabilities' : `Keep ${kept.length} capabilities and give up the others`,
    calls: 'prctl(PR_CAPBSET_DROP), capset, prctl(PR_CAP_AMBIENT)',
    why: 'Capabilities are the single powers that make up root\'s. What is taken out of the bounding set no program can get back.',
    ...(kept.length === 0 ? {} : { also: [`Kept: ${kept.join(' ')}.`] }),
    see: 'grep Cap /proc/self/status; capabilities(7)',
  }
}

function privileges(process: Process): Step[] {
  const { noNewPrivs, seccomp } = process
  // Without no_new_privs the kernel lets only cap_sys_admin load a filter, so that comes before the capabilities go.
  if (!noNewPrivs) return [...filter(seccomp), capabilities(process)]
  return [capabilities(process), {
    title: 'Give up gaining privileges', calls: 'prctl(PR_SET_NO_NEW_PRIVS)',
    why: 'From now on no execve gives more than the process has: setuid programs such as sudo, and file capabilities, have no effect. It cannot be undone.',
    see: 'grep NoNewPrivs /proc/self/status; prctl(2)',
  }, ...filter(seccomp)]
}

function filter(seccomp: Process['seccomp']): Step[] {
  if (seccomp === undefined) return []
  const size = Buffer.from(seccomp.filter, 'base64').length / 8
  return [{
    title: seccomp.from === 'default' ? 'Allow only ordinary system calls' : `Allow only the system calls of ${quote(seccomp.from)}`, calls: 'prctl(PR_SET_SECCOMP)',
    why: `The kernel asks this filter of ${size} instructions about each call of the command and of all that it starts. It cannot be taken off again.${seccomp.from === 'default' ? ' What is refused few programs need and many attacks have used: mounts, namespaces, keyrings, bpf, modules, the clock.' : ''}`,
    see: 'grep Seccomp /proc/self/status; seccomp(2)',
  }]
}

function init(plan: BoxPlan): Step[] {
  if (plan.supervision?.init !== true) return []
  return [{
    title: 'Leave an init behind as the box\'s first process', calls: 'fork, waitpid',
    why: `${plan.namespaces.includes('pid') ? 'Process 1 inherits every orphan, and the kernel drops signals that it has no handler for. ' : ''}A small init stays, reaps what ends and passes signals on; the command is its child.`,
    see: 'cat /proc/1/comm; pid_namespaces(7)',
  }]
}

function clock({ supervision: { timeout, grace = 0 } = {} }: BoxPlan): Step[] {
  if (!timeout) return []
  return [{
    title: `Watch the clock: ${timeout / 1000} s`, calls: 'poll, rt_sigqueueinfo(SIGTERM), kill(SIGKILL)',
    why: `Then the command gets TERM, and ${grace / 1000} s later the first process of the box is killed, with which the kernel kills all that is left in its pid namespace.`,
  }]
}

function execute({ process }: BoxPlan): Step {
  const { cwd = '/', cwdFallback, env = {}, newSession } = process
  const set = env.set ?? []
  return {
    title: `Run ${command(process)}`, calls: `${newSession ? 'setsid, ' : ''}chdir, execve`,
    why: `In ${quote(cwd)}${cwdFallback && cwd !== '/' ? ', or / where the box has no such directory' : ''}. The sidecar's code is replaced by the command's; namespaces and mounts stay.`,
    also: [
      env.inherit === true ? 'Environment: the caller\'s.' : 'Environment: empty to begin with.',
      ...(env.unset?.length ? [`Taken away: ${env.unset.map(printable).join(' ')}`] : []),
      // Names only: a text that people paste into bug reports should hold nobody's token.
      ...(set.length ? [`Set: ${set.map((entry) => printable(entry.slice(0, entry.indexOf('=')))).join(' ')}`] : []),
      ...(newSession ? ['It runs in a session of its own, with no controlling terminal.'] : []),
    ],
  }
}

function parent({ supervision = {} }: BoxPlan): Step {
  const { dieWithParent, statusFd = -1 } = supervision
  return {
    title: 'Meanwhile, outside', calls: 'waitpid, kill',
    why: 'The process that made the box waits, forwards signals, and ends as the command ended: with its status, or 128+N after signal N. The mounts go with the last process of the box.',
    also: [
      ...(dieWithParent ? ['If the process that started nsbox ends, the box is killed (prctl(PR_SET_PDEATHSIG)).'] : []),
      ...(statusFd < 0 ? [] : [`Events are written to descriptor ${statusFd}, as JSON lines.`]),
    ],
  }
}

// ---- what stays common ----

function shared(plan: BoxPlan, uid: number): string[] {
  const { namespaces, process, supervision } = plan
  const own = (name: Namespace): boolean => namespaces.includes(name)
  const list = ['The kernel, its clock and its log; processors and memory.']
  if (!own('net')) list.push('The network: all interfaces and ports, services on 127.0.0.1, and, before Linux 6.12 or with --share ipc, abstract Unix sockets (X11 and D-Bus often listen there). --net none takes it away.')
  if (!own('pid')) list.push(`Processes: the box sees the host's, and can signal those of ${uid === 0 && !own('user') ? 'anybody' : 'the same user'}.`)
  if (!own('user')) list.push(uid === 0
    ? 'User ids: root in the box is root on the host. --userns makes ids of its own.'
    : 'User ids: they are the host\'s, and so are the rights that go with them.')
  if (!own('ipc')) list.push('System V shared memory, semaphores and message queues, and POSIX message queues.')
  if (!own('uts')) list.push('The host name, which a box with privilege could change.')
  if (!own('cgroup')) list.push('The view of the control groups.')
  if (mountNodes(plan).some(({ kind }) => kind !== 'box')) list.push('The files that are marked host above. That includes sockets among them, such as /run/docker.sock and the D-Bus of the system: read-only does not stop a connection, and neither does a net namespace of its own.')
  if (process.newSession !== true) list.push('The terminal, if standard input is one. --new-session gives that up.')
  if (process.env?.inherit === true) list.push('The caller\'s environment, with any secret in it. --clear-env leaves it out.')
  if (process.seccomp === undefined) list.push('Every system call that its ids and capabilities allow: there is no seccomp filter.')
  const unlimited = [...(supervision?.timeout ? [] : ['time (--timeout)']), ...(plan.cgroup?.memory ? [] : ['memory (--memory)']), ...(plan.cgroup?.cpuQuota ? [] : ['processors (--cpus)']), ...(plan.cgroup?.pids ? [] : ['processes (--pids)'])]
  if (unlimited.length > 0) list.push(`As much as it takes of: ${unlimited.join(', ')}.`)
  if (process.noNewPrivs !== true) list.push('Setuid programs: without no_new_privs they may give privileges.')
  if (supervision?.dieWithParent !== true) list.push('Its life is its own: the box may outlive the process that started nsbox. --die-with-parent ties them.')
  return list
}

// ---- text ----

function renderStep({ title, calls, why, also = [], see }: Step, number: number): string[] {
  return [
    ...wrap(title, `${String(number).padStart(2)}. `, INDENT),
    ...wrap(calls, `${INDENT}[`, `${INDENT} `).map((line, i, all) => i === all.length - 1 ? `${line}]` : line),
    ...wrap(why, INDENT),
    ...also.flatMap((text) => wrap(text, `${INDENT}- `, `${INDENT}  `)),
    ...(see === undefined ? [] : wrap(see, `${INDENT}see: `, `${INDENT}     `)),
  ]
}

/** Break TEXT at spaces. A word that is longer than the line, such as a path, stays whole: one can copy it. */
function wrap(text: string, first: string, rest = first): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    const lead = lines.length === 0 ? first : rest
    if (line !== '' && lead.length + line.length + 1 + word.length >= WIDTH) {
      lines.push(lead + line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, (lines.length === 0 ? first : rest) + line]
}

function command({ argv, program }: Process): string {
  const words = argv.map(quote).join(' ')
  return program === undefined || program === argv[0] ? words : `${words} (program: ${quote(program)})`
}
