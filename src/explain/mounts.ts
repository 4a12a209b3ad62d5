/** The steps that make what the box sees: its root, and what is mounted in it. */
import { firstFew, groupMounts, isKernels } from './groups.ts'
import { filesystemText, layersText, sizeText, type Step } from './step.ts'
import { quote } from '../text/quote.ts'
import { MOUNT_TYPES } from '../plan/mount-types.ts'
import type { BoxPlan, Mount, MountOption, Root } from '../plan/types.ts'

export function sources({ mounts = [], noFollow }: BoxPlan): Step[] {
  if (!mounts.some(({ type }) => MOUNT_TYPES[type].opens)) return []
  return [
    {
      title: 'Open everything of the host that will be shown',
      calls: 'open_tree(OPEN_TREE_CLONE), open',
      why: `Paths still are the host's now; the first mount would hide some. Each source is mounted later by its descriptor, so nobody can put something else under its name meanwhile.${noFollow ? ' A symbolic link in one of these paths is an error.' : ''}`,
    },
  ]
}

export function root({ root: shown }: BoxPlan): Step {
  return { ...rootStep(shown), targets: ['/'] }
}

function rootStep(shown: Root): Step {
  switch (shown.type) {
    case 'directory':
      return directoryRoot(shown)
    case 'layers':
      return layersRoot(shown)
    case 'empty':
      return {
        title: 'Take an empty directory as the root',
        calls: 'fsopen("tmpfs"), fsconfig, fsmount, move_mount',
        why: `A tmpfs, mode ${shown.mode ?? '0755'}, ${sizeText(shown.size)}: the box sees what is mounted or made in it below, and nothing else. It vanishes with the box.${shown.options?.includes('ro') ? ' It becomes read-only once all that lies below is there.' : ''}${optionsText(shown.options, false)}`,
      }
  }
}

type RootOf<T extends Root['type']> = Extract<Root, { type: T }>

const LOCKED =
  'Each layer is locked first (flock), so that nsbox image rm and prune leave it alone until the box has ended. '

/** Before the namespaces, since the kernel lets only the machine's root mount a file system. */
export function filesystems({ root: shown }: BoxPlan): Step[] {
  if (shown.type !== 'layers' || !shown.filesystems?.length) return []
  return [
    {
      title: `Mount ${shown.filesystems.map(filesystemText).join(', ')}`,
      calls:
        'open("/dev/loop-control"), ioctl(LOOP_CTL_GET_FREE), ioctl(LOOP_CONFIGURE), fsopen, fsconfig, fsmount, mount_setattr(MOUNT_ATTR_IDMAP)',
      why: 'A loop device shows the file as a block device, read-only, and the kernel reads the file system on that; an erofs needs no device from Linux 6.12 on. It is mounted read-only, nosuid and nodev, attached nowhere yet, and with the ids of the box where those are others. The device is free again when the box has ended, however that ends. The kernel reads such bytes with all its privileges, and nothing contains a flaw there: so this is only done when asked for (--trust-image).',
    },
  ]
}

function layersRoot(root: RootOf<'layers'>): Step {
  const { lowers, state, scratch, options, image } = root
  const [top = '', ...others] = lowers
  const step = { calls: 'fsopen("overlay"), fsconfig, fsmount, move_mount' }
  const flags = optionsText(options, true)
  if (others.length === 0 && image === undefined && !root.filesystems?.length) {
    return {
      ...step,
      title: `Lay an overlay over ${quote(top)} as the root`,
      why: `The box sees the files of ${quote(top)}, and a change makes a copy above them: the host's own files are never written. ${keeps(state)}${top === '/' ? ' An overlay covers one file system: others that are mounted below show as they are, read-only.' : ''}${flags}`,
    }
  }
  return {
    ...step,
    title: `Lay an overlay over ${layersText(root)} as the root`,
    why: `${image === undefined ? '' : LOCKED}The box sees the files of all of them as one tree: of two with the same name the one further up in this list shows. A change makes a copy above them, and none of them is ever written. What is mounted below one of them does not show. ${keeps(state, scratch)}${flags}`,
    also: [...lowers.map(quote), ...(root.filesystems ?? []).map(filesystemText)],
  }
}

function directoryRoot({ path, options, view }: RootOf<'directory'>): Step {
  const flags = optionsText(options, true)
  const whose = path === '/' ? "the host's own root" : quote(path)
  return {
    title: path === '/' ? "Take the host's root as the root" : `Take ${quote(path)} as the root`,
    calls: `open_tree(${quote(path)}, OPEN_TREE_CLONE | AT_RECURSIVE)${setattrCall(options, true)}, move_mount`,
    why: `A second mount of ${whose}, with all that is mounted below it, is made and attached in the new namespace. Only the mounts are copied: the files are the same ones.${flags}${view ? ` ${viewText(path)}` : ''}`,
    see: { run: 'cat /proc/self/mountinfo', note: 'each mount, with the directory that it shows', page: 'proc(5)' },
  }
}

const VIEW_CALLS = 'fsopen("tmpfs"), mkdirat, open_tree(AT_RECURSIVE), move_mount, mount_setattr'

function viewText(path: string): string {
  return `A mount point has to be made in ${quote(path)}, and nsbox makes nothing there on the host. So a tmpfs takes its place, with each entry bound back; it becomes read-only once all is mounted. Each entry is then a mount of its own: a rename or a hard link from one to another fails with EXDEV, as between file systems, and what the host makes in ${quote(path)} later does not show.`
}

function keeps(state: string | undefined, scratch?: string): string {
  if (state !== undefined) return `The changes are kept in ${quote(state)}.`
  return scratch === undefined
    ? 'The changes go to a tmpfs, in memory, and vanish with the box.'
    : `The changes vanish with the box. A tmpfs before Linux 6.6 lacks the attributes by which an ordinary user's overlay notes that a directory was removed, so there they go to a directory that is made below ${quote(scratch)}, on the disk, and removed when the box has ended; what a killed box leaves there, the next one removes.`
}

const OPTION_TEXT: Readonly<Record<MountOption, { flag: string; what: string }>> = {
  ro: { flag: 'MOUNT_ATTR_RDONLY', what: 'read-only' },
  nosuid: { flag: 'MOUNT_ATTR_NOSUID', what: 'nosuid (setuid programs give nothing)' },
  nodev: { flag: 'MOUNT_ATTR_NODEV', what: 'nodev (device files do not open)' },
  noexec: { flag: 'MOUNT_ATTR_NOEXEC', what: 'noexec (nothing here can be executed)' },
}

function optionsText(options: readonly MountOption[] | undefined, below: boolean): string {
  if (options === undefined || options.length === 0) return ''
  return ` It is ${options.map((option) => OPTION_TEXT[option].what).join(', ')}${below ? ', and so is each mount below it' : ''}.`
}

function setattrCall(options: readonly MountOption[] | undefined, recursive: boolean): string {
  if (options === undefined || options.length === 0) return ''
  return `, mount_setattr(${[...(recursive ? ['AT_RECURSIVE'] : []), ...options.map((option) => OPTION_TEXT[option].flag)].join(', ')})`
}

const NEW_MOUNT = (type: string): string => `fsopen("${type}"), fsconfig, fsmount, move_mount`

const MASK_CALLS = 'openat2(RESOLVE_IN_ROOT), open_tree, mount_setattr, move_mount'
const PROTECT_CALLS = `${MASK_CALLS.replace('mount_setattr', 'mount_setattr(AT_RECURSIVE, MOUNT_ATTR_RDONLY)')}`

/** One step for each mount, but only one for a row of the kernel's files, and for rules of a kind that has many. */
export function explainMounts(mounts: readonly Mount[], plan: BoxPlan): Step[] {
  return groupMounts(mounts).map((group) => ({
    ...stepOf(group, plan),
    targets: group.map(({ target }) => target),
  }))
}

function stepOf(group: readonly Mount[], plan: BoxPlan): Step {
  const [first] = group as readonly [Mount]
  if (group.length === 1) return explainMount(first, plan)
  return isKernels(first) ? together(group) : many(group, explainMount(first, plan))
}

function together(run: readonly Mount[]): Step {
  const also = [`${run.map(({ target }) => quote(target)).join(' ')} (those that this kernel has).`]
  return run[0]?.type === 'mask'
    ? {
        title: 'Hide what the kernel shows of the machine',
        calls: MASK_CALLS,
        why: 'An empty read-only file or directory is mounted over each: they show memory, keys, timers and devices.',
        also,
      }
    : {
        title: "Make the kernel's settings read-only",
        calls: PROTECT_CALLS,
        why: 'Each is mounted over itself, read-only: they belong to the whole machine, and no namespace divides them.',
        also,
      }
}

/** The step of rules of one kind; its title has the first few. The tree of mounts has all. */
function many(rules: readonly Mount[], one: Step): Step {
  const [first] = rules as readonly [Mount]
  const paths =
    first.type === 'pin' ? rules.flatMap((pin) => wayOf(pin as typeof first)) : rules.map(({ target }) => target)
  const distinct = [...new Set(paths)]
  const title = (what: string): string => what.replace('#', `${distinct.length}`).replace('@', firstFew(distinct))
  switch (first.type) {
    case 'pin':
      return { ...one, title: title('Pin # directories: @'), why: pinText('') }
    case 'bind':
      return {
        ...one,
        title: title('Mount # places of the host at the same place: @'),
        calls: bindCalls('SOURCE', first.options),
      }
    case 'protect':
      return {
        ...one,
        title: title('Make # places read-only: @'),
        why: 'Each is mounted over itself, read-only, with all that is mounted below. What is missing is left out.',
      }
    default:
      return {
        ...one,
        title: title('Hide # places: @'),
        why: first.type === 'mask' && first.closed ? CLOSED_TEXT('each') : MASK_TEXT('each'),
      }
  }
}

const MASK_TEXT = (what: string): string => `An empty read-only file or directory is mounted over ${what}.`

const CLOSED_TEXT = (what: string): string =>
  `An empty read-only directory is mounted over ${what}, or, where that is a file, a device without a driver on a mount without devices: to open that fails with EACCES, also for root. If nothing is there, nothing is done.`

/** `way`: a colon and the directories, or nothing. */
const pinText = (way: string): string =>
  `A mount moves with the directory that it lies in, so a box that renames one of these could put something else in the place of what is read-only below${way}. Each that the box could rename, and each link on the path, becomes a mount point in a hidden place: renaming, replacing or removing it fails (EBUSY). The files in it can be written, renamed and linked as before.`

function explainMount(mount: Mount, plan: BoxPlan): Step {
  const at = quote(mount.target)
  switch (mount.type) {
    case 'bind':
      return bind(mount)
    case 'tmpfs':
      return {
        title: `Mount a tmpfs at ${at}`,
        calls: NEW_MOUNT('tmpfs'),
        why: `An empty directory in memory, mode ${mount.mode ?? '1777'}, ${sizeText(mount.size)}. It hides what was there, and vanishes with the box.${mount.options?.includes('ro') ? ' It becomes read-only once everything below it is there.' : ''}${optionsText(mount.options, false)}`,
      }
    case 'proc':
      return {
        title: `Mount a fresh /proc at ${at}`,
        calls: NEW_MOUNT('proc'),
        why:
          (plan.namespaces.includes('pid')
            ? "A proc file system shows the pid namespace of the process that mounts it, so this one has the box's processes and no others."
            : "The pid namespace is the host's, so this shows the host's processes.") +
          optionsText(mount.options, false),
        see: { run: 'ls -d /proc/[0-9]*', page: 'pid_namespaces(7)' },
      }
    case 'dev':
      return {
        title: `Make a minimal /dev at ${at}`,
        calls: 'fsopen("tmpfs"), open_tree, move_mount, symlinkat, fsopen("devpts")',
        why: "A tmpfs with the few devices that programs expect. null, zero, full, random, urandom and tty are bound from the host, since a box may not make device nodes; they are read-only, so that the box can't change their mode and owner. pts is new, so the box has its own terminals; shm is new; fd, stdin, stdout and stderr are links. Disks and the rest of the host's devices are not there.",
        see: { run: 'ls -l /dev', page: 'null(4)' },
      }
    case 'overlay':
      return {
        title: `Lay an overlay over ${quote(mount.lower)} at ${at}`,
        calls: NEW_MOUNT('overlay'),
        why: `The box sees the files of ${quote(mount.lower)}, and a change makes a copy above them. ${keeps(mount.state)}${optionsText(mount.options, false)}`,
      }
    case 'dir':
      return {
        title: `Make the directory ${at}`,
        calls: 'openat2(RESOLVE_IN_ROOT), mkdirat',
        why: `Missing parents are made too; mode ${mount.mode ?? '0755'}. The path is resolved inside the box's root, so no symbolic link there leads out of it.`,
      }
    case 'symlink':
      return {
        title: `Make the symbolic link ${at}`,
        calls: 'openat2(RESOLVE_IN_ROOT), symlinkat',
        why: `It leads to ${quote(mount.to)}, as the box sees it.`,
      }
    case 'mask':
      return {
        title: `Hide ${at}`,
        calls: MASK_CALLS,
        why: mount.closed ? CLOSED_TEXT('it') : MASK_TEXT('it'),
      }
    case 'hide':
      return hideMatches(mount)
    case 'sockets':
      return hideSockets(mount)
    case 'protect':
      return {
        title: `Make ${at} read-only`,
        calls: PROTECT_CALLS,
        why: `It is mounted over itself, read-only, with all that is mounted below.${mount.optional ? " If it isn't there, nothing is done." : ''}`,
      }
    case 'view':
      return {
        title: `Put a view in the place of ${at}`,
        calls: VIEW_CALLS,
        why: viewText(mount.target),
      }
    case 'stash':
      return {
        title: 'Make a hidden place for pins',
        calls: NEW_MOUNT('tmpfs'),
        why: `Pins, in a later step, need a tmpfs that nobody can enter: the next mount at ${at} hides this one.`,
      }
    case 'pin':
      return {
        title: `Pin the path to ${at}`,
        calls: 'openat(O_NOFOLLOW), open_tree, move_mount',
        why: pinText(`: ${wayOf(mount).map(quote).join(' ')}`),
      }
    case 'sysfs':
      return {
        title: `Mount a sysfs of the box's own network at ${at}`,
        calls: NEW_MOUNT('sysfs'),
        why: "The host's sysfs would show the host's network devices. This one is read-only. Where the kernel allows no such mount, the host's becomes read-only, and a warning says so.",
      }
    case 'cgroup':
      return {
        title: `Show the box's own control group at ${at}`,
        calls: NEW_MOUNT('cgroup2'),
        why: "It is read-only. Where the kernel allows no such mount, the directory is hidden, so that the box can't see the host's groups.",
      }
    case 'file':
      return {
        title: mount.source === undefined ? `Make the file ${at}` : `Copy ${quote(mount.source)} to ${at}`,
        calls:
          mount.source === undefined
            ? 'open, write, open_tree, move_mount'
            : 'open, read, write, open_tree, move_mount',
        why: fileText(mount),
      }
  }
}

function hideMatches({ target, from, patterns, closed, required }: Extract<Mount, { type: 'hide' }>): Step {
  const hidden = patterns.filter((text) => !text.startsWith('!'))
  const shown = patterns.filter((text) => text.startsWith('!')).map((text) => quote(text.slice(1)))
  return {
    title: `Hide what ${hidden.length === 1 ? 'a pattern names' : `${hidden.length} patterns name`} in ${quote(target)}`,
    calls: 'fork, execveat (nsbox-hide), getdents64, openat(O_NOFOLLOW), open_tree, move_mount',
    why: `A program of its own walks all that the box sees below ${quote(target)}, other file systems too, and covers what it finds by its descriptor, as a mask does${closed ? " whose files can't be opened" : ''}. A directory that matches is hidden with all in it, one that can't be read as well; a link itself, and what it leads to if that is in the tree. More than 20,000 names, or 30 seconds, are an error${required ? ', and so is no match' : ''}: nothing is run then. What comes up later isn't hidden.`,
    also: [
      `${target === from ? '' : `${quote(target)} is ${quote(from)} there. `}Hidden: ${hidden.map(quote).join(' ')}.`,
      ...(shown.length === 0 ? [] : [`In sight: ${shown.join(' ')}.`]),
    ],
  }
}

function hideSockets({ target, from, allowed = [] }: Extract<Mount, { type: 'sockets' }>): Step {
  return {
    title: `Hide the Unix sockets of the host in ${quote(target)}`,
    calls: 'fork, execveat (nsbox-hide), read /proc/net/unix, openat2, getdents64, open_tree, move_mount',
    why: `Whoever can connect to a socket of the host can ask its server for anything: a D-Bus starts programs outside of the box. So each socket that the host has bound by a path, and each that lies in /run and /tmp, is covered; a directory that has nothing else, those of users in /run/user, and known ones of your home, whole, so that what comes up in them later is hidden too. The box's own sockets work. Abstract sockets belong to the network.`,
    also: [
      ...(target === from ? [] : [`${quote(target)} is ${quote(from)} there.`]),
      allowed.length === 0 ? 'None stays.' : `These stay, a way out of the box: ${allowed.map(quote).join(' ')}.`,
    ],
  }
}

function fileText({ source, text = '' }: Extract<Mount, { type: 'file' }>): string {
  const content = text.replace(/\n$/, '')
  if (source === undefined)
    return `It lies on a tmpfs, is mounted there, and holds ${text === '' ? 'nothing' : quote(content)}; the box may change it.`
  const addition = text === '' ? '' : ` ${quote(content)} is added.`
  return `The copy has the content at the start of the box; later changes on either side do not reach the other.${addition}`
}

/** The pinned directories, as the path names them. Directories behind a link on the path are pinned too. */
function wayOf({ target, from }: Extract<Mount, { type: 'pin' }>): string[] {
  const way: string[] = []
  for (let path = target; path !== from && path !== ''; path = path.slice(0, path.lastIndexOf('/'))) way.unshift(path)
  return way
}

export function own({ own: directories = [] }: BoxPlan): Step[] {
  if (directories.length === 0) return []
  return [
    {
      title: "Keep the box out of nsbox's own directories",
      calls: 'fstat, mkdirat, open_tree, mount_setattr, move_mount',
      why: 'Where a writable mount shows one of them, it becomes read-only, and the path to it is pinned. A missing one is made while the box runs, or the box could make it. A bind of that very directory lifts this.',
      also: [`${directories.map(quote).join(' ')}.`],
    },
  ]
}

const bindCalls = (source: string, options: readonly MountOption[] | undefined): string =>
  `open_tree(${source}, OPEN_TREE_CLONE | AT_RECURSIVE)${setattrCall(options, true)}, move_mount`

function bind(mount: Extract<Mount, { type: 'bind' }>): Step {
  const { source, target, options, optional } = mount
  const calls = bindCalls(quote(source), options)
  if (source === '/dev/null') {
    return {
      title: `Hide ${quote(target)}`,
      calls,
      why: `The null device is mounted over it, so that its content cannot be read.${optionsText(options, false)}`,
    }
  }
  if (source === '/proc') {
    return {
      title: `Mount the present /proc at ${quote(target)}`,
      calls,
      why: `It isn't a new one: it shows all processes around the box, with their names and arguments.${optionsText(options, true)}`,
      see: { run: 'ls -d /proc/[0-9]*', page: 'proc(5)' },
    }
  }
  const writes = options?.includes('ro')
    ? 'The box can read it but not change it.'
    : "The files are the host's: what the box writes here is written on the host."
  return {
    title:
      source === target
        ? `Mount the host's ${quote(source)} at the same place`
        : `Mount the host's ${quote(source)} at ${quote(target)}`,
    calls,
    why: `${writes}${optionsText(options, true)}${optional ? ' Where it is missing, the mount is left out.' : ''}`,
  }
}
