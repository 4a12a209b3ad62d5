import type { Plan } from './types.ts'

/** The plan on one line, for the sidecar. Lone surrogates are escaped (well-formed JSON.stringify), as its reader wants them. */
export function encodePlan(plan: Plan): string {
  return JSON.stringify(plan)
}

/** The plan for a person to read, with a line feed at its end. */
export function formatPlan(plan: Plan): string {
  return `${JSON.stringify(plan, null, 2)}\n`
}
