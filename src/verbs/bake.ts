/** `nsbox bake`: a box as a program. */
import { readCommand, readOptions } from '../cli/parse.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { thisHost } from '../host/bun.ts'
import { bake as bakeProgram, type BakeOptions } from '../launch/bake.ts'
import type { Options } from '../options/types.ts'
import { prepared } from './prepared.ts'
import { announceNest, warnOfCovered } from './warnings.ts'

const USAGE = 'nsbox bake -o FILE [OPTIONS] [--] COMMAND [ARG...]'

export const bake = verb<{ options: Options; argv: string[]; file: string; how: BakeOptions }>({
  usage: 'bake -o FILE [OPTIONS] [--] COMMAND [ARG...]',
  doc: 'make a program of a box, which runs without nsbox',
  examples: [
    'nsbox bake -o ./build --net none make',
    'nsbox bake -o ./r.box --relative --root ./r bash',
    'nsbox bake --force -o ./sh --overlay sh',
  ],
  takes: () => true,
  own: [
    { name: 'output', short: 'o', group: 'baking', value: 'FILE', doc: 'write the box to FILE, as a program' },
    { name: 'relative', group: 'baking', doc: 'paths of the host below the directory of FILE move with it' },
    { name: 'force', group: 'baking', doc: 'replace FILE if it is there' },
  ],
  words: 0,
  parse(walked) {
    let file: string | undefined
    const how: BakeOptions = {}
    const options = readOptions(walked, (name, value) => {
      if (name === 'output') file = value
      else how[name as keyof BakeOptions] = true
    })
    if (file === undefined) throw new UsageError('bake: no file to write', USAGE)
    return { options, argv: readCommand('bake', walked, USAGE, options), file, how }
  },
  run({ file, options, argv, how }) {
    announceNest(options)
    const host = thisHost()
    return prepared(options, argv, host, ({ options: merged, argv: command, root }) => {
      warnOfCovered(merged, bakeProgram(file, merged, command, host, how, root))
      return 0
    })
  },
})
