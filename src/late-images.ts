/** Images: references, the cache, pulling and unpacking. Only a start with an image needs them. */
export { findImage } from './image/find.ts'
export { mapKind } from './image/map.ts'
