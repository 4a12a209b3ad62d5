/** Where an overlay's changes go that vanish with the box: mostly into memory. */
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'

/** Whether the box has ids of its own, and so an overlay that notes its directories in user.overlay.* attributes. */
export function hasOwnIds(
  { userns, nest, mapAuto, mapRoot }: Pick<Options, 'userns' | 'nest' | 'mapAuto' | 'mapRoot'>,
  { uid }: Pick<HostFacts, 'uid'>,
): boolean {
  return uid !== 0 || userns === true || nest === true || mapAuto === true || mapRoot === true
}

/**
 * Whether such changes need a directory on a disk: a tmpfs has user.* attributes from Linux 6.6 on; before, rmdir in
 * the box fails with EIO. Before 5.11 there is no such overlay at all.
 */
export function needsDisk(options: Options, host: Pick<HostFacts, 'isKernel' | 'uid'>): boolean {
  if (typeof options.overlay === 'string' || options.ro || !hasOwnIds(options, host)) return false
  return !host.isKernel(6, 6) && host.isKernel(5, 11)
}
