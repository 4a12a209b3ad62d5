/** Everything but a plain start: all verbs, messages, and the other ways to start. */
export { statusOf } from './cli/output.ts'
export { emptyValue, missingValue, unknownOption } from './cli/usage-errors.ts'
export { wholeWords } from './cli/whole-words.ts'
export { becomeFile } from './launch/replace-by-file.ts'
export { pullShown } from './verbs/pull-shown.ts'
export { answer, carryOut, ROWS } from './verbs/rows.ts'
export { storedPlan } from './verbs/stored-plan.ts'
export { warn } from './verbs/warnings.ts'
