import type { FileSystem } from '../plan/types.ts'

/** The root that an image gives a box. */
export type ImageRoot = {
  /** The image with its digest, as nsbox image pull takes it; absent where the layer is a directory of the user's. */
  image?: string
  /** Directories of the host, the topmost first. */
  lowers: readonly string[]
  /** File systems in files, which lie below them. */
  filesystems?: readonly FileSystem[]
  /** Directory of the cache for changes that vanish, where memory can't keep them. */
  scratch?: string
  /** Absolute path in the box where the command starts, unless an option says otherwise. */
  cwd?: string
}
