/** `nsbox enter`: a command in a box that runs already. */
import { becomeBox, hostOfCommand } from '#become-box'
import { isatty } from 'node:tty'
import { readOptions } from '../cli/parse.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { findBox } from '../launch/running.ts'
import type { Options } from '../options/types.ts'
import { enterPlan } from '../planner/enter.ts'

const USAGE = 'nsbox enter PID [OPTIONS] [--] COMMAND [ARG...]'

export const enter = verb<{ options: Options; argv: string[]; pid: number }>({
  usage: 'enter PID [OPTIONS] [--] COMMAND [ARG...]',
  doc: 'run a command in a running box, with its privileges',
  examples: ['nsbox enter 1234 bash', 'nsbox enter 1234 --cwd / -- ls -la', 'nsbox enter 1234 --env DEBUG=1 ps'],
  // The box is made already, so options can only say how the command runs.
  takes: (name, group) => name === 'timeout' || (group === 'process' && name !== 'no-init') || group === 'reporting',
  words: 1,
  parse(walked) {
    const options = readOptions(walked)
    const [word, ...argv] = walked.rest
    if (word === '') throw new UsageError("command: empty value ''")
    if (word === undefined) throw new UsageError('enter: no process', USAGE)
    if (!/^[1-9][0-9]{0,6}$/.test(word))
      throw new UsageError(`enter: '${printable(word)}' isn't a process number`, USAGE)
    if (argv.length === 0) throw new UsageError('enter: no command', USAGE)
    return { options, argv, pid: Number(word) }
  },
  run({ pid, options, argv }) {
    const { plan, entry } = findBox(pid)
    return becomeBox(enterPlan(plan, entry, options, argv, hostOfCommand(), isatty(0)))
  },
})
