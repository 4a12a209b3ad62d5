/** The programs that images are compared with, and how they are called. */
import { join } from 'node:path'
import { NSBOX } from './boxes.ts'
import type { Named } from './part.ts'
import { said, which, type Absent } from './peers.ts'
import { TAG } from './image-files.ts'

export const isRoot = process.getuid?.() === 0

/** Unpacks into directories below OUT, a new one each time. */
export type Unpacker = {
  name: string
  program: string
  does: string
  argv: (program: string, file: string, out: string) => string[]
  /** The option that prints its version. */
  version?: string
  /** As an ordinary user it would do something else. */
  asRoot?: true
  /** Its processes can't have priority over others: its control groups don't allow it. */
  equal?: true
}

export const nsbox = (): Unpacker => ({
  name: 'nsbox',
  program: NSBOX,
  does: 'into its cache: in a box, with the digest of the layer and of each file',
  argv: (program, file) => [program, 'image', 'pull', '--quiet', file],
})

export const GNU_TAR: Unpacker = {
  name: 'GNU tar',
  program: 'tar',
  does: 'less: no digest, no box',
  argv: (program, file, out) => [
    ...[program, '--numeric-owner', '-C', out, '-xf', file],
    ...(isRoot ? ['--xattrs', '--xattrs-include=*'] : []),
  ],
}

export const UNSQUASHFS: Unpacker = {
  name: 'unsquashfs',
  program: 'unsquashfs',
  version: '-version',
  does: 'less: no digest, no box',
  argv: (program, file, out) => [
    ...[program, '-quiet', '-no-progress', '-force', '-dest', join(out, 'tree')],
    ...(isRoot ? [] : ['-no-xattrs', '-ignore-errors']),
    file,
  ],
}

export const UMOCI: Unpacker = {
  name: 'umoci',
  program: 'umoci',
  does: 'onto one directory, with the digests of the layers; no box',
  argv: (program, file, out) => [program, 'raw', 'unpack', '--image', `${file}:${TAG}`, join(out, 'tree')],
  asRoot: true,
}

export const PODMAN: Unpacker = {
  name: 'podman',
  program: 'podman',
  does: 'into its storage, which is empty',
  argv: (_, file, out) => podman(out, 'pull', '--quiet', `oci:${file}:${TAG}`),
  asRoot: true,
  equal: true,
}

/** What podman mounts, locks and notes stays in a mount namespace of its own. $0 is the directory for its storage. */
const PREPARE = `set -e
mount -t tmpfs tmpfs /run
mkdir -p "$0" /run/podman
mount --bind "$0" /run/podman
for i in /var/lib /var/cache /dev/shm; do mount -t tmpfs tmpfs $i; done
umount -l /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
exec podman --root /run/podman/storage --runroot /run/podman/run --tmpdir /run/podman/tmp "$@"`

/** Podman with its storage below OUT. */
export const podman = (out: string, ...words: readonly string[]): string[] => [
  ...[which('unshare') ?? 'unshare', '--mount', '--propagation', 'private', 'sh', '-c', PREPARE, out],
  ...['--storage-driver', 'overlay', '--cgroup-manager', 'cgroupfs', ...words],
]

/** A program that is there, or why it is left out. */
export function unpackerHere(peer: Unpacker, isWanted: (name: string) => boolean): string | Absent {
  const { name, program, asRoot = false } = peer
  if (!isWanted(name)) return { name, why: 'not asked for' }
  if (asRoot && !isRoot) return { name, why: 'compared as root alone' }
  return which(program) ?? { name, why: 'not installed' }
}

/** The command that unpacks FILE below OUT. */
export const commandOf = (peer: Unpacker, program: string, file: string, out: string): Named => ({
  name: peer.name,
  argv: peer.argv(program, file, out),
  does: peer.does,
  ...(peer.name !== 'nsbox' && { release: said(peer.version ?? '--version')(program) }),
})
