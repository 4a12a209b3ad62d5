/** The three ways to start a command, for a box that is made anew by each and for one that stays. */
import type { ChildProcess, SpawnOptions, SpawnSyncOptions, SpawnSyncReturns } from 'node:child_process'
import type { RunOptions, RunResult } from './run.ts'

export type Commands = {
  /** Run a command to its end. Rejects with SandboxError where nsbox itself failed; a failing command is a result. */
  run(argv: readonly string[], options?: RunOptions): Promise<RunResult>
  /** child_process.spawn with the command in a box: `$({ spawn: b.spawn, spawnSync: b.spawnSync })` makes a zx of boxed commands. */
  spawn(command: string, args?: readonly string[] | SpawnOptions, options?: SpawnOptions): ChildProcess
  /** child_process.spawnSync with the command in a box. */
  spawnSync(command: string, args?: readonly string[] | SpawnSyncOptions, options?: SpawnSyncOptions): SpawnSyncReturns<Buffer | string>
}
