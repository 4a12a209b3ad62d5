/** Times a command that enters a running box: through the sidecar, and by nsenter(1) into the same namespaces. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { hostOfProgram } from '../../src/host/node.ts'
import { findBox, type RunningBox } from '../../src/launch/running.ts'
import { enterPlan } from '../../src/planner/enter.ts'
import { bake, COMMAND, planOf, ROOT_OPTIONS, SIDECAR, store, withoutDefaults } from './boxes.ts'
import type { Bench, Command } from './pace.ts'
import { which } from './peers.ts'

export type Staying = { commands: (Command & { does: string })[]; end: () => Promise<void> }

/** Two boxes that stay, one of them with nsbox's defaults, and the ways into them. */
export async function enterCommands(bench: Bench): Promise<Staying> {
  const plan = planOf(ROOT_OPTIONS(bench), ['/bin/idle'])
  const children: ChildProcess[] = []
  const stay = async (name: string, one: typeof plan): Promise<{ box: RunningBox; file: string }> => {
    const child = spawn(bake(bench, name, one), [], { stdio: ['ignore', 'ignore', 'inherit'] })
    children.push(child)
    const box = await whenStarted(child.pid ?? 0)
    return {
      box,
      file: store(bench, `enter-${name}`, enterPlan(box.plan, box.entry, {}, [COMMAND], hostOfProgram(), false)),
    }
  }
  const end = async () => {
    await Promise.all(children.map((child) => new Promise((done) => child.once('exit', done).kill('SIGKILL'))))
  }
  const same = await stay('staying', withoutDefaults(plan))
  const defaults = await stay('staying-defaults', plan)
  const nsenter = which('nsenter')
  const kinds = [
    '--mount',
    '--pid',
    '--ipc',
    '--uts',
    '--cgroup',
    ...(process.getuid?.() === 0 ? [] : ['--user', '--preserve-credentials']),
  ]
  return {
    end,
    commands: [
      { name: 'sidecar', argv: [SIDECAR, '--plan', same.file], does: 'joins the namespaces, drops capabilities' },
      { name: 'sidecar, defaults', argv: [SIDECAR, '--plan', defaults.file], does: 'more: a filter of system calls' },
      ...(nsenter === null
        ? []
        : [
            {
              name: 'nsenter',
              argv: [nsenter, '--target', String(same.box.entry.pid), ...kinds, '--', COMMAND],
              does: 'less: joins the namespaces, drops nothing',
            },
          ]),
    ],
  }
}

/** Waits until the box's command, `idle`, is executed. */
async function whenStarted(pid: number): Promise<RunningBox> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      const box = findBox(pid)
      if (readFileSync(`/proc/${box.entry.pid}/comm`, 'utf8') === 'idle\n') return box
    } catch {
      // Not yet.
    }
    await Bun.sleep(10)
  }
  throw new Error('a box that is to stay has not started')
}
