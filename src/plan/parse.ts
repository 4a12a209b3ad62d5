import { readJson } from './json.ts'
import type { Plan } from './types.ts'
import { validatePlan } from './validate.ts'

/** Reads a plan from its text. Throws `PlanError`, with the message that the sidecar has for the same text. */
export function parsePlan(text: string | Uint8Array): Plan {
  return validatePlan(readJson(text))
}
