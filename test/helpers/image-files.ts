/** Image files of a small root: squashfs, erofs, ext4, made by the tools of others. */
import { spawnSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { asRoot, busyboxRoot, execute } from './nsbox.ts'

export const DAEMON = 33

/** A busybox, a file of another user, and a directory of it. Its files belong to root if the caller does. */
export function smallRoot(dir: string): string {
  busyboxRoot(dir, ['proc', 'dev', 'tmp', 'etc', 'srv'])
  writeFileSync(join(dir, 'etc/motd'), 'of the image\n')
  writeFileSync(join(dir, 'srv/own'), 'own\n', { mode: 0o600 })
  if (asRoot) for (const name of ['srv', 'srv/own']) chownSync(join(dir, name), DAEMON, DAEMON)
  return dir
}

type Kind = {
  name: string
  type: 'squashfs' | 'erofs' | 'ext4'
  tool: string
  make(root: string, file: string): string[]
}

/** How each kind of file is made. A squashfs has a device node besides, which no file of this machine has to be. */
export const KINDS: readonly Kind[] = [
  ...['gzip', 'xz', 'zstd'].map((compression): Kind => ({
    name: `squashfs (${compression})`,
    type: 'squashfs',
    tool: 'mksquashfs',
    make: (root, file) => [
      ...['mksquashfs', root, file, '-comp', compression, '-noappend', '-quiet', '-no-progress'],
      ...['-p', 'null c 666 0 0 1 3'],
    ],
  })),
  { name: 'erofs', type: 'erofs', tool: 'mkfs.erofs', make: (root, file) => ['mkfs.erofs', '--quiet', file, root] },
  {
    name: 'erofs (lz4)',
    type: 'erofs',
    tool: 'mkfs.erofs',
    make: (root, file) => ['mkfs.erofs', '--quiet', '-zlz4', file, root],
  },
  {
    name: 'ext4',
    type: 'ext4',
    tool: 'mke2fs',
    make: (root, file) => ['mke2fs', '-q', '-t', 'ext4', '-d', root, file, '16M'],
  },
]

/** Makes one of KINDS; FILE is its path. */
export function imageFile({ make }: Kind, root: string, file: string): string {
  const [program = '', ...args] = make(root, file)
  const { status, stdout, stderr } = execute(program, args)
  if (status !== 0) throw new Error(stdout + stderr)
  return file
}

/** Why this machine can't mount such a file; undefined: it can. */
export function whyNoMount(type: Kind['type'], tool: string): string | undefined {
  if (!asRoot) return 'takes root'
  if (Bun.which(tool) === null) return `${tool} is not installed`
  if (!existsSync('/dev/loop-control') || spawnSync('losetup', ['-f']).status !== 0) return 'no loop device here'
  const known = new RegExp(`\\t${type}$`, 'm').test(readFileSync('/proc/filesystems', 'utf8'))
  return known || spawnSync('modprobe', ['-n', '-q', type]).status === 0 ? undefined : `this kernel has no ${type}`
}

/** Files below DIR that loop devices of this machine show. */
export function loopsBelow(dir: string): string[] {
  return readdirSync('/sys/block').flatMap((name) => {
    try {
      const file = readFileSync(`/sys/block/${name}/loop/backing_file`, 'utf8').trim()
      return file.startsWith(dir) ? [file] : []
    } catch {
      return []
    }
  })
}

/** Waits until no loop device shows a file below DIR: the kernel frees one when the last mount is really gone. */
export async function loopsGone(dir: string): Promise<void> {
  while (loopsBelow(dir).length > 0) await new Promise((done) => setTimeout(done, 10))
}
