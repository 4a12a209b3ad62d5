/** `nsbox why`: which rule decides about a path. */
import { print } from '../cli/output.ts'
import { readOptions } from '../cli/parse.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { decide, type Decision } from '../explain/decide.ts'
import { ruleText } from '../explain/rule-text.ts'
import { absolute } from '../host/absolute.ts'
import { thisHost } from '../host/bun.ts'
import type { Options } from '../options/types.ts'
import { printable } from '../text/printable.ts'
import { realPlace } from '../planner/places.ts'
import { planned } from './prepared.ts'

const USAGE = 'nsbox why [OPTIONS] PATH...'

export const why = verb<{ options: Options; paths: readonly string[]; json: boolean }>({
  usage: 'why [OPTIONS] [--json] PATH...',
  doc: 'say which rule of a box decides about a path; run nothing',
  examples: [
    'nsbox why --ro /etc/passwd',
    'nsbox why --profile workspace .git/hooks',
    'nsbox why --ro --bind . --ro-bind .git/hooks .git/hooks/pre-commit',
  ],
  takes: () => true,
  own: [{ name: 'json', group: 'reporting', doc: 'print the answers as JSON' }],
  words: Infinity,
  parse(walked) {
    let json = false
    const options = readOptions(walked, () => (json = true))
    const paths = walked.rest
    if (paths.length === 0) throw new UsageError('why: no path', USAGE)
    if (paths.includes('')) throw new UsageError("why: empty path ''", USAGE)
    return { options, paths, json }
  },
  run({ options, paths, json }) {
    const host = thisHost()
    // No command has to start in the caller's directory.
    return planned({ cwd: '/', ...options }, ['nsbox'], host, (plan) => {
      const { write = [], writeTry = [] } = options
      const written = new Set([...write, ...writeTry].map((path) => realPlace(path, host)))
      const answers = paths.map((path) => {
        // A box with a root of its own has no directory of the caller's.
        const asked = options.root === undefined && options.image === undefined ? absolute(path, host) : boxPath(path)
        return { asked: path, written, ...decide(plan, asked, host.look) }
      })
      if (json) return print(`${JSON.stringify(answers.map(factsIn), null, 2)}\n`)
      return print(answers.map(linesOf).join(''))
    })
  },
})

function boxPath(path: string): string {
  if (path.startsWith('/')) return path
  throw new UsageError(`why: '${printable(path)}' must be an absolute path, since the root is not the host's`)
}

type Answer = Decision & { asked: string; written: ReadonlySet<string> }

/** What scripts read; the words of a rule may change. */
function factsIn({ asked, written, path, finds, shownBy, writable, writtenBy, source }: Answer) {
  return {
    asked,
    path,
    finds,
    read: isReadable(finds),
    write: writable,
    shownBy: ruleText(shownBy, written),
    writtenBy: ruleText(writtenBy, written),
    source,
  }
}

const isReadable = (finds: Decision['finds']): boolean => finds !== 'nothing' && finds !== 'hidden'

function linesOf(answer: Answer): string {
  const { path, finds, shownBy, writable, writtenBy, lacksDirectory, source, written: places } = answer
  const read = READ[finds]
  const from = source === undefined || source === path ? '' : `, ${printable(source)} of the host`
  const by = finds === 'nothing' ? '' : `: ${printable(ruleText(shownBy, places))}${from}`
  const written = `${writable ? 'yes' : 'no'}: ${printable(ruleText(writtenBy, places))}`
  const stays = writable && source === undefined ? ', and vanishes with the box' : ''
  return [
    `${printable(path)}\n`,
    `  read:  ${read}${by}\n`,
    `  write: ${lacksDirectory ? 'no, the directory is missing' : written}${stays}\n`,
  ].join('')
}

const READ: Readonly<Record<Decision['finds'], string>> = {
  file: 'yes',
  directory: 'yes',
  kernel: 'yes, as the kernel shows it',
  nothing: 'no, nothing is there',
  hidden: 'no',
  unknown: 'yes, if you may',
}
