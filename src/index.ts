/// <reference types="node" preserve="true" />
/** The library: every command of a program in a box. */
export { box, type Box } from './library/box.ts'
export type { BoxOptions } from './library/box-options.ts'
export type { Commands, RunOptions, RunResult } from './library/commands.ts'
export { image, type ImageHandle, type PulledImage, type PullOptions } from './library/image.ts'
export type { Progress } from './image/image.ts'
export type { Closed, LiveBox, OpenOptions } from './library/live.ts'
export type { Hint } from './explain/hints.ts'
export type { Usage } from './library/report.ts'
export { SandboxError, UsageError } from './errors.ts'
export type { MountRequest } from './options/types.ts'
export type { Plan } from './plan/types.ts'
