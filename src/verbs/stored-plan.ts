import { readFileSync } from 'node:fs'
import { hostPath } from '../host/bun.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { parsePlan } from '../plan/parse.ts'
import type { Plan } from '../plan/types.ts'
import { reporting } from '../planner/build.ts'

/** The plan in a file ("-": standard input), with ARGV added to its command and the reporting that OPTIONS ask for. */
export function storedPlan(file: string, options: Options, argv: readonly string[], host: HostFacts): Plan {
  const plan = parsePlan(planText(file))
  const { signals } = host.changed()
  const process = { ...plan.process, argv: [...plan.process.argv, ...argv] }
  if (signals.length > 0) process.resetSignals = signals
  const { name = plan.name } = options
  const named = name === undefined ? plan : { ...plan, name }
  return { ...named, process, supervision: { ...plan.supervision, ...reporting(options) } }
}

function planText(file: string): Uint8Array {
  try {
    return readFileSync(file === '-' ? 0 : hostPath(file))
  } catch (error) {
    throw systemFailure({
      step: 'read plan',
      what: 'open',
      path: file,
      code: codeOf(error),
      hint: 'nsbox plan OPTIONS COMMAND >FILE makes one',
    })
  }
}
