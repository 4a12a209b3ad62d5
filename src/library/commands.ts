/** The three ways to start a command, for a box that is made anew by each and for one that stays. */
import type * as child_process from 'node:child_process'
import type { Usage } from './report.ts'

export type Commands = {
  /** Run a command to its end. Rejects with SandboxError where nsbox itself failed; a failing command is a result. */
  run(argv: readonly string[], options: RunOptions & { encoding: 'buffer' }): Promise<RunResult<Buffer>>
  run(argv: readonly string[], options?: RunOptions & { encoding?: BufferEncoding | undefined }): Promise<RunResult>
  /**
   * child_process.spawn with the command in a box: `$({ spawn: b.spawn, spawnSync: b.spawnSync })` makes a zx of boxed commands.
   * `uid`, `gid`, and descriptors beyond 2 are refused. `cwd` is a directory of the host, as for child_process: the command starts there
   * where the box shows it, otherwise in the box's own `cwd`; without that it fails, and starts in "/" only in a root of its own. The box
   * ends with this program, also when it is `detached`, unless its option `dieWithParent` is false. Where nsbox itself fails, also before
   * anything is started, the child emits `error` with a SandboxError and `close`, and neither `spawn` nor `exit`.
   */
  spawn: typeof child_process.spawn
  /** child_process.spawnSync with the command in a box. Where nsbox itself fails, `error` is a SandboxError, and `status` is null. */
  spawnSync: typeof child_process.spawnSync
}

export interface RunOptions {
  /** Directory of the box to start in. Without it that of the box, otherwise the caller's own, which the box has to show. */
  cwd?: string | URL | undefined
  /** The environment in place of the caller's, also where the box has `clearEnv`; what the box's own `env` says is put on top. */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** As for child_process; without it standard input is `input`, and the two outputs are collected. */
  stdio?: child_process.SpawnOptions['stdio']
  /** What the command reads from standard input; without it that is empty. */
  input?: string | Uint8Array | undefined
  /** Ends the box, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Milliseconds after which all that runs in the box is killed; the result says `timedOut`. */
  timeout?: number | undefined
  /** Bytes of standard output, and of standard error, after which the box is killed and a RangeError thrown. Without it there is no limit. */
  maxBuffer?: number | undefined
  /** What output is decoded from, or "buffer" for its bytes. Default: "utf8". */
  encoding?: BufferEncoding | 'buffer' | undefined
}

export interface RunResult<Output = string> {
  /** Exit status; 128 + N where signal N killed the command, 124 where its time ran out. */
  exitCode: number
  /** The signal that killed the command. */
  signal: NodeJS.Signals | undefined
  /** Empty where `stdio` sent it elsewhere. */
  stdout: Output
  stderr: Output
  /** `timeout` ran out, that of the call or the box's own. */
  timedOut: boolean
  /** What the box used; undefined where it was killed before it could tell. */
  usage: Usage | undefined
}
