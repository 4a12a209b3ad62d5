/** `nsbox help`. */
import { helpText } from '../cli/help.ts'
import { print } from '../cli/output.ts'
import { painter } from '../cli/terminal.ts'
import { VERBS, verb, type VerbName } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { late } from '../lazy.ts'
import { nearest } from '../text/nearest.ts'

export const help = verb<{ topic?: VerbName }>({
  usage: 'help [VERB]',
  doc: 'print this text, or the help of a verb',
  examples: ['nsbox help', 'nsbox help run', 'nsbox --version'],
  words: Infinity,
  parse({ rest: [word, extra] }) {
    if (extra !== undefined) throw new UsageError(`help: one verb at a time, not also '${printable(extra)}'`)
    if (word === undefined) return {}
    const topic = VERBS.find((name) => name === word)
    if (topic !== undefined) return { topic }
    const near = nearest(word, VERBS)
    throw new UsageError(
      `help: no verb '${printable(word)}'`,
      near === undefined ? `verbs: ${VERBS.join(' ')}` : `the nearest is ${near}`,
    )
  },
  run: ({ topic }) => print(helpText(late().ROWS, topic).split('\n').map(painted()).join('\n')),
})

/** Headings, and the names of options and verbs, in bold. */
function painted(): (line: string) => string {
  const paint = painter()
  return (line) => {
    if (/^\S.*:$/.test(line)) return paint(line, 'bold')
    const [, name, rest = ''] = /^( {2}(?:-\w, | {4})--[\w-]+)(.*)$/.exec(line) ?? []
    return name === undefined ? line : paint(name, 'bold') + rest
  }
}
