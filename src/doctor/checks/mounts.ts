/** File systems and mounts. */
import { no, note, ok, OUTER_BOX, type Result } from '../check.ts'
import { inBox, initialUserNamespace, kernelVersion, mountOf, mounts, privileged } from '../facts.ts'
import type { Host } from '../host.ts'

export function overlay(host: Host): Result {
  if (!fileSystem(host, 'overlay'))
    return note(
      'not in /proc/filesystems',
      '--overlay works only if the kernel can load it when asked',
      'sudo modprobe overlay',
    )
  const version = kernelVersion(host) ?? Infinity
  if (version < 5.11 && !(privileged(host) && initialUserNamespace(host)))
    return note(
      'present, but this kernel allows it to root alone',
      '--overlay will not work for ordinary users',
      'a kernel of 5.11 or later',
    )
  if (version < 6.06 && !privileged(host))
    return note(
      'present, also for ordinary users, but tmpfs lacks user attributes before Linux 6.6',
      "a box can't remove directories below its --overlay while the changes are in memory; those of an image go to a disk",
      'nsbox --overlay=DIR ...    (keeps them on a disk)',
    )
  return ok(privileged(host) ? 'present' : 'present, also for ordinary users')
}

export function devpts(host: Host): Result {
  return fileSystem(host, 'devpts')
    ? ok('devpts is present: a box gets its own')
    : note(
        'devpts is not in /proc/filesystems',
        'programs that make terminals (script, tmux, ssh) will not work in a box',
      )
}

function fileSystem(host: Host, type: string): boolean {
  return new RegExp(`\\t${type}$`, 'm').test(host.readFile('/proc/filesystems') ?? '')
}

export function rootMount(host: Host): Result {
  const root = mountOf(mounts(host), '/')
  if (root === undefined)
    return note('/proc/self/mountinfo cannot be read', 'nsbox cannot see how mounts propagate here')
  if (root.type === 'rootfs')
    return note(
      '/ is the initial ramdisk, which pivot_root cannot leave',
      'the box is entered by chroot, which confines less well',
      'switch_root to another file system first',
    )
  return ok(root.shared ? '/ is shared: a box makes its copy private before the first mount' : '/ is private already')
}

/** Always empty directories: the kernel doesn't count a mount on them as hiding something. */
const EMPTY_IN_PROC = ['/proc/sys/fs/binfmt_misc', '/proc/fs/nfsd']

export function maskedProc(host: Host): Result {
  const list = mounts(host)
  const procs = list.filter(({ type, top, point }) => type === 'proc' && top === '/' && point === '/proc')
  if (procs.length === 0) return no('no proc file system at /proc', 'nsbox needs it', 'mount -t proc proc /proc')
  const masks = list.filter(
    ({ parent, point }) => procs.some(({ id }) => id === parent) && point !== '/proc' && !EMPTY_IN_PROC.includes(point),
  )
  if (masks.length === 0) return ok('/proc is whole: a box gets a fresh one')
  const found = `parts of /proc are masked (${masks
    .slice(0, 3)
    .map(({ point }) => point)
    .join(', ')}${masks.length > 3 ? ', ...' : ''}), as in a container`
  if (privileged(host) && initialUserNamespace(host)) return ok(`${found}; this hinders only boxes with --userns`)
  const effect =
    'the kernel refuses a fresh /proc in a user namespace: boxes run with --nest, which shows this one, read-only'
  return inBox(host)
    ? note(found, effect, OUTER_BOX)
    : note(
        found,
        effect,
        'nsbox --nest ..., or for a fresh one docker run --security-opt systempaths=unconfined ..., podman run --security-opt unmask=ALL ...',
      )
}

/** nsbox-hide asks for it by F_NOTIFY; mounts that are taken away need no setting. */
export function replacedFiles(host: Host): Result {
  return host.readFile('/proc/sys/fs/dir-notify-enable')?.trim() === '1'
    ? ok('a box ends when somebody outside replaces what is hidden or kept in it')
    : note(
        'this kernel tells nobody of changes in directories (dnotify)',
        'a box ends up to half a second late when a hidden or kept file is moved, or a directory above it',
        'sudo sysctl -w fs.dir-notify-enable=1    (where the kernel has it)',
      )
}
