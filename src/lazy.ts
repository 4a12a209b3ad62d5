/**
 * What is loaded late, listed once. A plain start needs none of it, and what the runtime reads before it runs the first line grows
 * with the size of a file: so each of these is a file of its own in the compiled program. The Makefile reads this list.
 *
 * This is a door: whoever goes through it names no file behind it, and scripts/layers.ts does not count what stands here.
 */
export const verbs = () => require('./verbs/rows.ts') as typeof import('./verbs/rows.ts')
export const usageErrors = () => require('./cli/usage-errors.ts') as typeof import('./cli/usage-errors.ts')
export const replaceByFile = () => require('./launch/replace-by-file.ts') as typeof import('./launch/replace-by-file.ts')
export const filterCompiler = () => require('./seccomp/compiled.ts') as typeof import('./seccomp/compiled.ts')
