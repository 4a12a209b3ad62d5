/**
 * Image files that the kernel mounts, in place of being unpacked in a box: only where the caller says so. A file system
 * is read by code of the kernel that was not written for hostile bytes, and a flaw there is one of the whole machine.
 */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { FileSystem } from '../plan/types.ts'
import type { Image, Want } from './image.ts'
import type { LocalReference, Reference } from './reference.ts'

const OPTION = '--trust-image'
const UNPACKED = `without ${OPTION} it is unpacked`

/** Throws UsageError for those who can't mount, and for what is no file. */
export function refuseUntrusted(
  reference: Reference,
  { map }: Pick<Want, 'map'>,
  { uid }: Pick<HostFacts, 'uid'>,
): asserts reference is LocalReference {
  if (reference.kind === 'registry') throw new UsageError(`${OPTION}: an image in a registry is not a file`, UNPACKED)
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

/** The way out where nothing but a mount helps. */
export const UNPACKED_ELSEWHERE = `as root, and if you trust whoever made it with the machine: nsbox --image FILE ${OPTION} COMMAND`

/** Formats that only the kernel reads, and only for root. */
export function onlyMounted(format: string, path: string): SandboxError {
  return new SandboxError({
    step: 'image',
    what: `is a file system of the type ${format}, which has to be mounted`,
    path,
    hint: UNPACKED_ELSEWHERE,
  })
}

/** The image that the file systems are, the topmost first. */
export function mountedImage(path: string, format: string, filesystems: FileSystem[]): Image {
  const config = { env: [], labels: {} }
  return { id: path, reference: `${format}:${path}`, config, lowers: [], filesystems, layersAreOurs: false }
}

/** The type of a file system to mount. Throws SandboxError if FORMAT isn't one. */
export function filesystemType(path: string, format: string): FileSystem['type'] {
  if (format === 'squashfs' || format === 'erofs' || format === 'ext4') return format
  throw new SandboxError({
    step: 'image',
    what: format === 'directory' ? 'is a directory, which needs no mount' : `is not a file system, but ${format}`,
    path,
    hint: format === 'directory' ? `leave ${OPTION} out` : UNPACKED,
  })
}
