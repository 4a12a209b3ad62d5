/** `nsbox profile show`: what a profile says, and where each of its rules lands. */
import { print } from '../cli/output.ts'
import { verb } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { thisHost } from '../host/bun.ts'
import { lateProfiles } from '../lazy.ts'
import { printable } from '../text/printable.ts'
import { wrap } from '../text/wrap.ts'

const USAGE = 'nsbox profile show [--json] NAME|FILE...'
const WIDTH = 79

export const profile = verb<{ words: readonly string[]; json: boolean }>({
  usage: 'profile show [--json] NAME|FILE...',
  doc: 'print what profiles say together, and what is missing here',
  examples: ['nsbox profile show', 'nsbox profile show workspace', 'nsbox profile show --json workspace ./mine.toml'],
  own: [{ name: 'json', group: 'reporting', doc: 'print one profile that says the same, as JSON' }],
  words: Infinity,
  parse({ typed, rest: [action, ...words] }) {
    if (action !== 'show')
      throw new UsageError(
        action === undefined ? 'profile: no action' : `profile: no action '${printable(action)}'`,
        wayTo(action),
      )
    if (words.includes('')) throw new UsageError("profile: empty name ''", USAGE)
    const json = typed.length > 0
    if (json && words.length === 0) throw new UsageError('--json: no profile', USAGE)
    return { words, json }
  },
  run({ words, json }) {
    const { showProfiles, PRESETS } = lateProfiles()
    if (words.length === 0) return print(PRESETS.map(({ name, doc }) => `${name.padEnd(14)} ${doc}\n`).join(''))
    const { content, missing, open } = showProfiles(words, thisHost())
    if (json) return print(`${JSON.stringify(content, null, 2)}\n`)
    const lines: string[] = []
    for (const [key, value] of Object.entries(content)) {
      const values: unknown[] = Array.isArray(value) ? value : [value]
      lines.push(values.length === 0 ? `${key}: none` : `${key}:`)
      for (const one of values) {
        const text = typeof one === 'string' ? one : JSON.stringify(one)
        const isMissing = RULES.includes(key) && typeof one === 'string' && missing.has(one)
        lines.push(`  ${printable(text)}${isMissing ? '  (missing)' : ''}`)
      }
    }
    if (open.length > 0) lines.push('', 'What this does not keep a command from:')
    for (const text of open) lines.push(...wrap(text, WIDTH, '  - ', '    '))
    return print(`${lines.join('\n')}\n`)
  },
})

/** A word in the place of `show` may be a profile. */
function wayTo(action: string | undefined): string {
  const isName = lateProfiles().PRESETS.some(({ name }) => name === action)
  return isName
    ? `nsbox profile show ${action}; nsbox --profile ${action} COMMAND runs a command under it`
    : `${USAGE}; without a name it lists the presets`
}

/** Keys whose values are paths of the host that may be missing. */
const RULES = ['write', 'writeTry', 'keep', 'keepTry', 'hide']
