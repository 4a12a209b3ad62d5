/** Where the layers of an image come from, whatever the format. */
import { closeSync } from 'node:fs'
import type { ImageConfig } from './image.ts'
import type { Range } from './ranges.ts'

export type LayerSource = {
  /** The archive, open. A download comes only when it is asked for. */
  open(): Promise<Range> | Range
  /** Bytes of the archive. */
  size: number
  format: 'auto' | 'tar' | 'cpio' | 'squashfs'
  /** The mark that removes a lower layer's file: names (OCI), device nodes (the kernel's overlay), or none. */
  whiteouts: 'oci' | 'overlay' | 'none'
  /** sha256:HEX of the archive, to be checked. */
  digest?: string
  /** sha256:HEX of the layer without compression, to be checked; absent: nobody says. */
  diffId?: string
  /** Called when the layer is in the cache, or is not needed. */
  done?(): void
}

export type Source = {
  /** The image's own configuration; a plain root has none. */
  config: ImageConfig
  /** sha256:HEX of the configuration; absent: it follows from the layers. */
  id?: string
  /** sha256:HEX of the manifest; absent where there is none. */
  digest?: string
  /** The lowest first. */
  layers: LayerSource[]
  close(): void
}

/** Files of a layout or an archive by their names in it. */
export type Files = {
  /** Undefined where there is none. The descriptor stays open until `close`. */
  find(name: string): Range | undefined
  close(): void
}

/** Closes each descriptor once. */
export class Descriptors {
  readonly #open = new Set<number>()

  add(range: Range): Range {
    this.#open.add(range.fd)
    return range
  }

  close(): void {
    for (const fd of this.#open) closeSync(fd)
    this.#open.clear()
  }
}
