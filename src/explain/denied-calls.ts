/** Calls that the filter, a lacking capability or a limit of the box refuses. */
import { errnoName } from '../host/errno.ts'
import type { BoxPlan, Capability } from '../plan/types.ts'
import { capabilityFor, isForUserNamespaces } from '../seccomp/default.ts'
import { ENOSYS, lets } from '../seccomp/filter.ts'
import { callName } from '../seccomp/call-names.ts'
import { isCompat, verdictOf } from '../seccomp/judge.ts'
import { isOurs } from '../seccomp/seccomp.ts'
import type { Found } from './denied-types.ts'
import type { Refusal } from './refusals.ts'

/** Such a call; undefined where something else refuses it; 'skipped' where every program does without. */
export function deniedCall(plan: BoxPlan, refusal: Refusal): Found | 'skipped' | undefined {
  const name = callName(refusal.machine, refusal.call)
  return (
    byFilter(plan, refusal, name) ??
    byTracer(refusal, name) ??
    byLimit(plan, refusal) ??
    byCapability(plan, refusal, name)
  )
}

const EPERM = 1
const ERRNO_BITS = 0xffff
const ACTION_BITS = 0xffff0000

/** C libraries try these first, and do without where the answer is ENOSYS. */
const WITH_FALLBACK = ['clone3', 'rseq', 'set_robust_list', 'map_shadow_stack']

function byFilter(plan: BoxPlan, refusal: Refusal, name: string | undefined): Found | 'skipped' | undefined {
  const { machine, call, errno, args = [] } = refusal
  const { seccomp } = plan.process
  if (seccomp === undefined) return undefined
  const verdict = verdictOf(Buffer.from(seccomp.filter, 'base64'), {
    machine,
    number: call,
    args: args.map((arg) => BigInt(arg)),
  })
  if (verdict === undefined || lets(verdict)) return undefined
  const action = (verdict & ACTION_BITS) >>> 0
  const answers = action === 0x00050000
  if (answers ? (verdict & ERRNO_BITS) !== errno : errno !== 0) return undefined
  if (errno === ENOSYS && (name === undefined || WITH_FALLBACK.includes(name))) return 'skipped'
  const rule = `--seccomp ${seccomp.from}`
  const said = answers ? 'is refused by the filter of system calls' : 'ends the process, by the filter of system calls'
  return foundCall(refusal, name, rule, said, aroundFilter(plan, name, args))
}

function aroundFilter(plan: BoxPlan, name: string | undefined, args: readonly number[]): string {
  const { seccomp } = plan.process
  if (name === undefined || !isOurs(seccomp?.from)) return '--seccomp none'
  if (name === 'socketcall') return '--seccomp socketcall'
  const makesUser = (name === 'unshare' || name === 'clone') && ((args[0] ?? 0) & CLONE_NEWUSER) !== 0
  if (makesUser || (isForUserNamespaces(name) && !isRoot(plan))) return '--allow-userns'
  const capability = capabilityFor(name)
  return capability !== undefined && isRoot(plan) ? `--cap-add ${capability}` : '--seccomp none'
}

/** include/uapi/linux/sched.h */
const CLONE_NEWUSER = 0x10000000

/** A thread has one tracer, and ours is there first. */
function byTracer(refusal: Refusal, name: string | undefined): Found | undefined {
  if (name !== 'ptrace' || refusal.errno !== EPERM) return undefined
  return foundCall(
    refusal,
    name,
    '--trace-denied',
    "can't trace, since a process has one tracer, and nsbox is it",
    'leave out --trace-denied',
  )
}

function byLimit({ cgroup, supervision }: BoxPlan, refusal: Refusal): Found | undefined {
  if (refusal.op !== 'fork' || errnoName(refusal.errno) !== 'EAGAIN' || cgroup?.pids === undefined) return undefined
  const most = cgroup.pids - (supervision?.init ? 1 : 0)
  return foundCall(
    refusal,
    'fork',
    `--pids ${most}`,
    'is refused: the box has as many processes and threads as it may',
    `--pids ${2 * most}`,
  )
}

/** What the kernel asks for each of these calls: capabilities(7). */
const NEEDS: readonly (readonly [Capability, RegExp])[] = [
  ['chown', /^[lf]?chown(32|at)?$/],
  ['fowner', /^(fchmod|chmod|fchmodat2?)$/],
  ['mknod', /^mknod(at)?$/],
  ['setuid', /^set(re|res|fs)?uid(32)?$/],
  ['setgid', /^(set(re|res|fs)?gid|setgroups)(32)?$/],
  ['sys_chroot', /^chroot$/],
  ['sys_nice', /^(setpriority|nice|sched_set\w+)$/],
  ['sys_resource', /^(setrlimit|prlimit64)$/],
  ['net_bind_service', /^bind$/],
  ['net_raw', /^socket$/],
  ['sys_time', /^(clock_settime(64)?|settimeofday|adjtimex|clock_adjtime(64)?)$/],
  ['ipc_lock', /^(mlock|mlock2|mlockall)$/],
  ['kill', /^(kill|tkill|tgkill)$/],
]

/** Only root expects to have capabilities: what any other user lacks is no box's doing. */
function byCapability(plan: BoxPlan, refusal: Refusal, name: string | undefined): Found | undefined {
  const code = errnoName(refusal.errno)
  if (name === undefined || (code !== 'EPERM' && !(code === 'EACCES' && name === 'bind')) || !isRoot(plan))
    return undefined
  const needed = NEEDS.find(([, names]) => names.test(name))?.[0] ?? capabilityFor(name)
  if (needed === undefined || plan.process.capabilities?.includes(needed)) return undefined
  return foundCall(
    refusal,
    name,
    `no capability ${needed}`,
    `needs the capability ${needed}, which the command doesn't have`,
    `--cap-add ${needed}`,
  )
}

function isRoot({ process: { uid, capabilities = [] }, idmap }: BoxPlan): boolean {
  if (uid !== undefined) return uid === 0
  return capabilities.length > 0 || idmap?.uid[0]?.inside === 0
}

function foundCall(
  { call, machine, path }: Refusal,
  name: string | undefined,
  rule: string,
  said: string,
  allow: string,
): Found {
  const subject = `${name ?? `system call ${call}`}${isCompat(machine) ? ' (32-bit)' : ''}`
  const place = path === undefined ? '' : ` on ${path}`
  return { op: 'call', subject: `${subject}${place}`, rule, allow, text: `${subject} ${said}: ${rule}.` }
}
