import { SandboxError } from '../errors.ts'
import type { Plan } from './types.ts'

/** The plan on one line, for the sidecar. Lone surrogates are escaped (well-formed JSON.stringify), as its reader wants them. */
export function encodePlan(plan: Plan): string {
  return JSON.stringify(plan)
}

/** The plan for a person to read, with a line feed at its end. */
export function formatPlan(plan: Plan): string {
  return `${JSON.stringify(plan, null, 2)}\n`
}

/**
 * The same, or a SandboxError. What the sidecar would refuse in a plan that was made here is a text with NUL or with half a
 * character in it; JSON writes both as escapes, so that others need no look.
 */
export function encodeChecked(plan: Plan): string {
  const text = encodePlan(plan)
  if (!text.includes('\\u')) return text
  const { validatePlan, PlanError } = require('./validate.ts') as typeof import('./validate.ts')
  try {
    validatePlan(plan)
  } catch (error) {
    if (!(error instanceof PlanError)) throw error
    throw new SandboxError({ step: 'plan', what: error.message, path: error.pointer, pointer: error.pointer })
  }
  return text
}
