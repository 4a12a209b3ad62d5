/** `~` at the beginning of a path, which a shell leaves alone in `--root=~/r` and within quotes. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import type { OptionRow } from './table.ts'

/** Whether VALUE is a path that begins with the caller's home. Another user's (`~name`) stays as it is. */
export function beginsAtHome({ value: placeholder = '' }: Pick<OptionRow, 'value'>, value: string): boolean {
  return (value === '~' || value.startsWith('~/')) && /(?:^|\|)(?:DIR|FILE|SRC|PATH|REF)/.test(placeholder)
}

/** VALUE with HOME in the place of `~`. */
export function atHome({ name }: Pick<OptionRow, 'name'>, value: string, home: string | undefined): string {
  if (home === undefined || !home.startsWith('/'))
    throw new UsageError(
      `--${name}: '${printable(value)}' needs HOME, which ${home === undefined ? "isn't set" : 'is no absolute path'}`,
      'a directory of that name is ./~',
    )
  return (home.endsWith('/') ? home.slice(0, -1) : home) + value.slice(1) || '/'
}
