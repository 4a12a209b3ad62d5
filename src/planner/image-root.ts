import type { FileSystem, Mount } from '../plan/types.ts'
import type { Account } from './passwd.ts'

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
  /** What is known already, so that nobody has to look for it: the mounts of the host's files, */
  hostFiles?: readonly Mount[]
  /** the user that the options ask for, */
  account?: Account
  /** and the mounts for apt where the box fakes root. */
  apt?: readonly Mount[]
}
