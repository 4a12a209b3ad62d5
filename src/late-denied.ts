/** What was refused in a box that is traced. */
export { deniedOf } from './explain/denied.ts'
export { RefusalReader } from './explain/refusals.ts'
export { traceDenied } from './verbs/trace-denied.ts'
