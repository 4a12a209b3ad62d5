/** `nsbox doctor`: what this kernel, user and host allow. */
import { programPath } from '#sidecar'
import { line } from '../cli/output.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { doctor as examine } from '../doctor/doctor.ts'
import { forgetPlans } from '../doctor/forget.ts'
import { examinedHost } from '../doctor/host.ts'

export const doctor = verb<{ json: boolean; forget: boolean }>({
  usage: 'doctor [--json | --forget]',
  doc: 'check what this kernel, user and host allow, with fixes',
  examples: ['nsbox doctor', 'nsbox doctor --json'],
  own: [
    { name: 'json', group: 'reporting', doc: 'print the findings as JSON' },
    { name: 'forget', group: 'reporting', doc: 'remove the plans that are remembered, and check nothing' },
  ],
  words: Infinity,
  parse({ typed, rest }) {
    if (rest[0] !== undefined) throw new UsageError(`doctor: takes no argument, but has '${printable(rest[0])}'`)
    const has = (name: string): boolean => typed.some(({ option }) => option.name === name)
    if (has('json') && has('forget')) throw new UsageError('doctor: --json and --forget', 'choose one')
    return { json: has('json'), forget: has('forget') }
  },
  run({ json, forget }) {
    if (!forget) return examine(line, { ...examinedHost(), exe: programPath() }, json)
    line(`${forgetPlans()} plans removed`)
    return 0
  },
})
