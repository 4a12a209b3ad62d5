/** What of /proc and /sys a box does not see, or can't change, as container engines have it. */
import type { Mount } from '../plan/types.ts'

/** They tell of the machine's memory, keys, timers and devices, or let whoever writes to them harm it. */
const HIDDEN_IN_PROC = ['acpi', 'asound', 'interrupts', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list', 'timer_stats']
const READ_ONLY_IN_PROC = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger']
const HIDDEN_IN_SYS = ['firmware', 'devices/virtual/powercap']

/** After a procfs, whatever its place; TARGET has no slash at its end. */
export function procView(target: string): Mount[] {
  const mounts: Mount[] = []
  for (const name of READ_ONLY_IN_PROC) mounts.push({ type: 'protect', target: `${target}/${name}`, kernel: true })
  for (const name of HIDDEN_IN_PROC) mounts.push({ type: 'mask', target: `${target}/${name}`, kernel: true })
  return mounts
}

/** Where the box sees the host's sysfs. `own`: its own namespaces. */
export function sysView(own: { cgroup: boolean; net: boolean }): Mount[] {
  const mounts: Mount[] = [own.net ? { type: 'sysfs', target: '/sys' } : { type: 'protect', target: '/sys', kernel: true }]
  if (own.cgroup) mounts.push({ type: 'cgroup', target: '/sys/fs/cgroup' })
  for (const name of HIDDEN_IN_SYS) mounts.push({ type: 'mask', target: `/sys/${name}`, kernel: true })
  return mounts
}
