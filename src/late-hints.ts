/** What a program is told of a command that failed. */
export { hintsOf } from './explain/hints.ts'
export { limitsOf } from './explain/limits.ts'
