import type { Plan } from './types.ts'

/** The plan on one line, for the sidecar. Lone surrogates are escaped (well-formed JSON.stringify), as its reader wants them. */
export function encodePlan(plan: Plan): string {
  return JSON.stringify(plan)
}

/** The plan for a person to read, with a line feed at its end. What a terminal may take as a command is escaped, too. */
export function formatPlan(plan: Plan): string {
  return `${safeJson(plan)}\n`
}

/** JSON itself has escapes for U+0000 to U+001F only. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/[\x7f-\x9f\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
