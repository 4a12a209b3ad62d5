/** Notes on what reading can't know or copying doesn't keep, as lines: a build whose root lacks something must have said so. */
import { printable } from '../text/printable.ts'

/** One line of the report. */
export type Notice = {
  what: string
  paths: string[]
  /** The way out, where there is one. */
  hint?: string
}

/** A line names as many paths as fit into so many characters, and at least one; `--json` has all. */
const SHOWN = 200

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
  const shown: string[] = []
  let length = 0
  for (const path of paths) {
    length += path.length + 2
    if (shown.length > 0 && length > SHOWN) break
    shown.push(path)
  }
  const hidden = paths.length - shown.length
  const list = shown.join(', ') + (hidden > 0 ? ` and ${hidden} more` : '')
  return printable(`note: ${what}: ${list}${hint === undefined ? '' : ` (${hint})`}`)
}
