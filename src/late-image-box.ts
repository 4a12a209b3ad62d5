/**
 * The box of an image that is in the cache: all that a start with one needs. Its files import single names of node:fs:
 * the bundler makes a copy of a whole module that is imported as an object, which takes a start 0.1 ms.
 */
export { cachedImageBox, imageBox, scratchDirectory, wantOf } from './image/box.ts'
export { noteStart } from './image/note-start.ts'
