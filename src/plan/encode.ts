import type { Plan } from './types.ts'

/** The plan on one line, for the sidecar. JSON.stringify escapes lone surrogates, as the sidecar's reader requires. */
export function encodePlan(plan: Plan): string {
  return JSON.stringify(plan)
}

/** The plan for a person to read, with a line feed at its end. Characters that command a terminal are escaped. */
export function formatPlan(plan: Plan): string {
  return `${safeJson(plan)}\n`
}

/** JSON.stringify escapes only U+0000 to U+001F; terminals obey others too. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(
    /[\x7f-\x9f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
