/** The steps from the finished root to the command, and the process that watches it. */
import { printable } from '../text/printable.ts'
import { fateOf32Bit } from './filter-kills.ts'
import { command, type Step } from './step.ts'
import { allowsSocketcall, answersIds, isOurs, refusesMounts } from '../seccomp/seccomp.ts'
import { quote } from '../text/quote.ts'
import type { BoxPlan, Helper, Process } from '../plan/types.ts'

export const PIVOT: Step = {
  title: 'Make it the root, and detach the old one',
  calls: 'pivot_root(".", "."), umount2(".", MNT_DETACH)',
  why: 'chroot(2) would only change where / points, and leave the old root mounted: a privileged process can walk out. pivot_root swaps the mounts themselves, and once the old root is detached, no path leads to it.',
  see: { page: 'pivot_root(2)' },
}

export function hostname({ hostname: name }: BoxPlan): Step[] {
  if (name === undefined) return []
  return [
    {
      title: `Set the host name to ${quote(name)}`,
      calls: 'sethostname',
      why: 'In the new uts namespace only.',
      see: { run: 'uname -n', page: 'uts_namespaces(7)' },
    },
  ]
}

export function loopback({ loopback: up }: BoxPlan): Step[] {
  if (up !== true) return []
  return [
    {
      title: 'Bring the loopback interface up',
      calls: 'ioctl(SIOCSIFFLAGS)',
      why: 'In a new net namespace even lo is down, and many programs and tests need 127.0.0.1. Nothing outside is reached by it.',
      see: { run: 'cat /proc/self/net/dev', page: 'network_namespaces(7)' },
    },
  ]
}

export function networkSettings({ ping, lowPorts }: BoxPlan): Step[] {
  const also = [
    ...(ping
      ? [
          'net.ipv4.ping_group_range: all groups of the box may open ICMP sockets, so that ping works without a capability.',
        ]
      : []),
    ...(lowPorts
      ? ['net.ipv4.ip_unprivileged_port_start = 0: everybody may listen on ports below 1024, such as 80.']
      : []),
  ]
  if (also.length === 0) return []
  return [
    {
      title: "Open up the settings of the box's own network",
      calls: 'openat, write',
      why: "Each network namespace has its own settings: the host's stay as they are.",
      also,
      see: { run: 'cat /proc/sys/net/ipv4/ping_group_range', page: 'icmp(7), ip(7)' },
    },
  ]
}

export function limits({ limits: list = [] }: Process): Step[] {
  if (list.length === 0) return []
  const amount = (n: number): string => (n === -1 ? 'unlimited' : String(n))
  return [
    {
      title: 'Set resource limits',
      calls: 'setrlimit',
      why: 'The limits hold for each process of the box: children inherit them.',
      also: list.map(
        ({ resource, soft, hard }) =>
          `${resource}: ${amount(soft)}${hard === undefined ? '' : `, and never above ${amount(hard)}`}`,
      ),
      see: { run: 'cat /proc/self/limits', page: 'getrlimit(2)' },
    },
  ]
}

export function signals({ resetSignals = [] }: Process): Step[] {
  if (resetSignals.length === 0) return []
  return [
    {
      title: `Put ${resetSignals.map((name) => `SIG${name}`).join(' and ')} back to the default`,
      calls: 'sigaction',
      why: 'The runtime of the front end ignores them, and a command would inherit that: `yes | head` would not end.',
    },
  ]
}

const SCOPE_TEXT: Readonly<Record<NonNullable<Process['landlock']>[number], string>> = {
  abstract:
    "The box can't connect to abstract Unix sockets of others outside; they belong to the network, which is the host's. X11 clients try one first: --share abstract leaves them open.",
  signals: "The box can't signal processes outside; kill(0) would reach its caller's process group.",
  trace: "The command can't trace processes that it did not start, nor read their memory.",
}

export function scopes({ landlock: list = [] }: Process): Step[] {
  if (list.length === 0) return []
  return [
    {
      title: 'Close what no namespace divides',
      calls: 'landlock_create_ruleset, landlock_restrict_self',
      why: 'Landlock closes these where the kernel has its scopes, from Linux 6.12 on; an older kernel leaves them open:',
      also: list.map((name) => SCOPE_TEXT[name]),
    },
  ]
}

export function identity({ uid, gid, dropGroups, groups }: Process): Step[] {
  const calls = [
    ...(dropGroups || groups ? ['setgroups'] : []),
    ...(gid === undefined ? [] : ['setresgid']),
    ...(uid === undefined ? [] : ['setresuid']),
  ]
  if (calls.length === 0) return []
  const ids = [...(uid === undefined ? [] : [`user ${uid}`]), ...(gid === undefined ? [] : [`group ${gid}`])].join(
    ' and ',
  )
  return [
    {
      title: ids === '' ? 'Drop the supplementary groups' : `Become ${ids}`,
      calls: calls.join(', '),
      why: `${dropGroups ? 'Supplementary groups are dropped first, while that is still allowed. ' : ''}Ids are those of the box.`,
      ...(groups && { also: [`Supplementary groups: ${groups.join(' ')}.`] }),
    },
  ]
}

function capabilities({ capabilities: kept = [] }: Process): Step {
  return {
    title: kept.length === 0 ? 'Give up all capabilities' : `Keep ${kept.length} capabilities and give up the others`,
    calls: 'prctl(PR_CAPBSET_DROP), capset, prctl(PR_CAP_AMBIENT)',
    why: "Capabilities are the parts of root's power. No program can get back what is dropped from the bounding set.",
    ...(kept.length === 0 ? {} : { also: [`Kept: ${kept.join(' ')}.`] }),
    see: { run: 'grep Cap /proc/self/status', page: 'capabilities(7)' },
  }
}

export function privileges(process: Process): Step[] {
  const { noNewPrivs, seccomp } = process
  // Without no_new_privs a filter needs cap_sys_admin, so it comes before the capabilities are dropped.
  if (!noNewPrivs) return [...filter(seccomp), capabilities(process)]
  return [
    capabilities(process),
    {
      title: 'Give up gaining privileges',
      calls: 'prctl(PR_SET_NO_NEW_PRIVS)',
      why: 'From now on no execve gives more than the process has: setuid programs such as sudo, and file capabilities, have no effect. It cannot be undone.',
      see: { run: 'grep NoNewPrivs /proc/self/status', page: 'prctl(2)' },
    },
    ...filter(seccomp),
  ]
}

/** What a filter of ours refuses; '' for another one. */
function refusedBy(from: string): string {
  if (!isOurs(from)) return ''
  const opens = refusesMounts(from)
    ? ''
    : " It allows namespaces and mounts (--allow-userns): a program has all capabilities in a user namespace of its own, but can't remove there what hides or protects something in this box."
  const sockets = allowsSocketcall(from)
    ? ' It allows socketcall (--seccomp socketcall), by which old 32-bit programs make sockets; where the kernel has that call, every program can make sockets of any family by it (vsock, AF_ALG, Bluetooth), which the filter refuses otherwise.'
    : ''
  return ` It refuses calls that few programs need and many attacks have used:${opens === '' ? ' mounts, namespaces,' : ''} keyrings, bpf, modules, the clock.${opens}${sockets}`
}

const textOf32Bit = (seccomp: NonNullable<Process['seccomp']>): string =>
  fateOf32Bit(seccomp) === 'ends'
    ? ' A 32-bit program is ended at its first call (SIGSYS, status 159).'
    : ' Calls of 32-bit programs have numbers of their own, and are judged by those.'

const FAKE_ROOT_TEXT =
  "It answers calls that change owners and ids (chown, setuid, setgroups and their kin) and mknod of devices with success, and the kernel does nothing: with one id it would refuse them, and package managers would give up. What then isn't true: all files belong to the one id, su nobody goes on as root, no device is made, and a program that checks finds out."

function filter(seccomp: Process['seccomp']): Step[] {
  if (seccomp === undefined) return []
  const size = Buffer.from(seccomp.filter, 'base64').length / 8
  return [
    {
      title: isOurs(seccomp.from)
        ? 'Allow only ordinary system calls'
        : `Allow only the system calls of ${quote(seccomp.from.replace(/ with fake root$/, ''))}`,
      calls: 'prctl(PR_SET_SECCOMP)',
      why: `The kernel runs this filter of ${size} instructions for each call of the command and of all that it starts. It cannot be removed.${refusedBy(seccomp.from)}${textOf32Bit(seccomp)}`,
      ...(answersIds(seccomp.from) && { also: [FAKE_ROOT_TEXT] }),
      see: { run: 'grep Seccomp /proc/self/status', page: 'seccomp(2)' },
    },
  ]
}

export function init(plan: BoxPlan): Step[] {
  if (plan.supervision?.init !== true) return []
  return [
    {
      title: "Leave an init behind as the box's first process",
      calls: 'fork, waitpid',
      why: `${plan.namespaces.includes('pid') ? 'Process 1 inherits every orphan, and the kernel drops signals that it has no handler for. ' : ''}A small init stays, reaps what ends and passes signals on; the command is its child.`,
      see: { run: 'cat /proc/1/comm', page: 'pid_namespaces(7)' },
      moment: 'init',
    },
  ]
}

export function clock({ supervision: { timeout, grace = 0 } = {} }: BoxPlan): Step[] {
  if (!timeout) return []
  return [
    {
      title: `Watch the clock: ${timeout / 1000} s`,
      calls: 'fork, setsid, poll, rt_sigqueueinfo(SIGTERM), kill(SIGKILL)',
      why: `A separate process watches, outside of the box and in no terminal's session, so that nothing stops it. When the time is up, the command gets TERM; ${grace / 1000} s later the first process of the box is killed, and the kernel kills the rest of its pid namespace.`,
    },
  ]
}

function startText({ cwd = '/', cwdOfHost, cwdFallback }: Process): string {
  if (!cwdOfHost || cwd === '/') return `In ${quote(cwd)}.`
  const otherwise = cwdFallback === undefined ? 'otherwise that is an error' : `otherwise in ${quote(cwdFallback)}`
  return `In ${quote(cwd)}, the caller's directory, if the box shows that very directory; ${otherwise}.`
}

export function execute({ process }: BoxPlan): Step {
  const { env = {}, newSession, pause } = process
  const set = env.set ?? []
  return {
    moment: 'command',
    title: `Run ${command(process)}`,
    calls: `${newSession ? 'setsid, ' : ''}chdir, execve`,
    why: `${startText(process)} The sidecar's code is replaced by the command's; namespaces and mounts stay.`,
    also: [
      env.inherit === true ? "Environment: the caller's." : 'Environment: starts empty.',
      ...(env.pass?.length ? [`Passed on from the caller: ${env.pass.map(printable).join(' ')}`] : []),
      ...(env.unset?.length ? [`Removed: ${env.unset.map(printable).join(' ')}`] : []),
      // Only names, since people paste this text into bug reports, and a value may be a token.
      ...(set.length ? [`Set: ${set.map((entry) => printable(entry.slice(0, entry.indexOf('=')))).join(' ')}`] : []),
      ...(pause
        ? [
            'In place of the command a process waits that executes nothing, so that the box stays for commands that enter it.',
          ]
        : []),
      ...(newSession ? ['It runs in a session of its own, with no controlling terminal.'] : []),
    ],
  }
}

/** The command waits for these, although all is set up. */
export function release({ helpers = [], supervision: { gateFd = -1 } = {} }: BoxPlan): Step[] {
  if (helpers.length === 0 && gateFd < 0) return []
  return [
    {
      title: 'The command waits',
      calls: 'execve, poll, read',
      why: 'The plan names what has to be ready outside of the box before its command is executed.',
      also: [
        ...helpers.map(helperText),
        ...(gateFd < 0 ? [] : [`A byte on descriptor ${gateFd} lets the box go on; its end without one ends the box.`]),
      ],
    },
  ]
}

function helperText({ program, part, ends }: Helper): string {
  if (part === 'hide')
    return `'nsbox-hide', a program of nsbox, watches outside that the host replaces nothing that is hidden or kept: by poll on /proc/PID/mountinfo, and by F_NOTIFY in the directories that lead there. Where that happens, the box is killed, with status 125.`
  const name = program === undefined ? `${quote(`nsbox-${part}`)}, a program of nsbox,` : quote(program)
  return `${name} runs outside until the box ends.${ends === 'box' ? ' If it ends, so does the box.' : ''}`
}

export function parent({ name, supervision = {} }: BoxPlan): Step {
  const { dieWithParent, statusFd = -1 } = supervision
  return {
    title: 'Meanwhile, outside',
    calls: 'waitpid, kill',
    why: 'The process that made the box waits, forwards signals, and ends as the command ended: with its status, or 128+N after signal N. The mounts vanish with the last process of the box.',
    also: [
      ...(name === undefined ? [] : [`nsbox ps and nsbox enter call the box ${quote(name)}.`]),
      ...(dieWithParent
        ? [
            'If the process that started nsbox ends, the box is killed, even while nsbox is stopped: a separate process watches (pidfd_open).',
          ]
        : []),
      ...(statusFd < 0 ? [] : [`Events are written to descriptor ${statusFd}, as JSON lines.`]),
    ],
  }
}
