/** The peak memory of the program that unpacks images: it runs as two processes in a box. */
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}

/** PID and its descendants. */
function family(pid: number): number[] {
  let tasks: string[] = []
  try {
    tasks = readdirSync(`/proc/${pid}/task`)
  } catch {}
  const children = tasks.flatMap((task) => read(`/proc/${pid}/task/${task}/children`).trim().split(' '))
  return [pid, ...children.filter(Boolean).flatMap((child) => family(Number(child)))]
}

/** The most that a process has had in memory so far, kB: proc_pid_status(5). */
const peakOf = (pid: number): number => Number(/^VmHWM:\s+(\d+) kB/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)

/** kB: the sum of the peaks of the processes that were there at the same time. Pages that they share count in each. */
export async function peakOfHelper(argv: readonly string[], cache: string): Promise<number> {
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NSBOX_CACHE: cache },
  })
  let status: number | null | undefined
  child.once('exit', (code) => {
    status = code
  })
  let most = 0
  while (status === undefined) {
    const unpackers = family(child.pid ?? 0).filter((pid) => read(`/proc/${pid}/comm`).trim() === 'unpack')
    most = Math.max(
      most,
      unpackers.map(peakOf).reduce((sum, peak) => sum + peak, 0),
    )
    await Bun.sleep(2)
  }
  if (status !== 0) throw new Error(`${argv.join(' ')}: ended with status ${status}`)
  return most
}
