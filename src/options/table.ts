/**
 * The option table: the only place that lists the command line's options. The walk over the command line reads it;
 * help, completions and the README's option reference are made from it. apply.ts has what each option does.
 *
 * Rows are arrays of constants, which the runtime loads as they are stored. It would build objects one property at a
 * time, at every start.
 */
import type { Options } from './types.ts'

export const GROUPS = [
  'root',
  'mounts',
  'namespaces',
  'identity',
  'privileges',
  'limits',
  'process',
  'reporting',
  'baking',
  'building a root',
] as const
export type Group = (typeof GROUPS)[number]

/** `Sets`: the keys that such a row may set. */
export type Row<Sets extends string = string> = readonly [
  name: string,
  group: Group,
  /** Placeholder of its value; '' for a flag. */
  value: string,
  /** One sentence, lower case, no full stop. */
  doc: string,
  /** Key of `Options` that it sets; '' for an option that only one verb takes and reads. */
  sets: Sets,
  /**
   * The value where `--name` stands alone: `true` for no value at all, '' where the option needs one. An option that
   * may stand alone takes a value only as `--name=value`, since the next word may be the command.
   */
  alone?: string | true,
  /** The option may stand several times, and each counts. For all others the last one counts. */
  repeat?: true,
]

export const TABLE = [
  ['root', 'root', 'DIR', "use DIR as the root directory; without it the box sees the host's files", 'root'],
  ['ro', 'root', '', 'make the root read-only', 'ro'],
  ['overlay', 'root', 'DIR', 'changes to the root vanish at the end; with DIR they stay there', 'overlay', true],

  [
    'bind',
    'mounts',
    'SRC[:DST]',
    'show SRC of the host, writable, as DST (default: the same path)',
    'mounts',
    '',
    true,
  ],
  [
    'ro-bind',
    'mounts',
    'SRC[:DST]',
    'as --bind, but read-only; a file loses that when somebody outside renames another over it',
    'mounts',
    '',
    true,
  ],
  ['dev-bind', 'mounts', 'SRC[:DST]', 'as --bind, and device files work', 'mounts', '', true],
  [
    'tmpfs',
    'mounts',
    'DIR[:size=64m,mode=1777,ro]',
    'an empty directory in memory; ro: read-only but for what other options put there; DIR / as the first mount: the root itself',
    'mounts',
    '',
    true,
  ],
  ['proc', 'mounts', 'DIR', "/proc of the box's own processes", 'mounts', '/proc', true],
  ['dev', 'mounts', 'DIR', 'a minimal /dev', 'mounts', '/dev', true],
  [
    'mask',
    'mounts',
    'PATH',
    'hide PATH of the box behind an empty read-only file or directory; later options may mount below it; a file shows again when somebody outside renames another over it',
    'mounts',
    '',
    true,
  ],
  ['dir', 'mounts', 'PATH[:MODE]', 'make a directory, with the octal MODE (default: 0755)', 'mounts', '', true],
  ['symlink', 'mounts', 'TARGET:PATH', 'make PATH a symbolic link to TARGET', 'mounts', '', true],
  ['file', 'mounts', 'SRC:DST', 'make DST a file with the content of SRC of the host', 'mounts', '', true],
  ['no-follow', 'mounts', '', 'refuse a SRC or DIR of the host whose path has a symbolic link in it', 'noFollow'],

  [
    'share',
    'namespaces',
    'NS[,NS]',
    "keep the host's namespace: pid, ipc, uts, cgroup or user; or, for X11, its abstract sockets: abstract",
    'share',
    '',
    true,
  ],
  [
    'net',
    'namespaces',
    'host|none',
    "host: the host's network (default); none: a network with nothing but a loopback",
    'net',
  ],
  [
    'nest',
    'namespaces',
    '',
    'for a box in a container or in another box: a user namespace, and the /proc around it, read-only',
    'nest',
  ],
  ['hostname', 'namespaces', 'NAME', 'host name in the box', 'hostname'],

  ['user', 'identity', 'UID[:GID]', 'user and group id in the box', 'user'],
  ['map-root', 'identity', '', 'be root in the box', 'mapRoot'],
  [
    'map-auto',
    'identity',
    '',
    'be root in the box, or the user of --user, and map the id ranges that /etc/subuid and /etc/subgid give you',
    'mapAuto',
  ],
  ['userns', 'identity', '', 'a new user namespace, also when root starts the box', 'userns'],

  [
    'cap-add',
    'privileges',
    'CAP|all',
    'give the command a capability, such as net_admin, or net_raw for ping where net.ipv4.ping_group_range allows no group',
    'capabilities',
    '',
    true,
  ],
  ['cap-drop', 'privileges', 'CAP|all', 'take a default capability away', 'capabilities', '', true],
  ['allow-new-privs', 'privileges', '', 'let setuid programs and file capabilities have their effect', 'allowNewPrivs'],
  [
    'allow-userns',
    'privileges',
    '',
    "let programs make user namespaces, as browsers' sandboxes, bwrap and podman do; they then reach more of the kernel",
    'allowUserns',
  ],
  [
    'seccomp',
    'privileges',
    'default|none|FILE',
    "filter of system calls: the default one, none, or a container engine's profile in FILE",
    'seccomp',
  ],
  [
    'privileged',
    'privileges',
    '',
    'all capabilities for root, no filter, no masks, setuid programs work: no protection from the command',
    'privileged',
  ],

  [
    'timeout',
    'limits',
    'TIME',
    'end the box after TIME, such as 10s or 1.5m: TERM, and KILL 10 s later; the status is 124',
    'timeout',
  ],
  [
    'memory',
    'limits',
    'SIZE',
    'memory of the whole box, such as 512m or 2g, without swap; a box that needs more is killed',
    'memory',
  ],
  ['cpus', 'limits', 'N', 'processor time of the whole box, such as 1.5 for one and a half processors', 'cpus'],
  ['pids', 'limits', 'N', 'processes and threads that the command may have, all together', 'pids'],
  [
    'ulimit',
    'limits',
    'NAME=SOFT[:HARD]',
    'a limit for each process of the box, such as nofile=1024, cpu=60, as=1g or core=unlimited',
    'ulimits',
    '',
    true,
  ],

  [
    'cwd',
    'process',
    'DIR',
    'directory of the box to start in (default: your own, which the box has to show; / in a root that does not show it)',
    'cwd',
  ],
  ['env', 'process', 'NAME[=VALUE]', 'set a variable, or pass yours on', 'env', '', true],
  ['env-file', 'process', 'FILE', 'set the NAME=VALUE lines of FILE', 'env', '', true],
  ['clear-env', 'process', '', 'start from an empty environment', 'clearEnv'],
  ['argv0', 'process', 'NAME', 'what the command sees as its own name', 'argv0'],
  ['new-session', 'process', '', 'run in a new session, without your terminal as controlling terminal', 'newSession'],
  ['die-with-parent', 'process', '', 'kill the box when the process that started it ends', 'dieWithParent'],
  ['no-init', 'process', '', 'make the command itself process 1', 'init'],

  ['status-fd', 'reporting', 'N', 'write events as JSON lines to descriptor N', 'statusFd'],
  ['verbose', 'reporting', '', 'print each phase with its time on stderr', 'verbose'],
  ['quiet', 'reporting', '', 'print nothing but errors', 'quiet'],
] as const satisfies readonly Row<keyof Options>[]

/** Single letters that stand for a name, behind a single dash. */
export const SHORT = [['o', 'output']] as const

export type OptionRow = {
  name: string
  short?: string
  /** Absent for a flag. */
  value?: string
  alone?: string | true
  repeat?: true
  group: Group
  doc: string
  sets: string
}

/** The row as an object. */
export function optionOf([name, group, value, doc, sets, alone = '', repeat]: Row): OptionRow {
  const option: OptionRow = { name, group, doc, sets }
  if (value !== '') option.value = value
  if (alone !== '') option.alone = alone
  if (repeat) option.repeat = true
  for (const [letter, long] of SHORT) if (long === name) option.short = letter
  return option
}

/** A key of `Options` that no row sets is a compile error in this line. */
export type Unset = Never<Exclude<keyof Options, (typeof TABLE)[number][4]>>
type Never<T extends never> = T
