/** The three ways to start a command, for a box that is made anew by each and for one that stays. */
import type * as child_process from 'node:child_process'
import type { RunOptions, RunResult } from './run.ts'

export type Commands = {
  /** Run a command to its end. Rejects with SandboxError where nsbox itself failed; a failing command is a result. */
  run(argv: readonly string[], options: RunOptions & { encoding: 'buffer' }): Promise<RunResult<Buffer>>
  run(argv: readonly string[], options?: RunOptions & { encoding?: BufferEncoding | undefined }): Promise<RunResult>
  /**
   * child_process.spawn with the command in a box: `$({ spawn: b.spawn, spawnSync: b.spawnSync })` makes a zx of boxed commands.
   * `uid`, `gid`, and descriptors beyond 2 are refused. `cwd` is as the caller's own directory: "/" where the host has it and the box
   * has not. The box ends with this program, also when it is `detached`, unless its option `dieWithParent` is false. Where nsbox itself
   * fails, the child emits `error` with a SandboxError; where the plan can't be made, it is thrown.
   */
  spawn: typeof child_process.spawn
  /** child_process.spawnSync with the command in a box. Where nsbox itself fails, `error` is a SandboxError. */
  spawnSync: typeof child_process.spawnSync
}
