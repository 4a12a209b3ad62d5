import type { SpawnOptions, SpawnSyncOptions } from 'node:child_process'
import type { Commands } from './commands.ts'
import type { Planner } from './planner.ts'
import { run } from './run.ts'
import { spawn, spawnSync } from './spawn.ts'

export function commandsOf(planner: Planner): Commands {
  return {
    run: ((argv, how) => run(planner, argv, how)) as Commands['run'],
    spawn: ((command: string, args?: Args<SpawnOptions>, how?: SpawnOptions) => spawn(planner, command, ...split(args, how))) as Commands['spawn'],
    spawnSync: ((command: string, args?: Args<SpawnSyncOptions>, how?: SpawnSyncOptions) => spawnSync(planner, command, ...split(args, how))) as Commands['spawnSync'],
  }
}

type Args<T> = readonly string[] | T | null | undefined

/** child_process takes the options in the place of the arguments too. */
function split<T extends object>(args: Args<T>, options: T | undefined): [readonly string[], T] {
  if (Array.isArray(args)) return [args as string[], options ?? ({} as T)]
  return [[], options ?? ((args ?? {}) as T)]
}
