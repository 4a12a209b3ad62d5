/** What a program is told of a command that failed, and of what was refused to it. */
export { deniedOf } from './explain/denied.ts'
export { hintsOf } from './explain/hints.ts'
export { limitsOf } from './explain/limits.ts'
export { RefusalReader } from './explain/refusals.ts'
