/** The box of an image: the image is looked up, and its defaults are put below the options. */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { withImage, type ImageBox } from './defaults.ts'
import { findImage } from './find.ts'
import { hostFilesLayer } from './host-files.ts'
import type { Image, Want } from './image.ts'
import { needsScratch } from './kernel.ts'
import { layersDirectory } from './kinds.ts'
import { mapKind } from './map.ts'

/** Brings an image into the cache, and returns it. */
export type GetImage = (reference: string, want: Want, host: HostFacts) => Promise<Image>

/**
 * `options.image` is there. WORDS: those of the command, which may be none. `get` is called where the cache lacks the
 * image, or a registry has to be asked. `found` learns which image it is.
 */
export function imageBox(
  options: Options,
  words: readonly string[],
  host: HostFacts,
  get: GetImage,
  found?: (image: Image) => void,
): ImageBox | Promise<ImageBox> {
  const reference = options.image as string
  const want = wantOf(options, host)
  const boxIn = (image: Image): ImageBox => {
    found?.(image)
    return boxOf(image, options, words, host)
  }
  const cached = findImage(reference, want, host)
  return cached === undefined ? get(reference, want, host).then(boxIn) : boxIn(cached)
}

/** The same for synchronous callers. Throws SandboxError where the cache lacks the image. */
export function cachedImageBox(options: Options, words: readonly string[], host: HostFacts): ImageBox {
  const reference = options.image as string
  const found = findImage(reference, { ...wantOf(options, host), pull: 'never' }, host)
  if (found !== undefined) return boxOf(found, options, words, host)
  throw new SandboxError({
    step: 'image',
    what: options.trustImage ? 'was not looked into yet' : 'is not in the cache',
    path: reference,
    hint: options.trustImage
      ? 'run and open look for the file systems in it, once, and write down where they are'
      : `await image('${reference}').pull() brings it there, and run and open do so by themselves`,
  })
}

/** How the box of these options wants its image. */
export function wantOf(
  { platform, insecure, trustImage, pull = 'missing', ...options }: Options,
  host: HostFacts,
): Want {
  const want: Want = { map: mapKind(options, host), pull }
  if (platform !== undefined) want.platform = platform
  if (insecure) want.insecure = true
  if (trustImage) want.trust = true
  return want
}

function boxOf(image: Image, options: Options, words: readonly string[], host: HostFacts): ImageBox {
  if (!image.layersAreOurs && image.lowers.includes('/'))
    throw new UsageError("--image: the host's own root is not an image", 'without --image and --root the box sees it')
  // Upper layers hide files by trusted.overlay.* attributes, which the kernel does not heed in a user namespace.
  if ((image.filesystems?.length ?? 0) > 1 && (options.userns || options.mapAuto || options.nest))
    throw new UsageError(
      '--trust-image: the live system has several layers, which stack right only without a user namespace',
      'leave out --userns, --map-auto or --nest; without --trust-image it is unpacked',
    )
  const box = withImage(image, options, words, host, hostFilesLayer(options, host))
  if (needsScratch(options, host, image.reference)) box.root.scratch = scratchDirectory(options, host)
  return box
}

/** The directory of the cache for changes that vanish, with those of other boxes with the same ids. It is made. */
export function scratchDirectory(options: Options, host: HostFacts): string {
  return layersDirectory(mapKind(options, host), host)
}
