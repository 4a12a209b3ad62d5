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

const USAGE = 'nsbox why [OPTIONS] PATH... [--write]'

/** `write`: whether the answer, and the exit status, are about writing alone. */
export const why = verb<{ options: Options; paths: readonly string[]; json: boolean; write: boolean }>({
  usage: 'why [OPTIONS] [--json] PATH... [--write]',
  doc: 'say which rule of a box decides about a path; run nothing',
  examples: [
    'nsbox why --ro /etc/passwd',
    'nsbox why --profile workspace .git/hooks',
    'nsbox why --profile workspace .git/hooks --write',
    'nsbox why --ro --bind . --ro-bind .git/hooks .git/hooks/pre-commit',
  ],
  takes: () => true,
  own: [{ name: 'json', group: 'reporting', doc: 'print the answers as JSON' }],
  asks: 'write',
  words: Infinity,
  parse(walked) {
    let json = false
    let write = false
    const options = readOptions(walked, (name) => (name === 'write' ? (write = true) : (json = true)))
    const paths = walked.rest
    if (paths.length === 0)
      throw new UsageError(
        'why: no path',
        options.write === undefined
          ? USAGE
          : `${USAGE}; --write PATH is a rule of the box, --write behind all paths asks`,
      )
    if (paths.includes('')) throw new UsageError("why: empty path ''", USAGE)
    return { options, paths, json, write }
  },
  run({ options, paths, json, write }) {
    const host = thisHost()
    // No command has to start in the caller's directory.
    return planned({ cwd: '/', ...options }, ['nsbox'], host, (plan) => {
      const written = new Set(
        [...(options.write ?? []), ...(options.writeTry ?? [])].map((path) => realPlace(path, host)),
      )
      const answers = paths.map((path) => {
        // A box with a root of its own has no directory of the caller's.
        const asked = options.root === undefined && options.image === undefined ? absolute(path, host) : boxPath(path)
        return { asked: path, written, ...decide(plan, asked, host.look) }
      })
      print(
        json
          ? `${JSON.stringify(answers.map(factsIn), null, 2)}\n`
          : answers.map((one) => linesOf(one, write)).join(''),
      )
      return write && answers.some(({ writable }) => !writable) ? 1 : 0
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

function linesOf(answer: Answer, onlyWrite: boolean): string {
  const { path, finds, shownBy, writable, writtenBy, lacksDirectory, source, written: places } = answer
  const read = READ[finds]
  const from = source === undefined || source === path ? '' : `, ${printable(source)} of the host`
  const by = finds === 'nothing' ? '' : `: ${printable(ruleText(shownBy, places))}${from}`
  const written = `${writable ? 'yes' : 'no'}: ${printable(ruleText(writtenBy, places))}`
  const stays = writable && source === undefined ? ', and vanishes with the box' : ''
  return [
    `${printable(path)}\n`,
    onlyWrite ? '' : `  read:  ${read}${by}\n`,
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
