/**
 * Declares the verbs and the table's options on cac. The first call loads it: that takes about 1 ms, which a plain
 * start must not pay.
 */
import type { CAC } from 'cac'
import type { OptionRow } from '../options/rows.ts'
import { optionsOf, type Rows } from './verb-options.ts'

export function declare(rows: Rows): CAC {
  const { cac } = require('cac') as typeof import('cac')
  const cli = cac('nsbox')
  cli.usage('[OPTIONS] [--] COMMAND [ARG...]\n  $ nsbox VERB ...')
  for (const example of rows.run.examples) cli.example(`  $ ${example}`)
  for (const [name, verb] of Object.entries(rows)) {
    const command = cli.command(name, verb.doc).usage(verb.usage)
    for (const option of optionsOf(verb)) command.option(cacName(option), option.doc)
    for (const example of verb.examples) command.example(`  $ ${example}`)
  }
  return cli
}

function cacName(option: OptionRow): string {
  const name = `${option.short === undefined ? '' : `-${option.short}, `}--${option.name}`
  if (option.value === undefined) return name
  return option.alone === undefined ? `${name} <${option.value}>` : `${name} [${option.value}]`
}
