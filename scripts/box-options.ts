/** Writes the library's options as a type, from the option table: an editor shows the same sentences that help does. */
import { OPTIONS, synopsis, type OptionRow } from '../src/options/rows.ts'
import { camel, FOR_THE_COMMAND_LINE, takesNumber } from '../src/text/camel-case.ts'

/** Two options with better shapes in TypeScript; `names` are the options of the command line that each replaces. */
const SHAPED: Readonly<Record<string, string>> = {
  env: 'string | readonly string[] | Readonly<Record<string, string | undefined>>',
}

/** The text of src/library/box-options.ts. */
export function boxOptionsSource(): string {
  const rows = OPTIONS.filter(({ name }) => !FOR_THE_COMMAND_LINE.includes(name))
  return `/** Generated from src/options/table.ts by scripts/gen.ts; change the table, not this file. */
import type { MountRequest } from '../options/types.ts'

/**
 * Options of a box: those of the command line in camel case. Mounts are made in the order of their keys in the object.
 */
export interface BoxOptions {
  /** Mounts and made files in one list, where their order among each other matters. */
  mounts?: readonly MountRequest[] | undefined
${rows.map(member).join('\n')}
}
`
}

function member(row: OptionRow): string {
  return `  /** ${sentence(row)} \`${synopsis({ ...row, short: undefined })}\` */\n  ${camel(row.name)}?: ${SHAPED[row.name] ?? typeOf(row)} | undefined`
}

function sentence({ doc, name }: OptionRow): string {
  const addition =
    name === 'die-with-parent'
      ? '; in a program that is so unless it is false'
      : name === 'env'
        ? "; as an object, undefined leaves the caller's value out"
        : ''
  // A pattern such as **/x would end the comment.
  return `${doc.charAt(0).toUpperCase()}${doc.slice(1)}${addition}.`.replaceAll('*/', '*\\/')
}

function typeOf({ value, alone, repeat }: OptionRow): string {
  if (value === undefined) return 'boolean'
  const single = /^[a-z]+(\|[a-z]+)+$/.test(value)
    ? value
        .split('|')
        .map((word) => `'${word}'`)
        .join(' | ')
    : takesNumber(value)
      ? 'string | number'
      : 'string'
  const many = !repeat ? '' : single === 'string' ? ' | readonly string[]' : ` | readonly (${single})[]`
  return `${single}${many}${alone === undefined ? '' : repeat ? ' | true' : ' | boolean'}`
}
