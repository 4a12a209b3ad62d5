/** The box of an image that is in the cache: all that a start with one needs. */
export { cachedImageBox, imageBox, wantOf } from './image/box.ts'
