/** `nsbox doctor`: what this kernel, user and host allow. */
import { programPath } from '#sidecar'
import { line } from '../cli/output.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { doctor as examine, thisHost } from '../host/doctor.ts'

export const doctor = verb<{ args: string[] }>({
  usage: 'doctor',
  doc: 'what this kernel, user and host allow; the fix for the rest',
  examples: ['nsbox doctor'],
  words: Infinity,
  parse({ rest }) {
    if (rest[0] !== undefined) throw new UsageError(`doctor: takes no argument, but has '${printable(rest[0])}'`)
    return { args: rest }
  },
  run: () => examine(line, { ...thisHost(), exe: programPath() }),
})
