import { readJson } from './json.ts'
import type { Plan } from './types.ts'
import { validatePlan } from './validate.ts'

/** The plan that a text says, or a `PlanError`: the same one that the sidecar gives for it. */
export function parsePlan(text: string | Uint8Array): Plan {
  return validatePlan(readJson(text))
}
