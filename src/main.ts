/** The program. It starts boxes; all else is done in verbs.ts. */
import { parse, type Command } from './cli/parse.ts'
import { becomeBox, hostOfCommand } from './launch/exec.ts' // in the package child.ts, see scripts/package.ts
import { buildPlan } from './plan/build.ts'
import { coveredMounts } from './plan/covered.ts'

/** In the compiled program it is a file of its own (Makefile, LATER), as all that a box which only starts has no need of. */
function others(): typeof import('./verbs.ts') {
  return require('./verbs.ts') as typeof import('./verbs.ts')
}

/** The words of the command line. */
function words(): string[] {
  const given = process.argv.slice(2)
  for (const word of given) if (word.includes('\ufffd')) return others().wholeWords(given.length)
  return given
}

function carryOut(command: Command): number | Promise<number> {
  const { verb } = command
  if (verb !== 'run' || command.planFile !== undefined) return others().carryOut(command)
  const plan = buildPlan(command.options, command.argv, hostOfCommand())
  const { privileged, nest, mounts = [] } = command.options
  if (privileged || nest || plan.process.seccomp?.from !== 'default' || (mounts.length > 1 && coveredMounts(plan.mounts ?? []).length > 0)) others().warn(command.options, plan)
  return becomeBox(plan)
}

function main(): number | Promise<number> {
  try {
    return carryOut(parse(words()))
  } catch (error) {
    return others().statusOf(error)
  }
}

const status = main()
if (typeof status === 'number') process.exitCode = status
else void status.catch((error) => others().statusOf(error)).then((late) => { process.exitCode = late })
