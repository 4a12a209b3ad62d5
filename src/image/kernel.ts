/**
 * Limits of older kernels for an ordinary user's box of an image. Root's overlays work from Linux 5.10 on, with
 * any number of layers.
 */
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'

/** Linux 5.4 is 5.04, so that versions compare as numbers. */
function versionOf(host: Pick<HostFacts, 'read'>): number {
  const release = host.read('/proc/sys/kernel/osrelease')
  const match = 'text' in release ? /^(\d+)\.(\d+)/.exec(release.text) : null
  return match === null ? Infinity : Number(match[1]) + Number(match[2]) / 100
}

/**
 * Whether changes that vanish with the box need a directory on a disk. Throws SandboxError where the kernel has no
 * overlays for users, as before Linux 5.11.
 *
 * An overlay notes in an attribute of its upper directory that a directory was made anew. In a user namespace that is
 * user.overlay.*, and tmpfs has such attributes from Linux 6.6 on: before, rmdir fails with EIO.
 */
export function needsScratch(
  { overlay, ro, userns, nest, mapAuto, mapRoot }: Options,
  host: Pick<HostFacts, 'read' | 'uid'>,
  reference: string,
): boolean {
  const ownIds = host.uid !== 0 || userns === true || nest === true || mapAuto === true || mapRoot === true
  if (!ownIds) return false
  const version = versionOf(host)
  if (version < 5.11)
    throw new SandboxError({
      step: 'image',
      what: 'this kernel stacks layers for root alone, and from Linux 5.11 on for everybody',
      path: reference,
      hint: `nsbox image unpack ${reference} DIR makes a directory of it, and --root DIR --host-files runs that`,
    })
  return version < 6.06 && typeof overlay !== 'string' && !ro
}
