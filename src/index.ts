/** The library: every command of a program in a box. */
export { box, type Box } from './library/box.ts'
export type { BoxOptions } from './library/box-options.ts'
export type { Usage } from './library/report.ts'
export type { RunOptions, RunResult } from './library/run.ts'
export { SandboxError, UsageError } from './errors.ts'
export type { MountRequest } from './plan/options.ts'
export type { Plan } from './plan/types.ts'
