/** The parts of /proc and /sys that a box can't see or can't change, as in container engines. */
import type { Mount } from '../plan/types.ts'

/** These show the machine's memory, keys, timers and devices, or let a writer harm it. */
const HIDDEN_IN_PROC = [
  'acpi',
  'asound',
  'interrupts',
  'kcore',
  'keys',
  'latency_stats',
  'sched_debug',
  'scsi',
  'timer_list',
  'timer_stats',
]
const READ_ONLY_IN_PROC = ['bus', 'fs', 'irq', 'sys', 'sysrq-trigger']
const HIDDEN_IN_SYS = ['firmware', 'devices/virtual/powercap']

/** The mounts that follow each procfs; TARGET has no slash at its end. */
export function procView(target: string): Mount[] {
  const mounts: Mount[] = []
  for (const name of READ_ONLY_IN_PROC) mounts.push({ type: 'protect', target: `${target}/${name}`, kernel: true })
  for (const name of HIDDEN_IN_PROC) mounts.push({ type: 'mask', target: `${target}/${name}`, kernel: true })
  return mounts
}

/** The mounts that follow the host's sysfs. `own`: the namespaces that are the box's own. */
export function sysView(own: { cgroup: boolean; net: boolean }): Mount[] {
  const mounts: Mount[] = [
    own.net ? { type: 'sysfs', target: '/sys' } : { type: 'protect', target: '/sys', kernel: true },
  ]
  if (own.cgroup) mounts.push({ type: 'cgroup', target: '/sys/fs/cgroup' })
  for (const name of HIDDEN_IN_SYS) mounts.push({ type: 'mask', target: `/sys/${name}`, kernel: true })
  return mounts
}
