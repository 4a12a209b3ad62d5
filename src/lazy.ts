/**
 * The modules that are loaded late, listed once. A plain start needs none of them, and the runtime reads a whole file
 * before it runs the first line, so each is a file of its own in the compiled program. The Makefile reads this list.
 * The files stand beside this one, since in the program all of them lie in one directory.
 *
 * This is a door: callers name no file behind it, and scripts/layers.ts does not count the imports here.
 */
export const late = () => require('./late.ts') as typeof import('./late.ts')
export const lateDenied = () => require('./late-denied.ts') as typeof import('./late-denied.ts')
export const lateExplain = () => require('./late-explain.ts') as typeof import('./late-explain.ts')
export const lateFakeRoot = () => require('./late-fake-root.ts') as typeof import('./late-fake-root.ts')
export const lateFilters = () => require('./late-filters.ts') as typeof import('./late-filters.ts')
export const lateHints = () => require('./late-hints.ts') as typeof import('./late-hints.ts')
export const lateImageBox = () => require('./late-image-box.ts') as typeof import('./late-image-box.ts')
export const lateImageStart = () => require('./late-image-start.ts') as typeof import('./late-image-start.ts')
export const lateImages = () => require('./late-images.ts') as typeof import('./late-images.ts')
export const lateNetwork = () => require('./late-network.ts') as typeof import('./late-network.ts')
export const latePlanner = () => require('./late-planner.ts') as typeof import('./late-planner.ts')
export const lateProfiles = () => require('./late-profiles.ts') as typeof import('./late-profiles.ts')
export const lateReview = () => require('./late-review.ts') as typeof import('./late-review.ts')
export const lateRootfs = () => require('./late-rootfs.ts') as typeof import('./late-rootfs.ts')
