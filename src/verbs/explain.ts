/** `nsbox explain`: the plan in words. */
import { print } from '../cli/output.ts'
import { readCommand, readOptions } from '../cli/parse.ts'
import { verb } from '../cli/verb.ts'
import { explain as explainPlan } from '../explain/explain.ts'
import { thisHost } from '../host/bun.ts'
import type { Options } from '../options/types.ts'
import { planned } from './prepared.ts'

export const explain = verb<{ options: Options; argv: string[] }>({
  usage: 'explain [OPTIONS] [--] COMMAND [ARG...]',
  doc: 'explain step by step what would happen; run nothing',
  examples: [
    'nsbox explain bash',
    'nsbox explain --net none --map-root bash',
    'nsbox explain --root ./r --ro-bind /usr bash',
  ],
  takes: () => true,
  words: 0,
  parse(walked) {
    const options = readOptions(walked)
    return {
      options,
      argv: readCommand('explain', walked.rest, 'nsbox explain [OPTIONS] [--] COMMAND [ARG...]', options),
    }
  },
  run({ options, argv }) {
    const host = thisHost()
    return planned(options, argv, host, (made) => print(`${explainPlan(made, { uid: host.uid, look: host.look })}\n`))
  },
})
