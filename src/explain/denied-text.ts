/** What was refused in a box, in lines for a person: by rule, each rule where its first refusal came. */
import { printable } from '../text/printable.ts'
import type { DeniedList } from './denied.ts'
import type { Denied } from './denied-types.ts'

/** More refusals than that are only counted: `--status-fd` has all of them. */
const MOST_LINES = 40

export function deniedText({ denied, unexplained }: DeniedList): string {
  const byRule = new Map<string, Denied[]>()
  for (const one of denied) byRule.set(one.rule, [...(byRule.get(one.rule) ?? []), one])
  const lines: string[] = []
  let left = MOST_LINES
  for (const [rule, refusals] of byRule) {
    const shown = refusals.slice(0, left)
    left -= shown.length
    if (shown.length > 0) lines.push(`nsbox: refused: ${printable(rule)}`, ...shown.map(lineOf))
  }
  const more = denied.length - (MOST_LINES - left)
  if (more > 0) lines.push(`nsbox: and ${more} more; --status-fd has all of them`)
  if (denied.length === 0) lines.push('nsbox: no rule of the box has refused anything')
  if (unexplained > 0) lines.push(`nsbox: ${countText(unexplained)} failed for reasons that are not the box's rules`)
  return `${lines.join('\n')}\n`
}

const countText = (count: number): string => (count === 1 ? '1 other call' : `${count} other calls`)

function lineOf({ op, subject, code, count, allow }: Denied): string {
  const times = count === 1 ? '' : `, ${count} times`
  const way = allow === undefined ? '' : `: ${printable(allow)}`
  return `  ${op} ${printable(subject)} (${code}${times})${way}`
}
