/** The program. It starts boxes; all else is behind the doors of lazy.ts. */
import { walk } from './cli/argv.ts'
import { verbOf } from './cli/verb.ts'
import { late } from './lazy.ts'
import { run } from './verbs/run.ts'

/** The words of the command line. */
function words(): string[] {
  const argv = process.argv.slice(2)
  for (const word of argv) if (word.includes('\ufffd')) return late().wholeWords(argv.length)
  return argv
}

/** A plain start, with or without its verb; every other verb has its row in verbs/rows.ts. */
function carryOut(argv: string[]): number | Promise<number> {
  const name = verbOf(argv)
  if (name !== undefined && name !== 'run') return late().carryOut(name, argv.slice(1))
  const walked = walk(name === undefined ? argv : argv.slice(1), 'run', run)
  return walked.question === undefined ? run.run(run.parse(walked)) : late().answer(walked.question, name)
}

function main(): number | Promise<number> {
  try {
    return carryOut(words())
  } catch (error) {
    return late().statusOf(error)
  }
}

const status = main()
if (typeof status === 'number') process.exitCode = status
else
  void status
    .catch((error) => late().statusOf(error))
    .then((late) => {
      process.exitCode = late
    })
