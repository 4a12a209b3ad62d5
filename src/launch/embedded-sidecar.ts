/**
 * The sidecar that the compiled program carries. In the npm package sidecar-path.ts takes the place of this file:
 * package.json, imports.
 */
import path from '#nsbox-sidecar' with { type: 'file' }

export const sidecarPath = (): string => path

/** The program that makes namespaces, as rules for programs (AppArmor) see it. */
export const programPath = (): string => process.execPath

/**
 * How a child runs the plan that it has on a descriptor: program and arguments. The compiled program starts itself, and
 * that becomes the box, since no other program can execute what it carries.
 */
export const sidecarCommand = (plan: number): [string, ...string[]] =>
  path.startsWith('/$bunfs/')
    ? ['/proc/self/exe', 'run', '--quiet', '--plan', `/proc/self/fd/${plan}`]
    : [path, '--plan-fd', String(plan)]
