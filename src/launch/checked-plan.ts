import { SandboxError } from '../errors.ts'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'

/**
 * The plan on one line, or a SandboxError. In a plan that was made here the sidecar can refuse only text with NUL or
 * with half a character in it. JSON writes both as escapes, so a plan without escapes needs no check.
 */
export function encodeChecked(plan: Plan): string {
  const text = encodePlan(plan)
  if (!text.includes('\\u')) return text
  const { validatePlan, PlanError } = require('../plan/validate.ts') as typeof import('../plan/validate.ts')
  try {
    validatePlan(plan)
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    throw new SandboxError({ step: 'read plan', what: error.message, path: error.pointer, pointer: error.pointer })
  }
  return text
}
