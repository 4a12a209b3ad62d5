/** Help and the option reference, made from the option table through cac. */
import type { Verb } from './argv.ts'
import { declare, VERB_PAGES } from './declare.ts'
import { GROUPS, OPTIONS, optionsOf, synopsis, VERB_OPTIONS, type OptionRow } from './options.ts'

/** What any terminal has. */
const WIDTH = 80

export const NOTES = '\\: is a colon in a path. Mounts and made files come about in the order given. Of an option that sets one thing, the last one counts. '
  + 'Our options end at the first word that is none, or at --: all that follows is the command\'s, untouched.'

export const REFERENCE_BEGIN = '<!-- options: begin (generated from src/cli/table.ts) -->'
export const REFERENCE_END = '<!-- options: end -->'

/** The help of a verb; without one, that of nsbox. At most 80 columns. Ends with a line feed. */
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

/** All options in Markdown, a table per group, between the two markers. */
export function optionReference(): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const line = (option: OptionRow) => `| \`${cell(synopsis(option))}\` | ${cell(option.doc)} |`
  const all = [...OPTIONS, ...Object.values(VERB_OPTIONS).flat()]
  const rows = (group: string) => all.filter((option) => option.group === group)
  const tables = GROUPS.map((group) => [`**${group}**`, '', '| option | |', '| --- | --- |', ...rows(group).map(line), ''].join('\n'))
  return [REFERENCE_BEGIN, '', ...tables, REFERENCE_END, ''].join('\n')
}

function inGroup(group: string, verb: Verb): OptionRow[] {
  return optionsOf(verb).filter((option) => option.group === group)
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
  const notes = wrap(NOTES, WIDTH - 2).map((line) => `  ${line}`).join('\n')
  return [...sections, ...(verb === 'rootfs' || verb === 'doctor' ? [] : [{ title: 'Notes', body: notes }])]
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
