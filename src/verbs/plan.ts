/** `nsbox plan`: the plan as JSON. */
import { print } from '../cli/output.ts'
import { readCommand, readOptions } from '../cli/parse.ts'
import { verb } from '../cli/verb.ts'
import { thisHost } from '../host/bun.ts'
import type { Options } from '../options/types.ts'
import { formatPlan } from '../plan/encode.ts'
import { planned } from './prepared.ts'
import { warnOfCovered } from './warnings.ts'

export const plan = verb<{ options: Options; argv: string[] }>({
  usage: 'plan [OPTIONS] [--] COMMAND [ARG...]',
  doc: 'print the plan as JSON; run nothing',
  examples: [
    'nsbox plan --tmpfs /tmp bash',
    'nsbox plan --ro make test > box.json',
    'nsbox plan --root ./r bash | nsbox run --plan -',
  ],
  takes: () => true,
  words: 0,
  parse(walked) {
    const options = readOptions(walked)
    return { options, argv: readCommand('plan', walked, 'nsbox plan [OPTIONS] [--] COMMAND [ARG...]', options) }
  },
  run: ({ options, argv }) =>
    planned(options, argv, thisHost(), (made, merged) => {
      warnOfCovered(merged, made)
      return print(formatPlan(made))
    }),
})
