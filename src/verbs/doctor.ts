/** `nsbox doctor`: what this kernel, user and host allow. */
import { programPath } from '#sidecar'
import { line, print } from '../cli/output.ts'
import { painter, type Style } from '../cli/terminal.ts'
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
    if (!forget) return examine(json ? line : printerOfVerdicts(), { ...examinedHost(), exe: programPath() }, json)
    line(`${forgetPlans()} plans removed`)
    return 0
  },
})

const STYLES: Readonly<Record<string, Style>> = { ok: 'green', no: 'red' }

/** Prints a line with its verdict, the word at its beginning, in colour. */
function printerOfVerdicts(): (text: string) => void {
  const paint = painter()
  return (text) => {
    const [, word = '', rest = ''] = /^([a-z]+)( .*)?$/s.exec(text) ?? []
    const style = rest.startsWith('  ') ? STYLES[word] : undefined
    print(style === undefined ? `${printable(text)}\n` : `${paint(word, style)}${printable(rest)}\n`)
  }
}
