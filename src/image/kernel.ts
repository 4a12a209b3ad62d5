/**
 * Limits of older kernels for an ordinary user's box of an image. Root's overlays work from Linux 5.10 on, with
 * any number of layers.
 */
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { hasOwnIds, needsDisk } from '../planner/scratch.ts'

/**
 * Whether changes that vanish with the box need a directory on a disk. Throws SandboxError where the kernel has no
 * overlays for users, as before Linux 5.11.
 */
export function needsScratch(options: Options, host: Pick<HostFacts, 'isKernel' | 'uid'>, reference: string): boolean {
  // Mostly the only question: each takes a while.
  if (!hasOwnIds(options, host) || host.isKernel(6, 6)) return false
  if (!host.isKernel(5, 11))
    throw new SandboxError({
      step: 'image',
      what: 'this kernel stacks layers for root alone, and from Linux 5.11 on for everybody',
      path: reference,
      hint: `nsbox image unpack ${reference} DIR makes a directory of it, and --root DIR --host-files runs that`,
    })
  return needsDisk(options, host)
}
