/** An image, as the rest of nsbox knows it: directories to stack, and the image's settings for its command. */
import type { FileSystem } from '../plan/types.ts'
import type { MapKind } from './map.ts'

/** An image's settings for the command that runs in it; the command line's own words win. */
export type ImageConfig = {
  /** NAME=VALUE entries, in the image's order. */
  env: string[]
  /** Absolute path of the directory to start in. */
  cwd?: string
  /** USER[:GROUP], each a name or a number. */
  user?: string
  entrypoint?: string[]
  cmd?: string[]
  labels: Record<string, string>
  /** Go's names, as the image specification has them: "amd64", "linux". */
  architecture?: string
  os?: string
  /** RFC 3339. */
  created?: string
  /** Name or number, as the image has it. */
  stopSignal?: string
}

export type Image = {
  /** `sha256:` and the digest of the image's configuration; of a directory, its path. */
  id: string
  /** The reference as typed, made whole, with the digest that it leads to where it has one. */
  reference: string
  config: ImageConfig
  /** Directories of the host, the topmost first. */
  lowers: string[]
  /** File systems in files that the kernel mounts, below the directories. */
  filesystems?: FileSystem[]
  /** false: the only lower directory is the user's own, not one of the cache. */
  layersAreOurs: boolean
}

export type Progress = {
  event: 'resolve' | 'download' | 'unpack' | 'wait' | 'done'
  reference: string
  /** From 1, in the order of the manifest. */
  layer?: number
  layers?: number
  /** Bytes of this layer's compressed stream so far, and in all. */
  bytes?: number
  total?: number
  /** Why nothing happens ("wait"), and for how long. */
  reason?: string
  seconds?: number
}

/** How an image is wanted. */
export type Want = {
  /** The id map of the box that will use it: its files' owners depend on it. */
  map: MapKind
  /** Whether a registry is asked: where the cache lacks the image, each time, or never. */
  pull: 'missing' | 'always' | 'never'
  /** OS/ARCHITECTURE[/VARIANT]; absent: this machine's. */
  platform?: string
  /** Mount what can be mounted, and unpack nothing. */
  trust?: boolean
  /** Plain http also to a registry that is not on this machine. */
  insecure?: boolean
  /** Bytes that the files of one layer may have; absent: a bound that follows from the size of the archive. */
  maxSize?: number
  onProgress?(progress: Progress): void
  signal?: AbortSignal
}
