/** What native/entry.c gets to start a box and to remember its plan. */
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'

/** The words for `execute`: the plan, then what `start_remember` of native/remember.h takes. */
export function recordOf(plan: Plan, looks: readonly string[]): string[] {
  const { argv } = plan.process
  const text = encodePlan(plan)
  const words = JSON.stringify(argv)
  // In a text of JSON a quote stands behind a backslash, so this is the key. No other object of a plan has it.
  const at = text.indexOf(`"argv":${words}`) + '"argv":'.length
  const record = [text, String(argv.length), text.slice(0, at), text.slice(at + words.length)]
  if (plan.supervision?.verbose) record.push('mnsbox: remembered\n')
  if (hasParts(plan)) record.push('b')
  for (const look of looks) record.push(look)
  return record
}

/** Whether the plan calls a program of nsbox by a name; parts.ts says which, and a plain start doesn't load that. */
export function hasParts({ helpers = [], mounts = [] }: Plan): boolean {
  for (const { part } of helpers) if (part !== undefined) return true
  for (const { type } of mounts) if (type === 'hide' || type === 'sockets') return true
  return false
}
