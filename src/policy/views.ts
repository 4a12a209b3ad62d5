/** What of /proc and /sys a box does not see, or can't change, as container engines have it. */
import type { Mount } from '../plan/types.ts'

/** They tell of the machine's memory, keys, timers and devices, or let whoever writes to them harm it. */
const HIDDEN_IN_PROC = ['acpi', 'asound', 'interrupts', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list', 'timer_stats']
const READ_ONLY_IN_PROC = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger']
const HIDDEN_IN_SYS = ['firmware', 'devices/virtual/powercap']

/** After a procfs, whatever its place. */
export function procView(target: string): Mount[] {
  const below = (name: string) => `${target.replace(/\/+$/, '')}/${name}`
  return [
    ...READ_ONLY_IN_PROC.map((name) => ({ type: 'protect' as const, target: below(name), kernel: true })),
    ...HIDDEN_IN_PROC.map((name) => ({ type: 'mask' as const, target: below(name), kernel: true })),
  ]
}

/** Where the box sees the host's sysfs. `own`: its own namespaces. */
export function sysView(own: { cgroup: boolean; net: boolean }): Mount[] {
  return [
    own.net ? { type: 'sysfs', target: '/sys' } : { type: 'protect', target: '/sys', kernel: true },
    ...(own.cgroup ? [{ type: 'cgroup' as const, target: '/sys/fs/cgroup' }] : []),
    ...HIDDEN_IN_SYS.map((name) => ({ type: 'mask' as const, target: `/sys/${name}`, kernel: true })),
  ]
}
