/**
 * Explains a plan in words: what the sidecar does, in its order, each step with its system calls; then the resulting
 * tree of mounts, and what the box still shares with the host. Nothing is decided here, and nothing runs.
 */
import type { HostFacts } from '../host/types.ts'
import type { BoxPlan, IdMap, IdRange, Namespace } from '../plan/types.ts'
import { printable } from '../text/printable.ts'
import { quote } from '../text/quote.ts'
import { wrap } from '../text/wrap.ts'
import { attention } from './attention.ts'
import { explainMounts, own, root, sources, filesystems } from './mounts.ts'
import { network, reachesAll, reachesHosts, visibleSockets } from './network.ts'
import {
  PIVOT,
  clock,
  execute,
  hostname,
  identity,
  init,
  limits,
  loopback,
  networkSettings,
  parent,
  release,
  privileges,
  scopes,
  signals,
} from './process.ts'
import { withoutMissing } from './left-out.ts'
import { type Step, command, sizeWords } from './step.ts'
import { type Shown, shownIn, shownText } from './see.ts'
import { drawTree, legend, mountNodes } from './tree.ts'

/** One less than every terminal has. */
const WIDTH = 79
const INDENT = '    '

/** `look` finds what would have to be made on the host, and what the box can show; without it nothing of the host is read. */
export type Reader = { uid: number; look?: HostFacts['look']; read?: HostFacts['read'] }

/** All that there is to say of a plan. `plan`: without the mounts whose source is missing; `attention` is what may surprise the caller. */
export type Explanation = { plan: BoxPlan; steps: (Step & { shown?: Shown })[]; attention: string[]; shared: string[] }

export function explanation(given: BoxPlan, host: Reader): Explanation {
  const { plan, leftOut } = withoutMissing(given, host.look)
  const steps = allSteps(plan, host.uid)
  const shown = shownIn(plan, host.look !== undefined, steps)
  return {
    plan,
    steps: steps.map((step, at) => ({ ...step, ...(shown[at] && { shown: shown[at] }) })),
    attention: attention(plan, leftOut, host.look),
    shared: [...shared(plan, host.uid), ...sockets(plan, host)],
  }
}

/** Shows a line, which is safe for a terminal, in a style. */
type Paint = (line: string, part: 'title' | 'quiet') => string

/** `brief`: a line for each step, and what the box sees. */
export function explain(
  given: BoxPlan,
  host: Reader,
  { brief = false, paint = (line) => line }: { brief?: boolean; paint?: Paint } = {},
): string {
  const { plan, steps, attention: warnings, shared: list } = explanation(given, host)
  const heading = (text: string): string[] => ['', paint(text, 'title'), '']
  const points = (texts: readonly string[]): string[] =>
    texts.flatMap((text) => wrap(text, WIDTH, '  - ', '    ')).map(printable)
  const opening = wrap(`How nsbox would run: ${command(plan.process)}`, WIDTH, '').map(printable)
  const ending = [
    ...(warnings.length === 0 ? [] : [...heading('What to look at again'), ...points(warnings)]),
    ...heading('What the box sees'),
    ...drawTree(plan).map(printable),
  ]
  if (brief) {
    const titles = steps.flatMap(({ title }, index) => titleLines(title, index + 1)).map(printable)
    return [...opening, '', ...titles, ...ending, ''].join('\n')
  }
  return [
    ...opening,
    '(nothing has been run; "see:" is what to try in a shell in the box)',
    ...(steps.some(({ shown }) => shown?.where === 'outside')
      ? ['(outside: in a shell on the host, with the PID of a process of the box)']
      : []),
    ...steps.flatMap((step, index) => ['', ...renderStep(step, index + 1, paint)]),
    ...ending,
    '',
    ...legend(),
    ...heading('What the box still shares with the host'),
    ...points(list),
    '',
  ].join('\n')
}

function allSteps(plan: BoxPlan, uid: number): Step[] {
  return [
    READ,
    close(plan),
    ...filesystems(plan),
    ...cgroup(plan),
    makeNamespaces(plan),
    ...idMaps(plan.idmap, uid),
    PRIVATE,
    ...sources(plan),
    root(plan),
    ...explainMounts(plan.mounts ?? [], plan),
    ...own(plan),
    PIVOT,
    ...hostname(plan),
    ...loopback(plan),
    ...networkSettings(plan),
    ...limits(plan.process),
    ...signals(plan.process),
    ...scopes(plan.process),
    ...init(plan),
    ...clock(plan),
    ...identity(plan.process),
    ...privileges(plan.process),
    ...network(plan),
    ...release(plan),
    execute(plan),
    parent(plan),
  ]
}

// ---- the steps, in the order of the sidecar ----

const READ: Step = {
  title: 'Read the plan',
  calls: 'read',
  why: 'The sidecar, a small static C program, reads the plan and checks each field. From here on it decides nothing: it does what the plan says or stops with an error.',
}

const close = ({ process: { keepFds = [] } }: BoxPlan): Step => ({
  title: 'Close all other descriptors',
  calls: 'close_range',
  why: `The command gets 0, 1 and 2${keepFds.length === 0 ? '' : `, and the caller's ${keepFds.join(', ')}`}. All that the sidecar opens from here on is closed by the kernel when the command is executed. An open directory of the host would be a way out of the box.`,
})

const SEPARATES: Readonly<Record<Namespace, { flag: string; what: string }>> = {
  user: {
    flag: 'CLONE_NEWUSER',
    what: 'user and group ids, and with them privileges: the box may be powerful inside and has no power outside. Without root this makes all the rest possible',
  },
  mount: {
    flag: 'CLONE_NEWNS',
    what: 'the table of mounts: the box gets a copy, and what it mounts or unmounts changes nothing outside',
  },
  pid: {
    flag: 'CLONE_NEWPID',
    what: 'process ids: the box counts from 1, and can neither see nor signal processes outside. When its process 1 ends, the kernel kills all others',
  },
  ipc: {
    flag: 'CLONE_NEWIPC',
    what: 'System V shared memory, semaphores and message queues, and POSIX message queues',
  },
  uts: { flag: 'CLONE_NEWUTS', what: 'the host name' },
  cgroup: { flag: 'CLONE_NEWCGROUP', what: 'the view of the control groups: the box sees its own group as the top' },
  net: {
    flag: 'CLONE_NEWNET',
    what: 'network interfaces, addresses, ports, and abstract Unix sockets: the box starts with a loopback that is down, and nothing else',
  },
}

/** The limits of the box; the sidecar adds nothing to them. */
function cgroup({ cgroup: limits }: BoxPlan): Step[] {
  if (limits === undefined) return []
  const { memory, cpuQuota, cpuPeriod = 100000, pids } = limits
  return [
    {
      title: 'Make a control group with the limits of the box',
      calls: 'mkdir, write cgroup.subtree_control, write memory.max, cpu.max, pids.max',
      why: "A control group (version 2) counts what all its processes use together. It is made below the caller's own group, or beside it if that has other processes; if neither is allowed, that is an error. A second group inside it holds the processes: the box sees that one as the top, and can't reach the files with the limits. Both are removed with the box.",
      also: [
        ...(memory === undefined
          ? []
          : [`memory: ${sizeWords(memory)}, and no swap. A box that needs more is killed as a whole: status 137.`]),
        ...(cpuQuota === undefined
          ? []
          : [
              `processors: ${cpuQuota / cpuPeriod} (${cpuQuota} microseconds in each ${cpuPeriod}); then all of the box waits for the next period.`,
            ]),
        ...(pids === undefined
          ? []
          : [
              `processes and threads: ${pids}, the box's own init among them if it has one; a further fork fails with EAGAIN.`,
            ]),
      ],
    },
  ]
}

function makeNamespaces({ namespaces: names, cgroup: limits }: BoxPlan): Step {
  const known = (Object.keys(SEPARATES) as Namespace[]).filter((name) => names.includes(name))
  return {
    title: 'Make a process in new namespaces',
    // The top of a cgroup namespace is its maker's group, so a box with a group of its own makes the namespace itself.
    calls:
      limits === undefined
        ? cloneCall(known)
        : `${cloneCall(
            known.filter((name) => name !== 'cgroup'),
            ['CLONE_INTO_CGROUP'],
          )}${known.includes('cgroup') ? ', unshare(CLONE_NEWCGROUP)' : ''}`,
    why: 'A namespace is a view of one kind of thing that the kernel keeps. A process in a new one sees its own set of them. The new process gets its own:',
    also: known.map((name) => `${name}: ${SEPARATES[name].what}.`),
    see: { run: 'ls -l /proc/self/ns', note: 'other numbers inside and outside', page: 'namespaces(7)' },
    moment: 'process',
  }
}

function cloneCall(names: readonly Namespace[], otherFlags: readonly string[] = []): string {
  return `clone3(${[...names.map((name) => SEPARATES[name].flag), ...otherFlags].join(' | ')})`
}

const MAP_WRITER: Readonly<Record<IdMap['by'], { calls: string; why: string }>> = {
  self: {
    calls: 'write /proc/self/setgroups, uid_map, gid_map',
    why: 'The box writes its maps itself. Without privilege the kernel allows just one id, your own.',
  },
  parent: {
    calls: 'write /proc/PID/uid_map, gid_map',
    why: 'The process that made the box writes its maps, since it has the privilege for more than one id.',
  },
  helper: {
    calls: 'execve newuidmap, newgidmap',
    why: 'More ids than your own need privilege: the setuid helpers newuidmap and newgidmap write the maps, after checking them against /etc/subuid and /etc/subgid.',
  },
}

function idMaps(map: IdMap | undefined, uid: number): Step[] {
  if (map === undefined) return []
  const { calls, why } = MAP_WRITER[map.by]
  return [
    {
      title: 'Map the ids',
      calls,
      why: `${why} Other ids show as 65534 ("nobody") in the box, and can\'t be used there.`,
      also: [
        ...map.uid.map(
          (range) => `user ${rangeText(range)}${range.count === 1 && range.outside === uid ? ' (you)' : ''}`,
        ),
        ...map.gid.map((range) => `group ${rangeText(range)}`),
        map.setgroups === true
          ? 'setgroups(2) stays allowed, since a privileged process wrote the maps.'
          : 'setgroups(2) is denied first: by dropping a group, a process would gain what is denied to that group.',
      ],
      see: { run: 'cat /proc/self/uid_map', page: 'user_namespaces(7)' },
    },
  ]
}

function rangeText({ inside, outside, count }: IdRange): string {
  if (count === 1) return `${inside} in the box is ${outside} on the host`
  return `${inside} to ${inside + count - 1} in the box are ${outside} to ${outside + count - 1} on the host`
}

const PRIVATE: Step = {
  title: "Cut the mounts off from the host's",
  calls: 'mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)',
  why: 'A new mount namespace is a copy, but copies of shared mounts stay linked, and systemd makes / shared: each mount in the box would show up on the host. Making / and all below it private ends that before the first mount.',
  see: { run: 'cat /proc/self/mountinfo', note: 'no line has "shared:"', page: 'mount_namespaces(7)' },
}

/** Sockets that are files are a way out whatever the network is. */
function sockets(plan: BoxPlan, { look, read }: Reader): string[] {
  if (!plan.namespaces.includes('net') || look === undefined || read === undefined) return []
  const found = visibleSockets(plan, { look, read })
  if (found.length === 0) return []
  const [shown, rest] = [found.slice(0, MOST_SOCKETS), found.length - MOST_SOCKETS]
  return [
    `Unix sockets that programs outside listen on now, a way past the box's own network: ${shown.map(quote).join(', ')}${rest > 0 ? `, and ${rest} more` : ''}. --mask PATH hides one.`,
  ]
}

const MOST_SOCKETS = 20

function shared(plan: BoxPlan, uid: number): string[] {
  const { namespaces, process, supervision } = plan
  const own = (name: Namespace): boolean => namespaces.includes(name)
  const list = ['The kernel, its clock and its log; processors and memory.']
  if (!own('net'))
    list.push(
      'The network: all interfaces and ports, services on 127.0.0.1, and, before Linux 6.12 or with --share ipc, abstract Unix sockets (X11 and D-Bus often listen there). --net none takes it away.',
    )
  if (reachesAll(plan))
    list.push(
      "The host's connections: whatever hosts this machine reaches, private networks among them, but nothing on its loopback. --allow-host NAME allows single hosts instead.",
    )
  if (reachesHosts(plan))
    list.push(
      'What it sends to the hosts that are allowed, and what they do with it: a host for everybody, such as a forge or a cloud storage, is a way out for all that the box can read.',
    )
  if (!own('pid'))
    list.push(
      `Processes: the box sees the host's, and can signal those of ${uid === 0 && !own('user') ? 'anybody' : 'the same user'}.`,
    )
  if (own('pid') && plan.mounts?.some((mount) => mount.type === 'bind' && mount.source === '/proc'))
    list.push('The list of all processes around the box, in /proc.')
  if (!own('user'))
    list.push(
      uid === 0
        ? 'User ids: root in the box is root on the host. --userns makes ids of its own.'
        : "User ids: they are the host's, and so are the rights that go with them.",
    )
  if (!own('ipc')) list.push('System V shared memory, semaphores and message queues, and POSIX message queues.')
  if (!own('uts')) list.push('The host name, which a box with privilege could change.')
  if (!own('cgroup')) list.push('The view of the control groups.')
  if (mountNodes(plan).some(({ kind }) => kind !== 'box'))
    list.push(
      reachesHosts(plan)
        ? 'The files that are marked host above, with the sockets among them. Those of /run are hidden.'
        : 'The files that are marked host above. That includes sockets, such as /run/docker.sock and the D-Bus of the system: neither a read-only mount nor a net namespace stops a connection.',
    )
  if (process.newSession !== true) list.push('The terminal, if standard input is one. --new-session gives that up.')
  if (process.env?.inherit === true)
    list.push("The caller's environment, with any secret in it. --clear-env leaves it out.")
  if (process.seccomp === undefined)
    list.push('Every system call that its ids and capabilities allow: there is no seccomp filter.')
  const unlimited = [
    ...(supervision?.timeout ? [] : ['time (--timeout)']),
    ...(plan.cgroup?.memory ? [] : ['memory (--memory)']),
    ...(plan.cgroup?.cpuQuota ? [] : ['processors (--cpus)']),
    ...(plan.cgroup?.pids ? [] : ['processes (--pids)']),
  ]
  if (unlimited.length > 0) list.push(`Without a limit: ${unlimited.join(', ')}.`)
  if (process.noNewPrivs !== true) list.push('Setuid programs: without no_new_privs they may give privileges.')
  if (supervision?.dieWithParent !== true)
    list.push('No lifetime: the box may outlive the process that started nsbox. --die-with-parent ties them.')
  return list
}

// ---- text ----

const titleLines = (title: string, number: number): string[] =>
  wrap(title, WIDTH, `${String(number).padStart(2)}. `, INDENT)

function renderStep(
  { title, calls, why, also = [], shown }: Explanation['steps'][number],
  number: number,
  paint: Paint,
): string[] {
  const as = (lines: readonly string[], part: 'title' | 'quiet'): string[] =>
    lines.map((line) => paint(printable(line), part))
  return [
    ...as(titleLines(title, number), 'title'),
    ...as(
      wrap(calls, WIDTH, `${INDENT}[`, `${INDENT} `).map((line, i, all) => (i === all.length - 1 ? `${line}]` : line)),
      'quiet',
    ),
    ...wrap(why, WIDTH, INDENT).map(printable),
    ...also.flatMap((text) => wrap(text, WIDTH, `${INDENT}- `, `${INDENT}  `)).map(printable),
    ...(shown === undefined ? [] : as(wrap(shownText(shown), WIDTH, `${INDENT}see: `, `${INDENT}     `), 'quiet')),
  ]
}
