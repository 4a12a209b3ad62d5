/** Recognizes a file by its content, and never by the ending of its name. */
import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf, systemFailure } from '../host/errno.ts'

/** `compressed`: what is inside shows only when it is unpacked. */
export type Sniffed = 'directory' | 'oci' | 'tar' | 'compressed' | 'cpio' | 'squashfs' | 'iso' | 'erofs' | 'ext4'

type Magic = { at: number; bytes: readonly number[]; is: Sniffed | 'unsupported'; name: string }

const text = (word: string): number[] => [...Buffer.from(word, 'latin1')]

/** In this order: an ISO file that also boots from a disk has a partition table in front. */
const magics = (): readonly Magic[] => [
  { at: 32769, bytes: text('CD001'), is: 'iso', name: 'ISO 9660' },
  { at: 0, bytes: text('hsqs'), is: 'squashfs', name: 'squashfs' },
  { at: 1024, bytes: [0xe2, 0xe1, 0xf5, 0xe0], is: 'erofs', name: 'EROFS' },
  { at: 1080, bytes: [0x53, 0xef], is: 'ext4', name: 'ext4' },
  { at: 257, bytes: text('ustar'), is: 'tar', name: 'tar' },
  { at: 0, bytes: text('070701'), is: 'cpio', name: 'cpio' },
  { at: 0, bytes: text('070702'), is: 'cpio', name: 'cpio' },
  { at: 0, bytes: [0x1f, 0x8b], is: 'compressed', name: 'gzip' },
  { at: 0, bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00], is: 'compressed', name: 'xz' },
  { at: 0, bytes: [0x28, 0xb5, 0x2f, 0xfd], is: 'compressed', name: 'zstd' },
  { at: 0, bytes: text('BZh'), is: 'compressed', name: 'bzip2' },
  { at: 0, bytes: text('070707'), is: 'unsupported', name: 'an old cpio archive (the portable ASCII format)' },
  { at: 0, bytes: [0xc7, 0x71], is: 'unsupported', name: 'an old cpio archive (the binary format)' },
  { at: 0, bytes: [0x04, 0x22, 0x4d, 0x18], is: 'compressed', name: 'lz4' },
  { at: 0, bytes: text('PK\x03\x04'), is: 'unsupported', name: 'a zip archive' },
  { at: 0, bytes: text('7z\xbc\xaf'), is: 'unsupported', name: 'a 7z archive' },
  { at: 0, bytes: text('QFI\xfb'), is: 'unsupported', name: 'a qcow2 disk of a virtual machine' },
  { at: 0, bytes: text('KDMV'), is: 'unsupported', name: 'a VMDK disk of a virtual machine' },
  { at: 32, bytes: text('SIF_MAGIC'), is: 'unsupported', name: 'an image of Singularity (SIF)' },
  { at: 0, bytes: text('\x7fELF'), is: 'unsupported', name: 'a program' },
  { at: 0, bytes: text('sqsh'), is: 'unsupported', name: 'a squashfs of a big-endian machine' },
  { at: 0, bytes: text('XFSB'), is: 'unsupported', name: 'an XFS file system' },
  { at: 65600, bytes: text('_BHRfS_M'), is: 'unsupported', name: 'a Btrfs file system' },
  { at: 514, bytes: text('HdrS'), is: 'unsupported', name: 'a kernel, or another program that boots by itself' },
  { at: 0, bytes: text('MZ'), is: 'unsupported', name: 'a program for EFI or Windows' },
  { at: 510, bytes: [0x55, 0xaa], is: 'unsupported', name: 'a disk with partitions' },
]
/** The farthest of them ends here. */
const LOOKED_AT = 65608
const BLOCK = 512

/** Throws SandboxError for a file that isn't there, can't be read, or has no known format. */
export function sniff(path: string): Sniffed {
  // Without O_NONBLOCK, opening a pipe waits for a writer.
  const fd = opened(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    const stat = fstatSync(fd)
    if (stat.isDirectory()) return isLayout(path) ? 'oci' : 'directory'
    if (!stat.isFile())
      throw new SandboxError({
        step: 'image',
        what: 'is neither a file nor a directory',
        path,
        hint: 'an image on a pipe or a device has to be copied into a file first',
      })
    return kindOf(beginningOf(fd), path)
  } catch (error) {
    throw error instanceof SandboxError
      ? error
      : systemFailure({ step: 'image', what: 'read', path, code: codeOf(error) })
  } finally {
    closeSync(fd)
  }
}

function opened(path: string, flags: number): number {
  try {
    return openSync(hostPath(path), flags)
  } catch (error) {
    throw openFailure(path, error)
  }
}

/** The error for a file of the caller's that can't be opened. */
export function openFailure(path: string, error: unknown): SandboxError {
  const code = codeOf(error)
  const hint = code === 'ENOENT' ? NO_FILE : undefined
  return systemFailure({ step: 'image', what: 'open', path, code, ...(hint !== undefined && { hint }) })
}

const NO_FILE =
  'there is no such file: check the path; an image in a registry is HOST/NAME[:TAG], without ./ or / in front'

const isLayout = (path: string): boolean =>
  existsSync(hostPath(`${path}/oci-layout`)) && existsSync(hostPath(`${path}/index.json`))

function beginningOf(fd: number): Buffer {
  const bytes = Buffer.alloc(LOOKED_AT)
  let done = 0
  for (let got = 1; got > 0 && done < bytes.length; done += got)
    got = readSync(fd, bytes, done, bytes.length - done, done)
  return bytes.subarray(0, done)
}

export function kindOf(bytes: Buffer, path: string): Sniffed {
  const magic = magics().find(({ at, bytes: wanted }) => wanted.every((byte, n) => bytes[at + n] === byte))
  if (magic !== undefined && magic.is !== 'unsupported') return magic.is
  if (magic === undefined && isOldTar(bytes)) return 'tar'
  throw new SandboxError({
    step: 'image',
    what:
      bytes.length === 0
        ? 'is empty'
        : magic === undefined
          ? 'is not an image of a known format'
          : `is ${magic.name}, which nsbox does not read`,
    path,
    hint: 'it reads tar (plain, gzip, xz, zstd, bzip2), cpio, squashfs, ISO 9660, and the archives and layouts of container engines',
  })
}

/** A tar without the word "ustar": the sum of the header's bytes is right, with blanks in the sum's own place. */
function isOldTar(bytes: Buffer): boolean {
  if (bytes.length < BLOCK) return false
  const stored = /^ *([0-7]{1,7})[ \0]/.exec(bytes.toString('latin1', 148, 156))?.[1]
  let sum = 0
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : (bytes[at] ?? 0)
  return stored !== undefined && bytes[0] !== 0 && parseInt(stored, 8) === sum
}
