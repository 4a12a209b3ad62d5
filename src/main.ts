/** The program. It starts boxes; all else is behind the doors of lazy.ts. */
import { walk } from './cli/argv.ts'
import { verbOf } from './cli/verb.ts'
import { verbs } from './lazy.ts'
import { run } from './verbs/run.ts'

/** The words of the command line. */
function words(): string[] {
  const argv = process.argv.slice(2)
  for (const word of argv) if (word.includes('\ufffd')) return verbs().wholeWords(argv.length)
  return argv
}

/** A plain start, with or without its verb; every other verb has its row in verbs/rows.ts. */
function carryOut(argv: string[]): number | Promise<number> {
  const name = verbOf(argv)
  if (name !== undefined && name !== 'run') return verbs().carryOut(name, argv.slice(1))
  const walked = walk(name === undefined ? argv : argv.slice(1), 'run', run)
  return walked.asked === undefined ? run.run(run.parse(walked)) : verbs().answer(walked.asked, name)
}

function main(): number | Promise<number> {
  try {
    return carryOut(words())
  } catch (error) {
    return verbs().statusOf(error)
  }
}

const status = main()
if (typeof status === 'number') process.exitCode = status
else void status.catch((error) => verbs().statusOf(error)).then((late) => { process.exitCode = late })
