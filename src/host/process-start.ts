/** Tells a process from a later one of the same number. */
import { readFileSync } from 'node:fs'

/** When a process was started, in ticks since the boot: field 22 of stat, proc(5). Undefined: there is none. */
function processStart(pid: number): number | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[19])
  } catch {
    return undefined
  }
}

/** This process, for another one that asks later whether it still runs: "PID-START". */
export const ownProcess = (): string => `${process.pid}-${processStart(process.pid) ?? 0}`

/** Whether the process that ownProcess() named has ended. False for any other text. */
export function hasEnded(named: string): boolean {
  const [, pid, started] = /^(\d+)-(\d+)$/.exec(named) ?? []
  return pid !== undefined && String(processStart(Number(pid)) ?? 0) !== started
}
