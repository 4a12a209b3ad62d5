/** Images: references, the cache, pulling and unpacking. Only a start with an image needs them. */
export { COMMANDS } from './image/commands.ts'
export { findImage } from './image/find.ts'
export { createReporter, styleFor } from './image/progress.ts'
export { getImage } from './image/pull.ts'
export { mapKind } from './image/map.ts'
