/** Text of a plan in HTML: whatever a path or an argument holds, it stays text on one line. */
import { printable } from '../../text/printable.ts'

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

/** Characters that turn the direction of what follows, or are drawn as nothing: a path could look like another one. */
const UNSEEN =
  /[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0]/g
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g

/** Escapes a text for an element's content and for an attribute in double quotes. */
export function escapeHtml(text: string): string {
  const code = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`
  return printable(text)
    .replace(UNSEEN, code)
    .replace(LONE, code)
    .replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c)
}

/** The same for a text of several lines. */
export const escapeLines = (text: string): string => text.split('\n').map(escapeHtml).join('\n')
