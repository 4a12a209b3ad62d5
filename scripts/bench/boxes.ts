/**
 * The box that is measured, as nsbox stores it: a root with one program, pid, ipc, uts, cgroup and mount namespaces,
 * proc, a tmpfs.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withPlan } from '../../src/launch/append-plan.ts'
import { parsePlan } from '../../src/plan/parse.ts'
import type { Plan } from '../../src/plan/types.ts'
import type { Bench } from './pace.ts'

export const TOP = new URL('../..', import.meta.url).pathname
export const NSBOX = join(TOP, 'dist/nsbox')
export const SIDECAR = join(TOP, 'dist/nsbox-sidecar')

/** The command of the box: a program that does nothing. */
export const COMMAND = '/bin/empty'
export const ROOT_OPTIONS = (bench: Bench): string[] => ['--root', root(bench), '--tmpfs', '/tmp']

export const root = ({ dir }: Bench): string => join(dir, 'root')

/** Adds the directories that container tools want to find in a root. */
export function makeRoot(bench: Bench): void {
  for (const name of ['bin', 'proc', 'tmp', 'dev', 'sys', 'usr'])
    mkdirSync(join(root(bench), name), { recursive: true })
  for (const name of ['empty', 'flood', 'idle', 'getppid']) {
    copyFileSync(bench.program(name), join(root(bench), 'bin', name))
    chmodSync(join(root(bench), 'bin', name), 0o755)
  }
}

export function planOf(options: readonly string[], command: readonly string[] = [COMMAND]): Plan {
  return parsePlan(
    execFileSync(NSBOX, ['plan', ...options, '--', ...command], { encoding: 'utf8', maxBuffer: 1 << 26 }),
  )
}

/**
 * Only what other launchers do too. nsbox's defaults add a seccomp filter, a Landlock domain, masks in /proc and /sys,
 * and a /dev.
 */
export function withoutDefaults(plan: Plan): Plan {
  const { seccomp: _, landlock: __, ...process } = plan.process
  return {
    ...plan,
    mounts: (plan.mounts ?? []).filter(({ type }) => !['mask', 'protect', 'cgroup', 'dev'].includes(type)),
    process,
  }
}

export function store(bench: Bench, name: string, plan: Plan): string {
  const file = join(bench.dir, `${name}.json`)
  writeFileSync(file, JSON.stringify(plan))
  return file
}

/** As `nsbox bake` writes it. */
export function bake(bench: Bench, name: string, plan: Plan): string {
  const file = join(bench.dir, name)
  writeFileSync(file, Buffer.concat(withPlan(plan)))
  chmodSync(file, 0o755)
  return file
}
