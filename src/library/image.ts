/** Images for the boxes of a program. */
import { UsageError } from '../errors.ts'
import { hostOfProgram } from '../host/node.ts'
import type { Progress } from '../image/image.ts'
import { lateImageBox, lateImages } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import { isAbortSignal, throwIfAborted } from './arguments.ts'
import { kindOf } from '../options/mount-list.ts'
import { throwWithHint } from './report.ts'

export type PullOptions = {
  /** Called as the pull goes on: several times a second while bytes come in or are unpacked. */
  onProgress?: ((progress: Progress) => void) | undefined
  /** Ends the pull, which rejects with the signal's reason. What is here by then stays for the next one. */
  signal?: AbortSignal | undefined
  /** OS/ARCH[/VARIANT]. Default: this machine's. */
  platform?: string | undefined
  /** Pull by plain http too, from a registry that is not on this machine. */
  insecure?: boolean | undefined
  /** For boxes with `mapAuto`, which keep the owners of files. */
  mapAuto?: boolean | undefined
}

export type PulledImage = {
  /** The reference, made whole, with the digest that it leads to: `box({ image: reference })` is always this image. */
  reference: string
  /** `sha256:` and the digest of the image's configuration. */
  id: string
}

export type ImageHandle = {
  /** Bring the image into the cache, as `nsbox image pull` does. Rejects with SandboxError. */
  pull(options?: PullOptions): Promise<PulledImage>
}

/** Names an image, as `box({ image })` does: HOST/NAME[:TAG] in a registry, an archive, a layout or a directory. */
export function image(reference: string): ImageHandle {
  if (typeof reference !== 'string' || reference === '')
    throw new UsageError(`image: must be a reference, not ${kindOf(reference)}`)
  return { pull: (options) => pull(reference, options).catch(throwWithHint) }
}

async function pull(reference: string, options: PullOptions = {}): Promise<PulledImage> {
  const { onProgress, signal, platform, insecure, mapAuto } = options
  if (signal !== undefined && !isAbortSignal(signal))
    throw new UsageError(`pull: signal: must be an AbortSignal, not ${kindOf(signal)}`)
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new UsageError(`pull: onProgress: must be a function, not ${kindOf(onProgress)}`)
  throwIfAborted(signal)
  const host = hostOfProgram()
  const { wantOf } = lateImageBox()
  const wanted: Options = { pull: 'always' }
  if (platform !== undefined) wanted.platform = platform
  if (insecure) wanted.insecure = true
  if (mapAuto) wanted.mapAuto = true
  const found = await lateImages().getImage(
    reference,
    { ...wantOf(wanted, host), ...(onProgress && { onProgress }), ...(signal && { signal }) },
    host,
  )
  return { reference: found.reference, id: found.id }
}

/** Brings the image of a box into the cache, where it has one that is not there. */
export async function readyImage(options: Options, signal: AbortSignal | undefined): Promise<void> {
  if (options.image === undefined) return
  await lateImageBox().imageBox(options, [], hostOfProgram(), (reference, want, host) =>
    lateImages().getImage(reference, { ...want, ...(signal && { signal }) }, host),
  )
}
