/** The part of the contract whose objects differ by type: what the root is, and what is mounted or made in it. */
import { MAX_SIZE, type Table } from './field.ts'

const MOUNT_OPTIONS = ['ro', 'nosuid', 'nodev', 'noexec'] as const
/** OVL_MAX_STACK of the kernel. */
const MAX_LOWERS = 500
/** Each takes a loop device. */
const MAX_FILESYSTEMS = 64

const MAX_PATTERNS = 4096

/** Objects that differ by their `type` key: variant list by name. */
export const VARIANTS = {
  root: {
    directory: {
      path: {
        type: 'string',
        path: 'host',
        required: true,
        doc: 'Directory on the host; "/" is the host\'s own root.',
      },
      view: {
        type: 'bool',
        doc: 'Show each entry of the directory on a tmpfs, which becomes read-only once all is mounted, so that mount points can be made there without a trace on the host.',
      },
      options: {
        type: 'flags',
        values: MOUNT_OPTIONS,
        doc: 'Mount options of the root and what is mounted below it on the host.',
      },
    },
    layers: {
      lowers: {
        type: 'strings',
        max: MAX_LOWERS,
        entry: 'host',
        required: true,
        doc: 'Directories on the host that an overlay shows, the topmost first; none is written to. What is mounted below one of them shows where it is the only one. At least one, unless there are filesystems.',
      },
      filesystems: {
        type: 'objects',
        of: 'filesystem',
        max: MAX_FILESYSTEMS,
        doc: 'File systems in files on the host, the topmost first, which lie below all of lowers. The kernel mounts them read-only, which takes root outside of any user namespace.',
      },
      state: {
        type: 'string',
        path: 'host',
        doc: "Directory that keeps the overlay's changes; absent, they go to a tmpfs and vanish.",
      },
      scratch: {
        type: 'string',
        path: 'host',
        doc: "Without state: directory in which one is made for the changes, and removed with them when the box has ended, if a tmpfs can't keep an overlay's user.* attributes (before Linux 6.6).",
      },
      image: {
        type: 'string',
        min: 1,
        doc: 'The image that the directories come from, as nsbox image pull takes it. Each of them then stays locked while the box runs, so that no clean-up removes one, and a missing one is an error that names the image.',
      },
      options: { type: 'flags', values: MOUNT_OPTIONS, doc: 'Mount options of the root and what is mounted below it.' },
    },
    empty: {
      size: {
        type: 'int',
        min: 0,
        max: MAX_SIZE,
        doc: "Size limit of the tmpfs in bytes; 0 is the kernel's default, half of the memory.",
      },
      mode: { type: 'mode', default: '0755', doc: 'Mode of the root directory.' },
      options: {
        type: 'flags',
        values: MOUNT_OPTIONS,
        doc: 'Mount options; "ro" from when all that lies below is there.',
      },
    },
  },
  mount: {
    bind: {
      source: { type: 'string', path: 'host', required: true, doc: 'File or directory on the host.' },
      target: { type: 'string', path: true, required: true, doc: 'Where it shows in the box.' },
      options: { type: 'flags', values: MOUNT_OPTIONS, doc: 'Mount options, for all mounts below it too.' },
      optional: {
        type: 'bool',
        doc: 'Where the source is missing when the box starts, leave it out, with the pins that directly follow it.',
      },
    },
    tmpfs: {
      target: { type: 'string', path: true, required: true, doc: 'Where it is mounted in the box.' },
      size: {
        type: 'int',
        min: 0,
        max: MAX_SIZE,
        doc: "Size limit in bytes; 0 is the kernel's default, half of the memory.",
      },
      mode: { type: 'mode', default: '1777', doc: 'Mode of its top directory.' },
      options: {
        type: 'flags',
        values: MOUNT_OPTIONS,
        doc: 'Mount options; "ro" takes effect once everything below is there.',
      },
    },
    proc: {
      target: { type: 'string', path: true, required: true, doc: 'Where it is mounted in the box.' },
      options: { type: 'flags', values: MOUNT_OPTIONS, doc: 'Mount options.' },
    },
    dev: {
      target: { type: 'string', path: true, required: true, doc: 'Where the minimal /dev is mounted in the box.' },
    },
    overlay: {
      target: { type: 'string', path: true, required: true, doc: 'Where it is mounted in the box.' },
      lower: { type: 'string', path: 'host', required: true, doc: 'Directory on the host that is seen below.' },
      state: { type: 'string', path: 'host', doc: 'Directory that keeps the changes; absent, they vanish.' },
      options: { type: 'flags', values: MOUNT_OPTIONS, doc: 'Mount options.' },
    },
    dir: {
      target: { type: 'string', path: true, required: true, doc: 'Directory to make in the box, with its parents.' },
      mode: { type: 'mode', default: '0755', doc: 'Its mode.' },
    },
    symlink: {
      target: { type: 'string', path: true, required: true, doc: 'Where the symbolic link is made in the box.' },
      to: { type: 'string', min: 1, required: true, doc: 'Where it leads, as the box sees it.' },
    },
    mask: {
      target: { type: 'string', path: true, required: true, doc: 'What an empty file or directory hides.' },
      kernel: {
        type: 'bool',
        doc: 'Skip it where the kernel shows nothing there (proc, sysfs); otherwise a missing target is an error.',
      },
      optional: { type: 'bool', doc: 'Where nothing is there, or the box can reach nothing there, hide nothing.' },
      closed: { type: 'bool', doc: "A file that is hidden can't be opened (EACCES), also by root, and isn't empty." },
    },
    hide: {
      target: { type: 'string', path: true, required: true, doc: 'Directory in which nsbox-hide looks for names.' },
      from: { type: 'string', path: true, required: true, doc: 'The path that the patterns have for it.' },
      patterns: {
        type: 'strings',
        min: 1,
        max: MAX_PATTERNS,
        required: true,
        doc: 'What is hidden: absolute paths in which ** stands for any number of directories, and *, ? and [a-z] for parts of a name; behind ! what stays in sight.',
      },
      closed: { type: 'bool', doc: "A file that is hidden can't be opened, as for mask." },
      required: { type: 'bool', doc: 'Where nothing matches, that is an error.' },
    },
    sockets: {
      target: {
        type: 'string',
        path: true,
        required: true,
        doc: 'Directory in which Unix sockets of the host are hidden.',
      },
      from: { type: 'string', path: true, required: true, doc: 'The directory of the host that shows there.' },
      allowed: {
        type: 'strings',
        max: MAX_PATTERNS,
        entry: 'path',
        doc: 'Paths of the host: sockets that stay, and directories whose sockets stay.',
      },
    },
    protect: {
      target: {
        type: 'string',
        path: true,
        required: true,
        doc: 'What becomes read-only, with all that is mounted below.',
      },
      kernel: {
        type: 'bool',
        doc: 'Skip it where the kernel shows nothing there (proc, sysfs); otherwise a missing target is an error.',
      },
      optional: {
        type: 'bool',
        doc: 'Where nothing is there when the box starts, leave it out, with the pins that directly follow it.',
      },
    },
    view: {
      target: {
        type: 'string',
        path: true,
        required: true,
        doc: "Directory of the root to show as a view, as root.view does for the root itself, with the root's options.",
      },
    },
    stash: {
      target: {
        type: 'string',
        path: true,
        required: true,
        doc: 'Where an empty tmpfs serves the pins; the next mount at the same place hides it, so that nobody can enter it.',
      },
    },
    pin: {
      target: {
        type: 'string',
        path: true,
        required: true,
        doc: "Directory whose path is pinned: the box can't rename, replace or remove any directory or link on it, but can change what is in them.",
      },
      from: {
        type: 'string',
        path: true,
        required: true,
        doc: 'Directory above it, below which the path is pinned; it is not pinned itself.',
      },
      optional: { type: 'bool', doc: 'Pin what of the path is there; its last part may be a file or a link.' },
    },
    sysfs: {
      target: {
        type: 'string',
        path: true,
        required: true,
        doc: "Where a read-only sysfs shows the devices of the box's own network; where the kernel refuses one, the host's becomes read-only.",
      },
    },
    cgroup: {
      target: {
        type: 'string',
        path: true,
        required: true,
        doc: "Where the hierarchy of the box's own control group shows, if the directory is there.",
      },
    },
    file: {
      source: {
        type: 'string',
        path: 'host',
        doc: 'File on the host whose content is copied when the box starts; absent: none.',
      },
      text: { type: 'string', doc: 'Text of the copy behind that content.' },
      target: { type: 'string', path: true, required: true, doc: 'Where the copy shows in the box.' },
    },
  },
} as const satisfies Record<string, Record<string, Table>>
