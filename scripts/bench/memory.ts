/** Measures the memory of boxes while their commands run: that of the launcher's processes, without the command. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Proportional set size, in kB: a page that N processes share counts as one N-th in each, proc_pid_smaps(5). */
function proportionalSize(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
}

const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
const nameOf = (pid: number): string => readFileSync(`/proc/${pid}/comm`, 'utf8').trim()

/** A process and its descendants, without the box's command. */
function family(pid: number): { pids: number[]; ready: number } {
  if (nameOf(pid) === 'idle') return { pids: [], ready: 1 }
  const below = childrenOf(pid).map(family)
  return { pids: [pid, ...below.flatMap(({ pids }) => pids)], ready: below.reduce((sum, { ready }) => sum + ready, 0) }
}

/** kB for each of `count` boxes that run at the same time, with `idle` as their command. */
export async function memoryOfEach(argv: readonly string[], count: number): Promise<number> {
  const children: ChildProcess[] = []
  try {
    for (let i = 0; i < count; i++)
      children.push(spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'ignore', 'inherit'], detached: true }))
    let families: ReturnType<typeof family>[] = []
    const running = () => (families = children.map(({ pid = 0 }) => family(pid))).every(({ ready }) => ready === 1)
    for (let tries = 0; !running(); tries++) {
      if (tries === 600) throw new Error(`${argv[0]}: the commands of ${count} boxes have not started`)
      await Bun.sleep(50)
    }
    return families.flatMap(({ pids }) => pids).reduce((sum, pid) => sum + proportionalSize(pid), 0) / count
  } finally {
    await Promise.all(children.map(end))
  }
}

/** Kills the whole process group: a box of nsbox ends with it, but helpers of other launchers may not. */
async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((done) => child.once('exit', done))
  if (child.pid === undefined || child.exitCode !== null) return
  process.kill(-child.pid, 'SIGKILL')
  await ended
}
