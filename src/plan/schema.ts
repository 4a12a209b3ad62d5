/**
 * The contract between the two halves of nsbox, as one table; variants.ts has its roots and mounts.
 *
 * From this table come the TypeScript types (`types.ts`, by inference), the run-time validator (`validate.ts`, which
 * walks it), the published JSON Schema (`docs/plan.schema.json`) and the C structures with their field list
 * (`sidecar/plan/contract.h`). `scripts/gen.ts` writes the last two, and `make lint` fails when they differ from the
 * table.
 *
 * A change that an older sidecar would misread needs a new contract number.
 */
import {
  CAPABILITIES,
  CONTRACT,
  LIMITS,
  MAX_CPUS,
  MAX_FD,
  MAX_GROUPS,
  MAX_ID,
  MAX_KEPT,
  MAX_MILLISECONDS,
  MAX_NAME,
  MAX_PIDS,
  RESET_SIGNALS,
} from './constants.ts'
import { MAX_SIZE, type Table } from './field.ts'

export * from './constants.ts'
export type { Field, Table } from './field.ts'
export { VARIANTS } from './variants.ts'

/** PID_MAX_LIMIT, include/linux/threads.h. */
const MAX_PID = 4194304
const MAX_QUOTA = MAX_CPUS * 1000000

const FILESYSTEMS = ['squashfs', 'erofs', 'ext4'] as const
const NAMESPACES = ['user', 'mount', 'pid', 'ipc', 'uts', 'cgroup', 'net'] as const
/** Programs that the sidecar finds by itself: sidecar/plan/part.h. */
const PARTS = ['net', 'hide', 'trace'] as const
/** The first two in the order of the kernel's bits, include/uapi/linux/landlock.h. */
const SCOPES = ['abstract', 'signals', 'trace'] as const

/** Objects by name. The first is the plan itself. */
export const OBJECTS = {
  plan: {
    contract: { type: 'int', min: CONTRACT, max: CONTRACT, required: true, doc: 'Number of this contract.' },
    name: {
      type: 'string',
      min: 1,
      max: MAX_NAME,
      doc: 'What nsbox ps and nsbox enter call the box. Two boxes may have the same.',
    },
    namespaces: {
      type: 'flags',
      values: NAMESPACES,
      required: true,
      doc: 'Namespaces that are the box\'s own, made or entered; "mount" always is.',
    },
    idmap: { type: 'object', of: 'idmap', doc: 'Id maps of the new user namespace.' },
    enter: {
      type: 'object',
      of: 'enter',
      doc: 'The running box that the command is started in; then nothing is made, the command leads a process group of its own, and root, mounts, idmap, hostname, loopback, ping and lowPorts are absent.',
    },
    root: { type: 'variant', of: 'root', doc: 'What the box sees as its root directory; there unless enter is.' },
    mounts: { type: 'variants', of: 'mount', max: 100000, doc: 'What is mounted or made in the root, in this order.' },
    own: {
      type: 'strings',
      entry: 'path',
      doc: "Directories of nsbox itself on the host. Where the box could write to one, or to a directory above it, it becomes read-only and can't be moved; a missing one is made, empty.",
    },
    takeBack: {
      type: 'bool',
      doc: 'Remove what was made for this box in its root, such as mount points, when the box has ended and nobody uses it.',
    },
    noFollow: { type: 'bool', doc: 'Refuse paths of the host with a symbolic link in them.' },
    hostname: { type: 'string', min: 1, max: 64, doc: 'Host name of the new uts namespace.' },
    loopback: { type: 'bool', doc: 'Bring up lo in the new net namespace.' },
    ping: {
      type: 'bool',
      doc: 'Let all groups that are mapped in the box open ICMP sockets in the new net namespace, as ping does: net.ipv4.ping_group_range.',
    },
    lowPorts: {
      type: 'bool',
      doc: 'Let everybody listen on ports below 1024 in the new net namespace: net.ipv4.ip_unprivileged_port_start.',
    },
    cgroup: {
      type: 'object',
      of: 'cgroup',
      doc: 'A control group (version 2) of its own for the box, made where the caller may make one.',
    },
    helpers: {
      type: 'objects',
      of: 'helper',
      max: 16,
      doc: 'Programs that are started outside of the box, in this order, when its namespaces are there. The command is not executed before all of them are ready; they end with the box.',
    },
    process: { type: 'object', of: 'process', required: true, doc: 'The command and what it gets.' },
    supervision: { type: 'object', of: 'supervision', doc: 'How the box is watched and reported.' },
  },
  enter: {
    pid: { type: 'int', min: 1, max: MAX_PID, required: true, doc: 'A process of the box, by its number outside.' },
    started: {
      type: 'int',
      min: 0,
      max: MAX_SIZE,
      required: true,
      doc: 'When it was started, in ticks since the boot: field 22 of /proc/PID/stat, proc(5). A process that got the number later is not entered.',
    },
  },
  idmap: {
    by: {
      type: 'enum',
      values: ['self', 'parent', 'helper'],
      required: true,
      doc: 'What writes the maps: the box itself (its own id only), the process that made it (privileged), or newuidmap and newgidmap.',
    },
    uid: { type: 'objects', of: 'idrange', min: 1, max: 340, required: true, doc: 'User id ranges.' },
    gid: { type: 'objects', of: 'idrange', min: 1, max: 340, required: true, doc: 'Group id ranges.' },
    setgroups: { type: 'bool', doc: 'Leave setgroups(2) allowed in the box; never with "self".' },
  },
  idrange: {
    inside: { type: 'int', min: 0, max: MAX_ID, required: true, doc: 'First id in the box.' },
    outside: { type: 'int', min: 0, max: MAX_ID, required: true, doc: 'First id outside of it.' },
    count: { type: 'int', min: 1, max: MAX_ID + 1, required: true, doc: 'Number of ids.' },
  },
  filesystem: {
    path: { type: 'string', path: 'host', required: true, doc: 'File on the host.' },
    type: {
      type: 'enum',
      values: FILESYSTEMS,
      required: true,
      doc: 'Which file system is in it; ext4 also reads ext2 and ext3.',
    },
    offset: { type: 'int', min: 0, max: MAX_SIZE, doc: 'Byte of the file where it begins; absent: its first.' },
    size: { type: 'int', min: 0, max: MAX_SIZE, doc: "Its bytes; 0 or absent: all to the file's end." },
    inner: { type: 'object', of: 'inner', doc: 'The file system that shows is one in a file of this one.' },
  },
  inner: {
    path: { type: 'string', min: 1, required: true, doc: 'Path of the file from the top; no link is followed.' },
    type: { type: 'enum', values: FILESYSTEMS, required: true, doc: 'Which file system is in it.' },
  },
  helper: {
    program: {
      type: 'string',
      path: 'host',
      doc: 'File on the host to execute. It gets the environment of the sidecar, a session of its own, standard error, descriptor 3, to which it writes a byte when it is ready, descriptor 4, the directory of the first process of the box in /proc, and, where there is one, the status descriptor as 5.',
    },
    part: {
      type: 'enum',
      values: PARTS,
      doc: 'In place of program: a program of nsbox itself, which the sidecar has in its own executable, or beside it as nsbox-PART.',
    },
    argv: { type: 'strings', min: 1, required: true, doc: 'Its name and its arguments.' },
    ends: { type: 'enum', values: ['nothing', 'box'], default: 'nothing', doc: 'What its end ends, once it is ready.' },
  },
  cgroup: {
    memory: { type: 'int', min: 1, max: MAX_SIZE, doc: 'Bytes of memory, and no swap; absent: no limit.' },
    cpuQuota: {
      type: 'int',
      min: 1000,
      max: MAX_QUOTA,
      doc: 'Microseconds of processor time in each period, of all processors together; absent: no limit.',
    },
    cpuPeriod: { type: 'int', min: 1000, max: 1000000, default: 100000, doc: 'Microseconds of a period.' },
    pids: {
      type: 'int',
      min: 1,
      max: MAX_PIDS,
      doc: 'Processes and threads, the init of the box among them; absent: no limit.',
    },
  },
  process: {
    argv: { type: 'strings', min: 1, required: true, doc: 'The command and its arguments.' },
    program: {
      type: 'string',
      min: 1,
      doc: 'What to execute, where it is not argv[0]. Without a slash it is looked for in the PATH of the box.',
    },
    env: { type: 'object', of: 'env', doc: 'Environment.' },
    cwd: { type: 'string', path: true, doc: 'Working directory in the box; absent: "/".' },
    cwdOfHost: {
      type: 'bool',
      doc: 'cwd is a directory of the host: the command starts there only if the box shows that very directory.',
    },
    cwdOfCaller: { type: 'bool', doc: 'The same for the directory that the plan is run from; cwd is then absent.' },
    cwdFallback: {
      type: 'string',
      path: true,
      doc: 'Where the command starts if the box doesn\'t show that directory, or "/" if it lacks this one too; absent: that is an error.',
    },
    uid: { type: 'int', min: 0, max: MAX_ID, default: -1, doc: 'User id in the box; absent: as it is.' },
    gid: { type: 'int', min: 0, max: MAX_ID, default: -1, doc: 'Group id in the box; absent: as it is.' },
    dropGroups: { type: 'bool', doc: 'Drop all supplementary groups.' },
    groups: {
      type: 'ids',
      min: 1,
      max: MAX_GROUPS,
      doc: 'Supplementary groups in the box, in place of all others.',
    },
    capabilities: {
      type: 'flags',
      values: CAPABILITIES,
      doc: 'Capabilities that the command may have at most; absent: none.',
    },
    noNewPrivs: { type: 'bool', doc: 'Set no_new_privs: setuid programs and file capabilities give nothing.' },
    seccomp: { type: 'object', of: 'seccomp', doc: 'The filter of system calls; absent: none.' },
    landlock: {
      type: 'flags',
      values: SCOPES,
      doc: 'What Landlock closes: abstract Unix sockets that others listen on and signals to processes outside the box (both from Linux 6.12 on), and tracing of processes that this command did not start ("trace", from Linux 5.19 on).',
    },
    limits: { type: 'objects', of: 'limit', max: 16, doc: 'Resource limits, setrlimit(2).' },
    keepFds: {
      type: 'ids',
      min: 1,
      max: MAX_KEPT,
      doc: 'Open descriptors of the caller that the command gets too, under the same numbers, each named once.',
    },
    resetSignals: { type: 'flags', values: RESET_SIGNALS, doc: 'Signals whose disposition goes back to the default.' },
    newSession: { type: 'bool', doc: 'Run in a session of its own, setsid(2).' },
    pause: {
      type: 'bool',
      doc: 'Execute nothing: a process with the privileges of a command waits in its place, so that the box stays for commands that enter it.',
    },
  },
  seccomp: {
    from: {
      type: 'string',
      min: 1,
      required: true,
      doc: 'What the filter was made from: "default", "default with user namespaces" or a file; each also "with fake root", or "and fake root".',
    },
    filter: {
      type: 'base64',
      unit: 8,
      max: 4096 * 8,
      required: true,
      doc: 'Array of struct sock_filter, as this machine has it; seccomp(2).',
    },
  },
  env: {
    inherit: { type: 'bool', doc: 'Start from the environment of the sidecar.' },
    pass: { type: 'strings', doc: 'Names of variables to take from it where it is not inherited.' },
    unset: { type: 'strings', doc: 'Variables to remove from it.' },
    set: { type: 'strings', entry: 'assignment', doc: 'NAME=VALUE entries to add, in order.' },
  },
  limit: {
    resource: { type: 'enum', values: LIMITS, required: true, doc: 'Which limit.' },
    soft: { type: 'int', min: -1, max: MAX_SIZE, required: true, doc: 'Soft limit; -1 is no limit.' },
    hard: { type: 'int', min: -1, max: MAX_SIZE, doc: 'Hard limit; absent: as it is.', default: -2 },
  },
  supervision: {
    init: {
      type: 'bool',
      doc: 'Run an init as process 1 that reaps and forwards signals; without it the command is process 1.',
    },
    timeout: {
      type: 'int',
      min: 0,
      max: MAX_MILLISECONDS,
      doc: 'Milliseconds after which the command gets TERM; 0 is no limit.',
    },
    grace: {
      type: 'int',
      min: 0,
      max: MAX_MILLISECONDS,
      doc: 'Milliseconds after TERM until all that is left is killed.',
    },
    dieWithParent: { type: 'bool', doc: 'Kill the box when the process that started nsbox ends.' },
    statusFd: {
      type: 'int',
      min: 0,
      max: MAX_FD,
      default: -1,
      doc: 'Descriptor to which events are written as JSON lines.',
    },
    gateFd: {
      type: 'int',
      min: 3,
      max: MAX_FD,
      default: -1,
      doc: 'Descriptor on which the box waits when all is set up, before its command is executed ("ready" on the status descriptor): one byte lets it go on, and its end without one ends the box.',
    },
    verbose: { type: 'bool', doc: 'Print each phase with its time on stderr.' },
    quiet: { type: 'bool', doc: 'Print no warnings and no hints.' },
    errors: {
      type: 'enum',
      values: ['stderr', 'status'],
      default: 'stderr',
      doc: 'Where a failure of nsbox itself is reported: on stderr, or on the status descriptor alone.',
    },
  },
} as const satisfies Record<string, Table>
