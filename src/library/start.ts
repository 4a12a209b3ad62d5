import type { Commands } from './commands.ts'
import type { Planner } from './planner.ts'
import { run } from './run.ts'
import { spawn, spawnSync } from './spawn.ts'

export function commandsOf(planner: Planner): Commands {
  return {
    run: (argv, how) => run(planner, argv, how),
    spawn: (command, args, how) => spawn(planner, command, ...split(args, how)),
    spawnSync: (command, args, how) => spawnSync(planner, command, ...split(args, how)),
  }
}

/** child_process takes the options in the place of the arguments too. */
function split<T extends object>(args: readonly string[] | T | undefined, options: T | undefined): [readonly string[], T] {
  if (Array.isArray(args)) return [args as string[], options ?? ({} as T)]
  return [[], options ?? ((args ?? {}) as T)]
}
