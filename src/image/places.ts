/**
 * Where things lie in the cache of images.
 *
 *     images/v1/blobs/sha256/HEX[.part]           downloads, until they are unpacked
 *     images/v1/layers/KIND/HEX/{fs,mtree,layer.json}   unpacked layers by chain id, for a kind of id map
 *     images/v1/layers/KIND/tmp-OWNER/            a layer that is being unpacked; map.json beside has the ids
 *     images/v1/images/HEX.json                   what an image is made of
 *     images/v1/refs/HEX.json                     reference and platform → image
 *     images/v1/files/HEX.json                    a file of the host, as it was → image
 *     images/v1/trusted/HEX.json                  a file of the host, as it was → the file systems in it
 *     images/v1/starts/HEX                        what the last start with a reference has found (start-record.ts)
 */
import { SandboxError, UsageError } from '../errors.ts'
import { sha256 } from '../host/sha256.ts'
import type { HostFacts } from '../host/types.ts'
import { CACHE_VARIABLE, ownDirectory } from '../planner/own-directories.ts'

export type Caller = Pick<HostFacts, 'uid' | 'variable'>

/** Directory of the caller's images. Nothing is made. Throws SandboxError where no variable says where it is. */
export function imagesDirectory(host: Caller): string {
  const chosen = host.variable(CACHE_VARIABLE)
  if (chosen !== undefined && !chosen.startsWith('/'))
    throw new UsageError(`${CACHE_VARIABLE}: must be an absolute path`)
  const cache = ownDirectory('cache', host)
  if (cache === undefined)
    throw new SandboxError({
      step: 'image',
      what: 'no directory for the cache: neither XDG_CACHE_HOME nor HOME is an absolute path',
      hint: `set ${CACHE_VARIABLE} to a directory of yours`,
    })
  return `${cache}/images/v1`
}

/** Paths in `directory`, which is `imagesDirectory`. */
export const paths = {
  blob: (directory: string, digest: string) => `${directory}/blobs/sha256/${hexOf(digest)}`,
  layers: (directory: string, kind: string) => `${directory}/layers/${kind}`,
  layer: (directory: string, kind: string, chainId: string) => `${directory}/layers/${kind}/${hexOf(chainId)}`,
  image: (directory: string, id: string) => `${directory}/images/${hexOf(id)}.json`,
  reference: (directory: string, reference: string, platform: string) =>
    `${directory}/refs/${hashOfWords([reference, platform])}.json`,
  file: (directory: string, key: readonly string[]) => `${directory}/files/${hashOfWords(key)}.json`,
  trusted: (directory: string, key: readonly string[]) => `${directory}/trusted/${hashOfWords(key)}.json`,
}

/** The digits of sha256:HEX. */
export function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1)
}

function hashOfWords(words: readonly string[]): string {
  return sha256(JSON.stringify(words))
}
