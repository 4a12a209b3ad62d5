/** What the tests of calls of i386 and arm share. */
import { compile } from '../../src/seccomp/bpf.ts'
import { errno } from '../../src/seccomp/filter.ts'
import { defaultFilter } from '../../src/seccomp/default.ts'
import { SYSCALLS } from '../../src/seccomp/syscalls.ts'
import type { Capability } from '../../src/plan/types.ts'
import { evaluate } from './interpreter.ts'

export const AUDIT_I386 = 0x40000003
export const AUDIT_ARM = 0x40000028

/** An error number that no call returns itself. */
export const ODD_I386 = 133

/** The default filter, which refuses calls of i386 by that number. */
export function oddI386(held: readonly Capability[]): Uint8Array {
  const filter = defaultFilter('x64', held, { i386: true })
  if (filter.compat === undefined) throw new Error('no calls of i386')
  return compile({
    ...filter,
    compat: { ...filter.compat, otherwise: errno(ODD_I386), unknown: errno(ODD_I386) },
  })
}

/** The numbers that it refuses, of those that test/c/calls.c tries. */
export function refusedI386(filter: Uint8Array): number[] {
  const leftOut: number[] = [SYSCALLS.i386.fork, SYSCALLS.i386.vfork, SYSCALLS.i386.sync, SYSCALLS.i386.sigsuspend]
  const args = Array.from({ length: 6 }, () => 0xffffffffn)
  return Array.from({ length: 481 }, (_, number) => number).filter(
    (number) =>
      !leftOut.includes(number) && evaluate(filter, { machine: AUDIT_I386, number, args }) === errno(ODD_I386),
  )
}

/** First arguments with which some calls are refused, and two that follow. */
export const ARGUMENTS = [0, 1, 2, 8, 0x11, 40, 0x10000011, 0x0400000, 0xffffffff].flatMap((first) =>
  [0x5401, 0x5412].map((second) => [first, second, 0, 0, 0, 0].map(BigInt)),
)

/** The names on x86-64 of what i386 calls otherwise. */
export const LIKE_I386: Readonly<Record<string, string>> = {
  waitpid: 'wait4',
  oldstat: 'stat',
  oldfstat: 'fstat',
  oldlstat: 'lstat',
  stat64: 'stat',
  lstat64: 'lstat',
  fstat64: 'fstat',
  fstatat64: 'newfstatat',
  signal: 'rt_sigaction',
  sigaction: 'rt_sigaction',
  sgetmask: 'rt_sigprocmask',
  ssetmask: 'rt_sigprocmask',
  sigsuspend: 'rt_sigsuspend',
  sigpending: 'rt_sigpending',
  sigreturn: 'rt_sigreturn',
  sigprocmask: 'rt_sigprocmask',
  nice: 'setpriority',
  olduname: 'uname',
  oldolduname: 'uname',
  readdir: 'getdents',
  _llseek: 'lseek',
  ugetrlimit: 'getrlimit',
  mmap2: 'mmap',
  fadvise64_64: 'fadvise64',
  stime: 'settimeofday',
  umount: 'umount2',
  clock_getres_time64: 'clock_getres',
}

/** Many calls in one: all that `ipc` leads to are allowed on x86-64, and so are those of `socketcall` but for the first. */
export const ONLY_I386 = ['ipc', 'socketcall']

export const REFUSED = [
  'mount',
  'umount',
  'umount2',
  'unshare',
  'setns',
  'pivot_root',
  'chroot',
  'bpf',
  'perf_event_open',
  'keyctl',
  'add_key',
  'request_key',
  'userfaultfd',
  'io_uring_setup',
  'init_module',
  'finit_module',
  'delete_module',
  'kexec_load',
  'open_by_handle_at',
  'fsopen',
  'move_mount',
  'swapon',
  'acct',
  'stime',
  'settimeofday',
  'clock_settime',
  'clock_settime64',
  'reboot',
  'sethostname',
  'quotactl',
  'vhangup',
  'syslog',
  'iopl',
  'ioperm',
  'vm86',
  'vm86old',
  'uselib',
  'sysfs',
  '_sysctl',
] as const

/** Calls that only arm has, and that are let through. */
export const ALLOWED_ARM = [
  'arm_fadvise64_64',
  'arm_sync_file_range',
  'sync_file_range2',
  'send',
  'recv',
  'breakpoint',
  'cacheflush',
  'set_tls',
]
