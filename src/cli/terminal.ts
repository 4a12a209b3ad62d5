/** What standard output is shown on, and how it is shown there. */

/** Columns of the terminal that standard output is; undefined where it is none. */
export function columns(): number | undefined {
  return process.stdout.isTTY ? Math.max(40, process.stdout.columns || 80) : undefined
}

/** Bold and dim keep the terminal's own colours; green and red can be read on light and dark ones. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32 } as const
export type Style = keyof typeof CODES

/** Shows a text in a style on a terminal, unless NO_COLOR is set (no-color.org). Never in a pipe or a file. */
export function painter(): (text: string, style: Style) => string {
  const { NO_COLOR = '', TERM } = process.env
  if (!process.stdout.isTTY || NO_COLOR !== '' || TERM === undefined || TERM === 'dumb') return (text) => text
  return (text, style) => (text === '' ? '' : `\x1b[${CODES[style]}m${text}\x1b[0m`)
}
