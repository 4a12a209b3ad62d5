/** Help and the option reference, made from the option table through cac. */
import { GROUPS, synopsis, type OptionRow } from '../options/rows.ts'
import { wrap } from '../text/wrap.ts'
import { declare } from './cac.ts'
import { allOptions, optionsOf, QUESTION_ROWS, type Rows } from './verb-options.ts'
import type { Verb, VerbName } from './verb.ts'

/** Every terminal has as many columns. */
const WIDTH = 80
/** Where an option's sentence begins; behind a longer synopsis on the next line. */
const LEFT = 28

export const NOTES =
  '\\: is a colon in a path. nsbox mounts and makes files in the order given. If an option that sets one thing is repeated, the last one counts. ' +
  'Our options end at the first word that is not one of them, or at --. All that follows belongs to the command, untouched.'

export const REFERENCE_BEGIN = '<!-- options: begin (generated from src/options/table.ts) -->'
export const REFERENCE_END = '<!-- options: end -->'

/** The help of a verb; without one, that of nsbox. At most 80 columns. Ends with a line feed. */
export function helpText(rows: Rows, topic?: VerbName): string {
  const cli = declare(rows)
  const verb = rows[topic ?? 'run']
  cli.help((sections) => [
    {
      body: topic === undefined ? 'nsbox: run a command in its own view of the machine' : `nsbox ${topic}: ${verb.doc}`,
    },
    ...sections.filter(({ title }) => title === 'Usage'),
    ...(topic === undefined ? [{ title: 'Verbs', body: verbLines(rows) }] : []),
    ...optionSections(verb),
    ...sections.filter(({ title }) => title === 'Examples'),
  ])
  const command = topic === undefined ? cli.globalCommand : cli.commands.find(({ name }) => name === topic)
  return printed(() => command?.outputHelp())
}

/** All options in Markdown, a section with a table for each group, between the two markers. */
export function optionReference(verbs: Rows): string {
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const line = (option: OptionRow) => `| \`${cell(synopsis(option))}\` | ${cell(option.doc)} |`
  const heading = (group: string) => `${group[0]?.toUpperCase()}${group.slice(1)}`
  const rows = (group: string) => [...allOptions(verbs), ...QUESTION_ROWS].filter((option) => option.group === group)
  const tables = GROUPS.map((group) =>
    [`## ${heading(group)}`, '', '| option | |', '| --- | --- |', ...rows(group).map(line), ''].join('\n'),
  )
  return [REFERENCE_BEGIN, '', ...tables, REFERENCE_END, ''].join('\n')
}

function inGroup(group: string, verb: Verb): OptionRow[] {
  return [...optionsOf(verb), ...QUESTION_ROWS].filter((option) => option.group === group)
}

function verbLines(rows: Rows): string {
  return Object.entries(rows)
    .map(([verb, { doc }]) => `  ${verb.padEnd(9)}${doc}`)
    .join('\n')
}

function optionSections(verb: Verb): { title: string; body: string }[] {
  if (optionsOf(verb).length === 0) return []
  const sections = GROUPS.filter((group) => inGroup(group, verb).length > 0).map((group) => ({
    title: `Options: ${group}`,
    body: inGroup(group, verb).map(entry).join('\n'),
  }))
  const notes = wrap(NOTES, WIDTH - 2)
    .map((line) => `  ${line}`)
    .join('\n')
  return [...sections, ...(verb.takes === undefined ? [] : [{ title: 'Notes', body: notes }])]
}

/** An option and its sentence, in two columns. Names without a letter stand below those with one. */
function entry(option: OptionRow): string {
  const head = `  ${option.short === undefined ? '    ' : ''}${synopsis(option)}`
  const sentence = wrap(option.doc, WIDTH - LEFT).map((line) => ' '.repeat(LEFT) + line)
  if (head.length > LEFT - 2) return [head, ...sentence].join('\n')
  return [head.padEnd(LEFT) + sentence[0]?.trimStart(), ...sentence.slice(1)].join('\n')
}

/** Catches cac's help, which it prints with console.info: here only `main` prints. */
function printed(print: () => void): string {
  const { info } = console
  let text = ''
  console.info = (line: string) => {
    text += `${line}\n`
  }
  try {
    print()
  } finally {
    console.info = info
  }
  return text
}
