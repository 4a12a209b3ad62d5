/** `nsbox doctor`: what this kernel, user and host allow. */
import { programPath } from '#sidecar'
import { line } from '../cli/output.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { doctor as examine } from '../doctor/doctor.ts'
import { examinedHost } from '../doctor/host.ts'

export const doctor = verb<{ json: boolean }>({
  usage: 'doctor [--json]',
  doc: 'check what this kernel, user and host allow, with fixes',
  examples: ['nsbox doctor', 'nsbox doctor --json'],
  own: [{ name: 'json', group: 'reporting', doc: 'print the findings as JSON' }],
  words: Infinity,
  parse({ typed, rest }) {
    if (rest[0] !== undefined) throw new UsageError(`doctor: takes no argument, but has '${printable(rest[0])}'`)
    return { json: typed.length > 0 }
  },
  run: ({ json }) => examine(line, { ...examinedHost(), exe: programPath() }, json),
})
