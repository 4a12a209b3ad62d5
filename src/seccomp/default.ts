/**
 * The default filter allows what ordinary programs call, as container engines do, and refuses all else.
 *
 * The refused calls reach parts of the kernel that few programs need and many attacks have used: namespaces and mounts
 * (a program with a user namespace of its own has all capabilities there), keyrings, bpf, perf, io_uring, userfaultfd,
 * modules, the clock, raw ports.
 */
import type { Capability } from '../plan/types.ts'
import { ALLOW, ENOSYS, errno, type Abi, type Condition, type Filter, type Machine, type Rule } from './filter.ts'
import { SYSCALLS } from './syscalls.ts'

const EPERM = 1
const EAFNOSUPPORT = 97

const words = (text: string): string[] => text.trim().split(/\s+/)

/** Calls that are allowed with any arguments. */
const ALLOWED = words(`
  read write open close stat fstat lstat poll lseek mmap mprotect munmap brk rt_sigaction rt_sigprocmask rt_sigreturn pread64
  pwrite64 readv writev access pipe select sched_yield mremap msync mincore madvise shmget shmat shmctl dup dup2 pause nanosleep
  getitimer alarm setitimer getpid sendfile connect accept sendto recvfrom sendmsg recvmsg shutdown bind listen getsockname
  getpeername socketpair setsockopt getsockopt fork vfork execve exit wait4 kill uname semget semop semctl shmdt msgget msgsnd
  msgrcv msgctl fcntl flock fsync fdatasync truncate ftruncate getdents getcwd chdir fchdir rename mkdir rmdir creat link unlink
  symlink readlink chmod fchmod chown fchown lchown umask gettimeofday getrlimit getrusage sysinfo times ptrace getuid getgid
  setuid setgid geteuid getegid setpgid getppid getpgrp setsid setreuid setregid getgroups setgroups setresuid getresuid
  setresgid getresgid getpgid setfsuid setfsgid getsid capget capset rt_sigpending rt_sigtimedwait rt_sigqueueinfo rt_sigsuspend
  sigaltstack utime mknod statfs fstatfs getpriority setpriority sched_setparam sched_getparam sched_setscheduler
  sched_getscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval mlock munlock mlockall munlockall
  modify_ldt prctl arch_prctl adjtimex setrlimit sync gettid readahead setxattr lsetxattr fsetxattr getxattr lgetxattr fgetxattr
  listxattr llistxattr flistxattr removexattr lremovexattr fremovexattr tkill time futex sched_setaffinity sched_getaffinity
  set_thread_area get_thread_area io_setup io_destroy io_getevents io_submit io_cancel epoll_create remap_file_pages getdents64
  set_tid_address restart_syscall semtimedop fadvise64 timer_create timer_settime timer_gettime timer_getoverrun timer_delete
  clock_gettime clock_getres clock_nanosleep exit_group epoll_wait epoll_ctl tgkill utimes mq_open mq_unlink mq_timedsend
  mq_timedreceive mq_notify mq_getsetattr waitid ioprio_set ioprio_get inotify_init inotify_add_watch inotify_rm_watch openat
  mkdirat mknodat fchownat futimesat newfstatat unlinkat renameat linkat symlinkat readlinkat fchmodat faccessat pselect6 ppoll
  set_robust_list get_robust_list splice tee sync_file_range vmsplice utimensat epoll_pwait signalfd timerfd_create eventfd
  fallocate timerfd_settime timerfd_gettime accept4 signalfd4 eventfd2 epoll_create1 dup3 pipe2 inotify_init1 preadv pwritev
  rt_tgsigqueueinfo recvmmsg fanotify_mark prlimit64 name_to_handle_at clock_adjtime syncfs sendmmsg getcpu process_vm_readv
  process_vm_writev sched_setattr sched_getattr renameat2 seccomp getrandom memfd_create execveat membarrier mlock2
  copy_file_range preadv2 pwritev2 pkey_mprotect pkey_alloc pkey_free statx io_pgetevents rseq pidfd_send_signal pidfd_open
  close_range openat2 faccessat2 epoll_pwait2 landlock_create_ruleset landlock_add_rule landlock_restrict_self memfd_secret
  process_mrelease futex_waitv cachestat fchmodat2 map_shadow_stack futex_wake futex_wait futex_requeue mseal setxattrat getxattrat
  listxattrat removexattrat
`)

/**
 * The same on i386 and arm, as far as they have another name there: for 16 bits of an id, 32 of a time or an offset,
 * and older ones. Those of arm alone are at the end: two are its own, which keep code that a program has just written
 * and its threads working.
 */
const ALLOWED_COMPAT = words(`
  waitpid oldstat oldfstat oldlstat signal sigaction sgetmask ssetmask sigsuspend sigpending sigreturn sigprocmask nice olduname oldolduname
  readdir _llseek _newselect ugetrlimit mmap2 truncate64 ftruncate64 stat64 lstat64 fstat64 fstatat64 fcntl64 sendfile64 statfs64 fstatfs64
  fadvise64_64 lchown32 getuid32 getgid32 geteuid32 getegid32 setreuid32 setregid32 getgroups32 setgroups32 fchown32 setresuid32
  getresuid32 setresgid32 getresgid32 chown32 setuid32 setgid32 setfsuid32 setfsgid32 clock_gettime64 clock_adjtime64 clock_getres_time64
  clock_nanosleep_time64 timer_gettime64 timer_settime64 timerfd_gettime64 timerfd_settime64 utimensat_time64 pselect6_time64 ppoll_time64
  io_pgetevents_time64 recvmmsg_time64 mq_timedsend_time64 mq_timedreceive_time64 semtimedop_time64 rt_sigtimedwait_time64 futex_time64
  sched_rr_get_interval_time64 ipc
  arm_fadvise64_64 arm_sync_file_range sync_file_range2 send recv breakpoint cacheflush set_tls
`)

/** Calls that are allowed with one of these capabilities: the kernel itself asks for it, or for one like it. */
const WITH: readonly (readonly [Capability, readonly string[]])[] = [
  ['dac_read_search', words('open_by_handle_at')],
  [
    'sys_admin',
    words(`
    bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie mount mount_setattr move_mount open_tree
    perf_event_open pivot_root quotactl quotactl_fd setdomainname sethostname setns statmount listmount swapon swapoff syslog umount umount2 unshare
  `),
  ],
  ['sys_boot', words('reboot kexec_load kexec_file_load')],
  ['sys_chroot', words('chroot')],
  ['sys_module', words('init_module finit_module delete_module')],
  ['sys_pacct', words('acct')],
  ['sys_ptrace', words('kcmp pidfd_getfd process_madvise')],
  ['sys_rawio', words('iopl ioperm')],
  ['sys_time', words('settimeofday clock_settime clock_settime64 stime')],
  ['sys_tty_config', words('vhangup')],
  ['sys_nice', words('get_mempolicy mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages')],
  ['syslog', words('syslog')],
  ['bpf', words('bpf')],
  ['perfmon', words('perf_event_open')],
]

/**
 * Calls that a program needs in a user namespace of its own, where it has all capabilities: other namespaces, mounts, a
 * root.
 */
const IN_USER_NAMESPACES = words(`
  chroot clone clone3 fsconfig fsmount fsopen fspick listmount mount mount_setattr move_mount open_tree pivot_root setdomainname sethostname setns
  statmount umount umount2 unshare
`)

/** The capability with which the filter allows the call; undefined: none does. */
export function capabilityFor(call: string): Capability | undefined {
  return WITH.find(([, names]) => names.includes(call))?.[0]
}

/** Whether --allow-userns allows it. */
export const isForUserNamespaces = (call: string): boolean => IN_USER_NAMESPACES.includes(call)

const equal = (arg: number, value: number): Condition => ({ arg, op: 'eq', value: BigInt(value), width: 32 })
const allowEach = (arg: number, values: readonly number[]): Rule[] =>
  values.map((value) => ({ when: [equal(arg, value)], action: ALLOW }))
const ALWAYS: Rule = { when: [], action: ALLOW }

/** include/uapi/linux/net.h */
const SYS_SOCKET = 1

/** CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET: include/uapi/linux/sched.h */
const CLONE_NEW = 0x7e020000
/**
 * AF_UNIX, INET, INET6, NETLINK, PACKET. Others lead to code that few programs need; VSOCK leads to the machine that
 * hosts this one.
 */
const FAMILIES = [1, 2, 10, 16, 17]
/**
 * PER_LINUX or PER_LINUX32, with UNAME26 and ADDR_NO_RANDOMIZE (debuggers, sanitizers) or without: all other bits are
 * 0.
 */
const PERSONALITY_OTHERS = 0xffffffff & ~(8 | 0x20000 | 0x40000)
/** Only asks for the present personality. */
const PERSONALITY_QUESTION = 0xffffffff
/** These two put any text into the terminal's input. The kernel looks at 32 bits of the request. */
const [TIOCSTI, TIOCLINUX] = [0x5412, 0x541c]

/** Calls whose arguments decide. On all machines the flags of clone(2) come first. */
const CHECKED: Readonly<Record<string, readonly Rule[]>> = {
  clone: [{ when: [{ arg: 0, op: 'masked', mask: BigInt(CLONE_NEW), value: 0n }], action: ALLOW }],
  // Its flags lie in memory, where a filter can't look. With ENOSYS a C library uses clone(2) instead.
  clone3: [{ when: [], action: errno(ENOSYS) }],
  personality: [
    { when: [{ arg: 0, op: 'masked', mask: BigInt(PERSONALITY_OTHERS >>> 0), value: 0n, width: 32 }], action: ALLOW },
    ...allowEach(0, [PERSONALITY_QUESTION]),
  ],
  socket: [...allowEach(0, FAMILIES), { when: [], action: errno(EAFNOSUPPORT) }],
  // i386: its first argument says which call is meant, and the arguments of that lie in memory. All of these calls work
  // on sockets that are there, but for socket(2) itself, whose family a filter can't see. Any program of 64 bits can
  // make this call too (int 0x80): letting it through would open all families to all boxes, AF_ALG and vsock with them.
  socketcall: [{ when: [equal(0, SYS_SOCKET)], action: errno(ENOSYS) }, ALWAYS],
  ioctl: [...[TIOCSTI, TIOCLINUX].map((request) => ({ when: [equal(1, request)], action: errno(EPERM) })), ALWAYS],
}

/** The capabilities that change the filter. */
export function relevant(capabilities: readonly Capability[]): Capability[] {
  return WITH.map(([capability]) => capability).filter((capability) => capabilities.includes(capability))
}

/**
 * `i386`: judges calls of that ABI, too, in place of ending a process that makes one. 32-bit programs make them, and any
 * other program can, by int 0x80. Kernels without it get the shorter filter, which loads faster. Whether a kernel of
 * arm64 runs programs of arm can't be seen, so there the filter always judges their calls. `socketcall`: lets i386
 * programs make sockets of any family by the call of that name.
 */
export function defaultFilter(
  machine: Machine,
  capabilities: readonly Capability[],
  { userNamespaces = false, socketcall = false, i386 = false } = {},
): Filter {
  const own = filterOf(machine, ALLOWED, capabilities, userNamespaces)
  const other = machine === 'arm64' ? 'arm' : i386 ? 'i386' : undefined
  if (other === undefined) return own
  const compat = filterOf(other, [...ALLOWED, ...ALLOWED_COMPAT], capabilities, userNamespaces)
  if (!socketcall || other !== 'i386') return { ...own, compat }
  return { ...own, compat: { ...compat, calls: new Map(compat.calls).set(SYSCALLS.i386.socketcall, [ALWAYS]) } }
}

/** Calls of arm alone are numbered from here on. */
const ARM_PRIVATE = 0xf0000

function filterOf(
  machine: Abi,
  allowed: readonly string[],
  capabilities: readonly Capability[],
  userNamespaces: boolean,
): Filter {
  const numbers: Readonly<Record<string, number>> = SYSCALLS[machine]
  const calls = new Map<number, readonly Rule[]>()
  // Skips calls that this machine doesn't have.
  const set = (name: string, rules: readonly Rule[]) => {
    if (numbers[name] !== undefined) calls.set(numbers[name], rules)
  }
  for (const name of allowed) set(name, [ALWAYS])
  for (const [name, rules] of Object.entries(CHECKED)) set(name, rules)
  for (const [capability, names] of WITH)
    if (capabilities.includes(capability)) for (const name of names) set(name, [ALWAYS])
  if (userNamespaces) for (const name of IN_USER_NAMESPACES) set(name, [ALWAYS])
  return {
    machine,
    calls,
    otherwise: errno(EPERM),
    unknown: errno(ENOSYS),
    highest: Math.max(...Object.values(numbers).filter((number) => number < ARM_PRIVATE)),
  }
}
