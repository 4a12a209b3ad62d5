/** `nsbox enter`: a command in a box that runs already. */
import { becomeBox, hostOfCommand } from '#become-box'
import { isatty } from 'node:tty'
import { readOptions } from '../cli/parse.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { pidOfName } from '../launch/boxes.ts'
import { findBox } from '../launch/running.ts'
import { isBoxName } from '../options/values.ts'
import type { Options } from '../options/types.ts'
import { enterPlan } from '../planner/enter.ts'

const USAGE = 'nsbox enter NAME|PID [OPTIONS] [--] COMMAND [ARG...]'

export const enter = verb<{ options: Options; argv: string[]; which: string }>({
  usage: 'enter NAME|PID [OPTIONS] [--] COMMAND [ARG...]',
  doc: 'run a command in a running box, with its privileges',
  examples: [
    'nsbox enter 1234 bash',
    'nsbox enter web bash',
    'nsbox enter 1234 --cwd / -- ls -la',
    'nsbox enter 1234 --env DEBUG=1 ps',
  ],
  // The box is made already, so options can only say how the command runs.
  takes: (name, group) =>
    name === 'timeout' ||
    (group === 'process' && name !== 'no-init') ||
    (group === 'reporting' && name !== 'name' && name !== 'trace-denied'),
  words: 1,
  parse(walked) {
    const options = readOptions(walked)
    const [word, ...argv] = walked.rest
    if (word === '') throw new UsageError("command: empty value ''")
    if (word === undefined) throw new UsageError('enter: no box', `${USAGE}; nsbox ps lists those that run`)
    if (!isNumber(word) && !isBoxName(word))
      throw new UsageError(
        `enter: '${printable(word.slice(0, 100))}' is neither a process number nor the name of a box`,
        USAGE,
      )
    if (argv.length === 0) throw new UsageError('enter: no command', USAGE)
    return { options, argv, which: word }
  },
  run({ which, options, argv }) {
    const host = hostOfCommand()
    const { plan, entry } = findBox(isNumber(which) ? Number(which) : pidOfName(which, host.uid))
    return becomeBox(enterPlan(plan, entry, options, argv, host, isatty(0)))
  },
})

const isNumber = (word: string): boolean => /^[1-9][0-9]{0,6}$/.test(word)
