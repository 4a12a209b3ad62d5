import type { ChildProcess, SpawnOptions, SpawnSyncOptions, SpawnSyncReturns } from 'node:child_process'
import { explain } from '../cli/explain.ts'
import { hostOfLibrary } from '../host/facts.ts'
import { buildPlan } from '../plan/build.ts'
import type { Options } from '../plan/options.ts'
import type { Plan } from '../plan/types.ts'
import type { BoxOptions } from './box-options.ts'
import { readOptions } from './options.ts'
import { run, type RunOptions, type RunResult } from './run.ts'
import { spawn, spawnSync } from './spawn.ts'

export type Box = {
  /** What would run, as `nsbox plan` prints it. Nothing is run. */
  plan(argv: readonly string[]): Plan
  /** The same in words, as `nsbox explain` prints it. */
  explain(argv: readonly string[]): string
  /** Run a command to its end. Rejects with SandboxError where nsbox itself failed; a failing command is a result. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>
  /** child_process.spawn with the command in a box: `$({ spawn: b.spawn, spawnSync: b.spawnSync })` makes a zx of boxed commands. */
  spawn(command: string, args?: readonly string[] | SpawnOptions, options?: SpawnOptions): ChildProcess
  /** child_process.spawnSync with the command in a box. */
  spawnSync(command: string, args?: readonly string[] | SpawnSyncOptions, options?: SpawnSyncOptions): SpawnSyncReturns<Buffer | string>
  /** A box with further options: a single value replaces, a list adds, false takes a flag back. */
  with(more: BoxOptions): Box
}

/**
 * A description of a box; each command runs in a new one. Options are those of the command line in camel case. Throws
 * UsageError for an unknown option or a value that can't be, SandboxError (later, by its methods) where the host lacks
 * what is named.
 */
export function box(options: BoxOptions = {}): Box {
  return make(readOptions(options))
}

function make(options: Options): Box {
  const planned = (argv: readonly string[]) => buildPlan(options, argv, hostOfLibrary())
  return {
    plan: planned,
    explain: (argv) => explain(planned(argv), { uid: process.getuid?.() ?? 0 }),
    run: (argv, how) => run(options, argv, how),
    spawn: (command, args, how) => spawn(options, command, ...split(args, how)),
    spawnSync: (command, args, how) => spawnSync(options, command, ...split(args, how)),
    with: (more) => make(readOptions(more, options)),
  }
}

/** child_process takes the options in the place of the arguments too. */
function split<T extends object>(args: readonly string[] | T | undefined, options: T | undefined): [readonly string[], T] {
  if (Array.isArray(args)) return [args as string[], options ?? ({} as T)]
  return [[], options ?? ((args ?? {}) as T)]
}
