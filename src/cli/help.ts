/**
 * Help and the option reference, made from the option table through cac. cac is loaded by the first call and not before:
 * it costs about 1 ms, which a box that only starts should not pay.
 */
import type { CAC } from 'cac'
import { optionsOf, type Verb } from './argv.ts'
import { GROUPS, synopsis, type OptionRow } from './options.ts'

const WIDTH = 100

type Page = {
  usage: string
  doc: string
  /** Takes the options of the table. */
  options?: true
  examples: readonly string[]
}

const VERB_PAGES: Readonly<Record<Verb, Page>> = {
  run: {
    usage: 'run [OPTIONS] [--plan FILE|-] [--] [COMMAND [ARG...]]', doc: 'run a command in a box; the verb may be left out', options: true,
    examples: ['nsbox --tmpfs /tmp --root ./r bash', 'nsbox --ro --net none --tmpfs /tmp -- make test', 'nsbox run --plan box.json'],
  },
  plan: {
    usage: 'plan [OPTIONS] [--] COMMAND [ARG...]', doc: 'print the plan as JSON; run nothing', options: true,
    examples: ['nsbox plan --tmpfs /tmp bash', 'nsbox plan --ro make test > box.json', 'nsbox plan --root ./r bash | nsbox run --plan -'],
  },
  explain: {
    usage: 'explain [OPTIONS] [--] COMMAND [ARG...]', doc: 'say in words, step by step, what would happen; run nothing', options: true,
    examples: ['nsbox explain bash', 'nsbox explain --net none --map-root bash', 'nsbox explain --root ./r --ro-bind /usr bash'],
  },
  bake: {
    usage: 'bake -o FILE [OPTIONS] [--] COMMAND [ARG...]', doc: 'make a program of a box, which starts without nsbox', options: true,
    examples: ['nsbox bake -o ./build --net none make', 'nsbox bake -o ./r.box --relative --root ./r bash', 'nsbox bake --force -o ./sh --overlay sh'],
  },
  rootfs: {
    usage: 'rootfs build DIR PROGRAM...', doc: 'make a root from the host\'s own programs',
    examples: ['nsbox rootfs build ./r bash', 'nsbox rootfs build ./r bash ls cat', 'nsbox rootfs build ./r /usr/bin/env'],
  },
  doctor: { usage: 'doctor', doc: 'what this kernel, user and host allow, and the fix for what they don\'t', examples: ['nsbox doctor'] },
  help: { usage: 'help [VERB]', doc: 'this text, or that of a verb', examples: ['nsbox help', 'nsbox help run', 'nsbox --version'] },
}

export const REFERENCE_BEGIN = '<!-- options: begin (generated from src/cli/options.ts) -->'
export const REFERENCE_END = '<!-- options: end -->'

/** The help of a verb; without one, that of nsbox. At most 100 columns. Ends with a line feed. */
export function helpText(topic?: Verb): string {
  const cli = declare()
  const page = VERB_PAGES[topic ?? 'run']
  cli.help((sections) => [
    { body: topic === undefined ? 'nsbox: run a command in its own view of the machine' : `nsbox ${topic}: ${page.doc}` },
    ...sections.filter(({ title }) => title === 'Usage'),
    ...(topic === undefined ? [{ title: 'Verbs', body: verbLines() }] : []),
    ...(page.options ? optionSections(topic ?? 'run') : []),
    ...sections.filter(({ title }) => title === 'Examples'),
  ])
  const command = topic === undefined ? cli.globalCommand : cli.commands.find(({ name }) => name === topic)
  return printed(() => command?.outputHelp())
}

/** The command line as cac knows it. */
export function declare(): CAC {
  const { cac } = require('cac') as typeof import('cac')
  const cli = cac('nsbox')
  cli.usage('[OPTIONS] [--] COMMAND [ARG...]\n  $ nsbox VERB ...')
  for (const example of VERB_PAGES.run.examples) cli.example(`  $ ${example}`)
  for (const [verb, page] of Object.entries(VERB_PAGES)) {
    const command = cli.command(verb, page.doc).usage(page.usage)
    for (const option of page.options ? optionsOf(verb as Verb) : []) command.option(cacName(option), option.doc)
    for (const example of page.examples) command.example(`  $ ${example}`)
  }
  return cli
}

/** All options in Markdown, a table per group, between the two markers. */
export function optionReference(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const line = (option: OptionRow) => `| \`${cell(synopsis(option))}\` | ${cell(option.doc)} |`
  const rows = (group: string) => [...inGroup(group, 'run'), ...(group === 'baking' ? inGroup(group, 'bake') : [])]
  const tables = GROUPS.map((group) => [`**${group}**`, '', '| option | |', '| --- | --- |', ...rows(group).map(line), ''].join('\n'))
  return [REFERENCE_BEGIN, '', ...tables, REFERENCE_END, ''].join('\n')
}

function inGroup(group: string, verb: Verb): OptionRow[] {
  return optionsOf(verb).filter((option) => option.group === group)
}

function cacName(option: OptionRow): string {
  const name = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`
  if (option.value === undefined) return name
  return option.alone === undefined ? `${name} <${option.value}>` : `${name} [${option.value}]`
}

function verbLines(): string {
  return Object.entries(VERB_PAGES).map(([verb, { doc }]) => `  ${verb.padEnd(9)}${doc}`).join('\n')
}

function optionSections(verb: Verb): { title: string; body: string }[] {
  const left = Math.max(...optionsOf(verb).map((option) => synopsis(option).length)) + 4
  const sections = GROUPS.filter((group) => inGroup(group, verb).length > 0).map((group) => ({
    title: `Options: ${group}`,
    body: inGroup(group, verb).map((option) => entry(`  ${synopsis(option)}`, option.doc, left)).join('\n'),
  }))
  const note = '  \\: is a colon in a path. Mounts and made files come about in the order given. Of an option that\n'
    + '  sets one thing, the last one counts. Our options end at the first word that is none, or at --.'
  return [...sections, { title: 'Notes', body: note }]
}

/** An option and its sentence, in two columns. */
function entry(head: string, doc: string, left: number): string {
  const lines = wrap(doc, WIDTH - left)
  return lines.map((line, i) => (i === 0 ? head : '').padEnd(left) + line).join('\n')
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}

/** cac prints its help with console.info; only `main` prints here, so that text is caught. */
function printed(print: () => void): string {
  const { info } = console
  let text = ''
  console.info = (line: string) => { text += `${line}\n` }
  try {
    print()
  } finally {
    console.info = info
  }
  return text
}
