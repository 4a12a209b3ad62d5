/**
 * cac and our own parser read the same command lines alike. cac gets labels in place of values, since it would change
 * what was typed, and our options up to the word that ends them; names, order, values and that end are compared.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { walk } from '../../src/cli/argv.ts'
import { declare } from '../../src/cli/cac.ts'
import { optionsOf as optionsOfRow } from '../../src/cli/verb-options.ts'
import type { VerbName } from '../../src/cli/verb.ts'
import type { OptionRow } from '../../src/options/rows.ts'
import { ROWS } from '../../src/verbs/rows.ts'
import { UsageError } from '../../src/errors.ts'

const optionsOf = (verb: VerbName): OptionRow[] => optionsOfRow(ROWS[verb])

const LINES = 2000
const VERBS = ['run', 'plan', 'explain', 'bake', 'enter', 'rootfs'] as const

/** Random numbers that are the same in each run: mulberry32. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const VALUES = [
  '007',
  '1e3',
  '0',
  'true',
  'false',
  'null',
  '/a:/b',
  'a=b',
  '=',
  ' ',
  'a b',
  '$(x)',
  '\n',
  'ü',
  '-1',
  '-x',
  '--x',
  '-',
  '@1',
  '--@0',
  '[]',
  '{}',
  'a.b',
  'constructor',
  '__proto__',
  'run',
]
const WORDS = [
  'ls',
  '-la',
  '--root',
  '--ro',
  '--',
  '--help',
  '-o',
  '',
  '-',
  'x=y',
  '--no-init',
  '007',
  '--net=none',
  'plan',
]

type Token = { option: OptionRow; value: string | undefined; words: (value: string) => string[] }
type Line = { verb: (typeof VERBS)[number]; tokens: Token[]; dashes: boolean; rest: string[] }

function token(option: OptionRow, short: boolean, pick: (below: number) => number): Token {
  const name = short && option.short !== undefined ? `-${option.short}` : `--${option.name}`
  if (option.value === undefined) return { option, value: undefined, words: () => [name] }
  if (option.alone !== undefined && pick(2) === 0) return { option, value: undefined, words: () => [name] }
  const value = VALUES[pick(VALUES.length)] as string
  const attached = option.alone !== undefined || pick(2) === 0
  return { option, value, words: (text) => (attached ? [`${name}=${text}`] : [name, text]) }
}

/** A line with our options, and a command whose words look like options too. */
function line(pick: (below: number) => number): Line {
  const verb = VERBS[pick(VERBS.length)] as Line['verb']
  // cac takes --no-NAME for the same option as --NAME, so a line has one of the two.
  const negated = pick(2) === 0
  const all = optionsOf(verb)
  const options = all.filter(
    ({ name }) => !all.some((other) => name === (negated ? cacOpposite(other.name) : `no-${other.name}`)),
  )
  // If one line spells an option in two ways, cac keeps only the values of one spelling.
  const short = pick(2) === 0
  const tokens = Array.from({ length: pick(9) }, () => token(options[pick(options.length)] as OptionRow, short, pick))
  const rest = Array.from({ length: pick(5) }, () => WORDS[pick(WORDS.length)] as string)
  // After a flag with a dash in its name, cac would take a command without -- for the flag's value.
  const dashes = pick(2) === 0 || verb === 'enter' || rest.length === 0 || tokens.at(-1)?.value === undefined
  return {
    verb,
    tokens,
    dashes,
    rest:
      dashes || verb === 'rootfs'
        ? rest.filter((word) => dashes || !word.startsWith('-') || word === '-')
        : ['command', ...rest],
  }
}

const wordsOf = ({ verb, tokens, dashes, rest }: Line): string[] => [
  verb,
  ...tokens.flatMap(({ words, value }) => words(value ?? '')),
  ...(dashes ? ['--'] : []),
  ...rest,
]

/** A line as cac reads it: our options in their order, each with its value as typed, and the words after them. */
function byCac(
  { verb, tokens, dashes, rest }: Line,
  more: string[] = [],
): { given: [string, string][]; rest: string[] } {
  const cli = declare(ROWS)
  const labelled = tokens.flatMap(({ words }, i) => words(`@${i}`))
  cli.parse(['', 'nsbox', verb, ...labelled, ...more, ...(dashes ? ['--', ...rest] : rest.map((_, i) => `@r${i}`))], {
    run: false,
  })
  cli.matchedCommand?.checkUnknownOptions()
  cli.matchedCommand?.checkOptionValue()
  const { '--': behind = [], ...seen } = cli.options as Record<string, unknown>
  const after = dashes ? (behind as string[]) : cli.args.map((label) => rest[Number(label.slice(2))] as string)
  const known = [...optionsOf(verb), ...tokens.map(({ option }) => option)]
  const keys = new Map(known.map(({ name }) => [cacKey(name), name]))
  const labels = Object.entries(seen).flatMap(([key, value]) =>
    [value]
      .flat()
      .flatMap((label) => (keys.has(key) && label !== undefined ? [[keys.get(key) as string, label] as const] : [])),
  )
  // A flag has no label: its place is its token's, and its number is cac's count.
  const given = tokens.map(({ option, value }, i): [string, string] => {
    const found = labels.some(
      ([name, label]) => name === option.name && (value === undefined ? typeof label === 'boolean' : label === `@${i}`),
    )
    return [found ? option.name : `not ${option.name}`, value ?? '']
  })
  const valued = labels.filter(([, label]) => typeof label === 'string').length
  assert.is(valued, tokens.filter(({ value }) => value !== undefined).length, JSON.stringify([labelled, seen]))
  return { given, rest: after }
}

/** The option that --no-NAME negates; undefined for another name. */
const cacOpposite = (name: string): string | undefined =>
  name.startsWith('no-') ? name.slice('no-'.length) : undefined

/** cac's key for a name: camel case, without the "no-" of a negated flag. */
function cacKey(name: string): string {
  return name.replace(/^no-/, '').replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
}

function byWalk([verb, ...argv]: string[]): { verb: VerbName; given: [string, string][]; rest: string[] } {
  const name = verb as VerbName
  const { typed, rest } = walk(argv, name, ROWS[name])
  return {
    verb: name,
    given: typed.map(({ option, value }) => [option.name, option.alone === value ? '' : value]),
    rest,
  }
}

test(`${LINES} command lines are read alike`, () => {
  const pick = numbers(20261128)
  const seen = new Set<string>()
  for (let i = 0; i < LINES; i++) {
    const made = line(pick)
    const shown = JSON.stringify(wordsOf(made))
    const given = made.tokens.map(({ option, value }) => [option.name, value ?? ''])
    assert.equal(byWalk(wordsOf(made)), { verb: made.verb, given, rest: made.rest }, shown)
    assert.equal(byCac(made), { given, rest: made.rest }, shown)
    for (const { option } of made.tokens) seen.add(`${made.verb} ${option.name}`)
  }
  for (const verb of VERBS)
    for (const { name } of optionsOf(verb)) assert.ok(seen.has(`${verb} ${name}`), `${verb} --${name} was in no line`)
})

const UNKNOWN = [
  '--rooot',
  '--x',
  '-x',
  '-root',
  '--@0',
  '--no-such',
  '--mapRoot',
  '--a.b',
  '---',
  '--constructor',
  '--__proto__',
  '--a\nb',
  '--ROOT',
  '--root ',
  '-',
  '',
]

test(`${LINES} command lines with a mistake are refused by both`, () => {
  const pick = numbers(1128)
  for (let i = 0; i < LINES; i++) {
    const made = { ...line(pick), dashes: true, rest: [] }
    const valued = optionsOf(made.verb).filter(({ value, alone }) => value !== undefined && alone === undefined)
    const lacking = `--${(valued[pick(valued.length)] as OptionRow).name}`
    const unknown = UNKNOWN[pick(UNKNOWN.length - 2)] as string
    const [word, says] =
      pick(2) === 0 ? ([lacking, /^--\S+: the value is missing$/] as const) : ([unknown, /^unknown option -/] as const)
    const refused = thrown(() =>
      byWalk([
        made.verb,
        ...made.tokens.flatMap(({ words, value }) => words(value ?? '')),
        word,
        ...(pick(2) ? ['--', 'x'] : []),
      ]),
    )
    assert.instance(refused, UsageError)
    assert.match(refused.message, says)
    if (word === unknown) assert.is(refused.message, `unknown option ${word.replace('\n', '\\x0a')}`)
    // A label hides a name that the table lacks; and cac reports no missing value for an option that had one before.
    const others = { ...made, tokens: made.tokens.filter(({ option }) => word !== `--${option.name}`) }
    const said = thrown(() => byCac(others, [word === unknown ? '--@unknown' : word])).message
    assert.match(
      said.toLowerCase().replaceAll('`', ''),
      word === unknown ? 'unknown option --@unknown' : 'value is missing',
    )
  }
})

function thrown(body: () => unknown): Error {
  try {
    body()
  } catch (error) {
    return error as Error
  }
  throw new Error('it was taken')
}

test.run()
