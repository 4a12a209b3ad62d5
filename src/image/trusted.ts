/**
 * Image files that the kernel mounts, in place of being unpacked in a box: only where the caller says so. A file system
 * is read by code of the kernel that was not written for hostile bytes, and a flaw there is one of the whole machine.
 */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { FileSystem } from '../plan/types.ts'
import type { Want } from './image.ts'
import type { LocalReference, Reference } from './reference.ts'

const OPTION = '--trust-image'
const UNPACKED = `without ${OPTION} it is unpacked`

/** Throws UsageError for those who can't mount, and for what is no file. */
export function refuseUntrusted(
  reference: Reference,
  { map }: Pick<Want, 'map'>,
  { uid }: Pick<HostFacts, 'uid'>,
): asserts reference is LocalReference {
  if (reference.kind === 'registry') throw new UsageError(`${OPTION}: an image of a registry is no file`, UNPACKED)
  if (uid !== 0)
    throw new UsageError(
      `${OPTION}: only root may mount an image file`,
      `${UNPACKED}, if it is a squashfs or a live ISO; an erofs or ext4 takes root, or its own tools: fsck.erofs --extract=DIR FILE`,
    )
  if (map.kind === 'one')
    throw new UsageError(
      `${OPTION}: the files of a mounted image keep their owners, and the box has one id alone`,
      `leave out --map-root or --nest; ${UNPACKED}`,
    )
}

/** The file system that fills the whole file. Throws SandboxError where there is none, as FORMAT says. */
export function filesystemIn(path: string, format: string): FileSystem {
  if (format === 'squashfs' || format === 'erofs' || format === 'ext4') return { path, type: format }
  throw new SandboxError({
    step: 'image',
    what: format === 'directory' ? 'is a directory, which needs no mount' : `is not a file system, but ${format}`,
    path,
    hint: format === 'directory' ? `leave ${OPTION} out` : UNPACKED,
  })
}
