/** The three ways to start a command, in a new box for each or in a box that stays. */
import type * as child_process from 'node:child_process'
import type { Denied } from '../explain/denied-types.ts'
import type { Hint } from '../explain/hints.ts'
import type { Review } from './review.ts'
import type { NetworkEvent } from './network-events.ts'
import type { Usage } from './report.ts'

export type Commands = {
  /**
   * Run a command to its end; an empty list in the box of an image runs the image's own, and the image is pulled first
   * if the cache lacks it. Rejects with SandboxError where nsbox itself failed; a failing command is a result.
   */
  run(argv: readonly string[], options: RunOptions & { encoding: 'buffer' }): Promise<RunResult<Buffer>>
  run(argv: readonly string[], options?: RunOptions & { encoding?: BufferEncoding | undefined }): Promise<RunResult>
  /**
   * child_process.spawn with the command in a box: `$({ spawn: b.spawn, spawnSync: b.spawnSync })` makes a zx of boxed
   * commands. `uid`, `gid`, and descriptors beyond 2 are refused. `cwd` is a directory of the host, as for
   * child_process: the command starts there if the box shows it, otherwise in the box's own `cwd`. Without that it
   * starts in "/" in a root of its own, and fails on the host's root. The box ends with this program, even when
   * `detached`, unless its option `dieWithParent` is false. When nsbox itself fails, at any moment, the child emits
   * `error` with a SandboxError, then `close`, and neither `spawn` nor `exit`.
   */
  spawn: typeof child_process.spawn
  /**
   * child_process.spawnSync with the command in a box. When nsbox itself fails, `error` is a SandboxError, and `status`
   * is null.
   */
  spawnSync: typeof child_process.spawnSync
}

export interface RunOptions {
  /**
   * Directory of the box to start in, an absolute path. Default: the box's own `cwd`, or the caller's directory, which the box has to
   * show.
   */
  cwd?: string | URL | undefined
  /**
   * The environment in place of the caller's, also where the box has `clearEnv`. The box's own `env` is applied on top.
   */
  env?: Readonly<Record<string, string | undefined>> | undefined
  /** The same as child_process's. Default: standard input is `input`, and the two outputs are collected. */
  stdio?: child_process.SpawnOptions['stdio']
  /** Standard input of the command. Default: nothing. */
  input?: string | Uint8Array | undefined
  /** Ends the box, and rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /**
   * Called with each event of the network of a box with `allowHosts` or `publish`, within a tenth of a second. What it
   * throws ends the box, and `run` rejects with that. In a box that stays, `open` takes it.
   */
  onConnect?: ((event: NetworkEvent) => void) | undefined
  /** Milliseconds after which all that runs in the box is killed; the result says `timedOut`. */
  timeout?: number | undefined
  /**
   * Limit in bytes for each of the two outputs: above it the box is killed and `run` rejects with a RangeError.
   * Default: no limit.
   */
  maxBuffer?: number | undefined
  /** The encoding of the output, or "buffer" for its bytes. Default: "utf8". */
  encoding?: BufferEncoding | 'buffer' | undefined
}

export interface RunResult<Output = string> {
  /** Exit status; 128 + N where signal N killed the command, 124 where its time ran out. */
  exitCode: number
  /** The signal that killed the command. SIGSYS: mostly the filter of system calls (`seccomp: 'none'`). */
  signal: NodeJS.Signals | undefined
  /** Empty where `stdio` sent it elsewhere. */
  stdout: Output
  stderr: Output
  /** Whether `timeout` ran out, the call's or the box's own. */
  timedOut: boolean
  /** What the command has changed, for a box with `changes: 'review'`. */
  review?: Review | undefined
  /** Time and memory that the box used; undefined if it was killed before it could report. */
  usage: Usage | undefined
  /** With `traceDenied`: what the box has refused, in the order in which it came first. */
  denied?: Denied[]
  /** With `traceDenied`: how many other calls have failed, for reasons that are not the box's rules. */
  unexplained?: number
  /** Of a command that failed: what the box could do, in one sentence. */
  limits?: string
  /** Of a command that failed: which rules of the box explain what it said on its standard error, if that was collected. */
  hints?: Hint[]
}
