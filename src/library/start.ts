import { readArguments } from './arguments.ts'
import type { Commands } from './commands.ts'
import type { Planner } from './planner.ts'
import { throwWithHint } from './report.ts'
import { run } from './run.ts'
import { spawn, spawnSync } from './spawn.ts'

export function commandsOf(planner: Planner): Commands {
  return {
    run: ((argv, how) => run(planner, argv, how).catch(throwWithHint)) as Commands['run'],
    spawn: ((...args: unknown[]) => spawn(planner, readArguments(...args))) as Commands['spawn'],
    spawnSync: ((...args: unknown[]) => spawnSync(planner, readArguments(...args))) as Commands['spawnSync'],
  }
}
