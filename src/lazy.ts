/**
 * What is loaded late, listed once. A plain start needs none of it, and what the runtime reads before it runs the first line grows
 * with the size of a file: so each of these is a file of its own in the compiled program. The Makefile reads this list. The files
 * stand beside this one, since in the program all of them lie in one directory.
 *
 * This is a door: whoever goes through it names no file behind it, and scripts/layers.ts does not count what stands here.
 */
export const late = () => require('./late.ts') as typeof import('./late.ts')
export const lateFilters = () => require('./late-filters.ts') as typeof import('./late-filters.ts')
