/** The box of an image: the image is looked up, and its defaults are put below the options. */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { withImage, type ImageBox } from './defaults.ts'
import { findImage } from './find.ts'
import { hostFilesLayer } from './host-files.ts'
import type { Image, Want } from './image.ts'
import { kernelWarning } from './kernel.ts'
import { mapKind } from './map.ts'

/** `options.image` is there. WORDS: those of the command, which may be none. */
export function imageBox(options: Options, words: readonly string[], host: HostFacts): ImageBox | Promise<ImageBox> {
  return cachedImageBox(options, words, host)
}

/** The same for those who can't wait. Throws SandboxError where the cache lacks the image. */
export function cachedImageBox(options: Options, words: readonly string[], host: HostFacts): ImageBox {
  const reference = options.image as string
  const found = findImage(reference, wantOf(options, host), host)
  if (found === undefined) throw notHere(reference)
  return boxOf(found, options, words, host)
}

function wantOf({ platform, trustImage, ...options }: Options, host: HostFacts): Want {
  return {
    map: mapKind(options, host),
    pull: 'missing',
    ...(platform !== undefined && { platform }),
    ...(trustImage && { trust: true }),
  }
}

function boxOf(image: Image, options: Options, words: readonly string[], host: HostFacts): ImageBox {
  if (!image.layersAreOurs && image.lowers.includes('/'))
    throw new UsageError("--image: the host's own root is no image", 'without --image and --root the box sees it')
  const warning = kernelWarning(options, host, image.reference)
  return {
    ...withImage(image, options, words, host, hostFilesLayer(options, host)),
    ...(warning !== undefined && { warning }),
  }
}

function notHere(reference: string): SandboxError {
  return new SandboxError({
    step: 'image',
    what: 'is not in the cache',
    path: reference,
    hint: `nsbox image pull ${reference}`,
  })
}
