/**
 * Words and bounds of the contract that a start needs. They stand apart from the table (schema.ts), which no start
 * loads, since it is larger than all that a start needs.
 */
export const CONTRACT = 2
/** One less than (uid_t)-1, which means "unchanged" to setresuid(2). */
export const MAX_ID = 4294967294
/** NGROUPS_MAX of the kernel. */
export const MAX_GROUPS = 65536
/** Some 68 years, with room for what the sidecar adds. */
export const MAX_MILLISECONDS = 2 ** 41
/** PID_MAX_LIMIT: the kernel gives no higher number. */
export const MAX_PIDS = 4194304
/** More processors than the kernel can be built for (CONFIG_NR_CPUS), in the longest period. */
export const MAX_CPUS = 8192
/** The largest number of a descriptor: the kernel's default for fs.nr_open. */
export const MAX_FD = 1048576
/** Bytes of the name of a box. */
export const MAX_NAME = 64
/** Descriptors that a command may keep. */
export const MAX_KEPT = 256
export const LIMITS = [
  'as',
  'core',
  'cpu',
  'data',
  'fsize',
  'locks',
  'memlock',
  'msgqueue',
  'nice',
  'nofile',
  'nproc',
  'rss',
  'rtprio',
  'rttime',
  'sigpending',
  'stack',
] as const
/** In the kernel's order, so that the index is the number: capabilities(7), include/uapi/linux/capability.h. */
export const CAPABILITIES = [
  'chown',
  'dac_override',
  'dac_read_search',
  'fowner',
  'fsetid',
  'kill',
  'setgid',
  'setuid',
  'setpcap',
  'linux_immutable',
  'net_bind_service',
  'net_broadcast',
  'net_admin',
  'net_raw',
  'ipc_lock',
  'ipc_owner',
  'sys_module',
  'sys_rawio',
  'sys_chroot',
  'sys_ptrace',
  'sys_pacct',
  'sys_admin',
  'sys_boot',
  'sys_nice',
  'sys_resource',
  'sys_time',
  'sys_tty_config',
  'mknod',
  'lease',
  'audit_write',
  'audit_control',
  'setfcap',
  'mac_override',
  'mac_admin',
  'syslog',
  'wake_alarm',
  'block_suspend',
  'audit_read',
  'perfmon',
  'bpf',
  'checkpoint_restore',
] as const
export const RESET_SIGNALS = ['PIPE', 'XFSZ'] as const
