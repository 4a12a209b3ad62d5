/** What reading can't know or copying doesn't keep, as lines: a build whose root lacks something must have said so. */
import { printable } from '../text/printable.ts'

/** One line of the report. */
export type Notice = {
  what: string
  paths: string[]
  /** The way out, where there is one. */
  hint?: string
}

/** A line names this many paths; `--json` has all. */
const SHOWN = 3

export class Report {
  readonly #notices = new Map<string, Notice>()

  add(what: string, path: string, hint?: string): void {
    const key = `${what}\0${hint ?? ''}`
    const notice = this.#notices.get(key) ?? (hint === undefined ? { what, paths: [] } : { what, paths: [], hint })
    if (!notice.paths.includes(path)) notice.paths.push(path)
    this.#notices.set(key, notice)
  }

  notices(): Notice[] {
    return [...this.#notices.values()]
  }
}

/** `note: WHAT: PATH, PATH (HINT)` */
export function noticeLine({ what, paths, hint }: Notice): string {
  const more = paths.length - SHOWN
  const list = paths.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '')
  return printable(`note: ${what}: ${list}${hint === undefined ? '' : ` (${hint})`}`)
}
