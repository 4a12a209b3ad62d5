/**
 * The option table: the only place where an option of the command line is named. The walk over the command line looks here;
 * help, completions and the option reference of the README are made from it. What each does is in apply.ts.
 *
 * Rows are arrays of constants, which the runtime takes as they are stored. Objects it would make one property at a time, at
 * every start.
 */
import type { Options } from './types.ts'

export const GROUPS = ['root', 'mounts', 'namespaces', 'identity', 'privileges', 'limits', 'process', 'reporting', 'baking', 'building a root'] as const
export type Group = (typeof GROUPS)[number]

/** `Sets`: the keys that such a row may set. */
export type Row<Sets extends string = string> = readonly [
  name: string,
  group: Group,
  /** Placeholder of its value; '' for a flag. */
  value: string,
  /** One sentence, lower case, no full stop. */
  doc: string,
  /** Key of `Options` that it sets; '' for an option that one verb alone takes, which that verb reads. */
  sets: Sets,
  /**
   * Value where `--name` stands alone, `true` for none at all, '' where it has to have one. What may stand alone takes a value
   * only as `--name=value`: the next word may be the command.
   */
  alone?: string | true,
  /** May stand several times, and each counts. For all others the last one counts. */
  repeat?: true,
]

export const TABLE = [
  ['root', 'root', 'DIR', 'use DIR as the root directory; without it the box sees the host\'s files', 'root'],
  ['ro', 'root', '', 'make the root read-only', 'ro'],
  ['overlay', 'root', 'DIR', 'changes to the root vanish at the end; with DIR they stay there', 'overlay', true],

  ['bind', 'mounts', 'SRC[:DST]', 'show SRC of the host, writable, as DST (default: the same path)', 'mounts', '', true],
  ['ro-bind', 'mounts', 'SRC[:DST]', 'as --bind, but read-only; a file only until somebody outside renames another over it', 'mounts', '', true],
  ['dev-bind', 'mounts', 'SRC[:DST]', 'as --bind, and device files work', 'mounts', '', true],
  ['tmpfs', 'mounts', 'DIR[:size=64m,mode=1777,ro]', 'an empty directory in memory; ro: only what other options put there', 'mounts', '', true],
  ['proc', 'mounts', 'DIR', '/proc of the box\'s own processes', 'mounts', '/proc', true],
  ['dev', 'mounts', 'DIR', 'a minimal /dev', 'mounts', '/dev', true],
  ['mask', 'mounts', 'PATH', 'hide PATH of the box: an empty read-only file or directory, but for what later options put below it; a file only until somebody outside renames another over it', 'mounts', '', true],
  ['dir', 'mounts', 'PATH[:MODE]', 'make a directory, with the octal MODE (default: 0755)', 'mounts', '', true],
  ['symlink', 'mounts', 'TARGET:PATH', 'make PATH a symbolic link to TARGET', 'mounts', '', true],
  ['file', 'mounts', 'SRC:DST', 'make DST a file with the content of SRC of the host', 'mounts', '', true],
  ['no-follow', 'mounts', '', 'refuse SRC and DIR of the host with a symbolic link anywhere in the path', 'noFollow'],

  ['share', 'namespaces', 'NS[,NS]', 'keep the host\'s namespace: pid, ipc, uts, cgroup, user; or its abstract sockets: abstract, for X11', 'share', '', true],
  ['net', 'namespaces', 'host|none', 'the host\'s network (default), or none but a loopback of its own', 'net'],
  ['nest', 'namespaces', '', 'for a box in a container or in another box: a user namespace, and the /proc around it, read-only', 'nest'],
  ['hostname', 'namespaces', 'NAME', 'host name in the box', 'hostname'],

  ['user', 'identity', 'UID[:GID]', 'user and group id in the box', 'user'],
  ['map-root', 'identity', '', 'be root in the box', 'mapRoot'],
  ['map-auto', 'identity', '', 'also map the id ranges that /etc/subuid and /etc/subgid give to you; you are root in the box, unless --user says who', 'mapAuto'],
  ['userns', 'identity', '', 'a new user namespace, also when root starts the box', 'userns'],

  ['cap-add', 'privileges', 'CAP|all', 'let the command have a capability, such as net_admin, or net_raw for ping where net.ipv4.ping_group_range lets nobody', 'capabilities', '', true],
  ['cap-drop', 'privileges', 'CAP|all', 'take one of the default capabilities away', 'capabilities', '', true],
  ['allow-new-privs', 'privileges', '', 'let setuid programs and file capabilities have their effect', 'allowNewPrivs'],
  ['allow-userns', 'privileges', '', 'let programs make user namespaces of their own, as sandboxes of browsers, bwrap and podman do: more of the kernel is in reach', 'allowUserns'],
  ['seccomp', 'privileges', 'default|none|FILE', 'filter of system calls: the default one, none, or that of a profile as container engines have it', 'seccomp'],
  ['privileged', 'privileges', '', 'all capabilities for root, no filter, no masks, setuid programs work: no protection from the command', 'privileged'],

  ['timeout', 'limits', 'TIME', 'end the box after TIME, such as 10s or 1.5m: TERM, and KILL 10 s later; the status is 124', 'timeout'],
  ['memory', 'limits', 'SIZE', 'memory of the whole box, such as 512m or 2g, without swap; one that needs more is killed', 'memory'],
  ['cpus', 'limits', 'N', 'processor time of the whole box, such as 1.5 for one and a half processors', 'cpus'],
  ['pids', 'limits', 'N', 'processes and threads that the command may be, all together', 'pids'],
  ['ulimit', 'limits', 'NAME=SOFT[:HARD]', 'a limit for each process of the box, such as nofile=1024, cpu=60, as=1g or core=unlimited', 'ulimits', '', true],

  ['cwd', 'process', 'DIR', 'directory of the box to start in; without it your own, which the box has to show, or / in a root that does not show it', 'cwd'],
  ['env', 'process', 'NAME[=VALUE]', 'set a variable, or pass yours on', 'env', '', true],
  ['env-file', 'process', 'FILE', 'set the NAME=VALUE lines of FILE', 'env', '', true],
  ['clear-env', 'process', '', 'start from an empty environment', 'clearEnv'],
  ['argv0', 'process', 'NAME', 'what the command sees as its own name', 'argv0'],
  ['new-session', 'process', '', 'a session of its own, without your terminal as controlling terminal', 'newSession'],
  ['die-with-parent', 'process', '', 'kill the box when the process that started it ends', 'dieWithParent'],
  ['no-init', 'process', '', 'the command itself is process 1', 'init'],

  ['status-fd', 'reporting', 'N', 'write events as JSON lines to descriptor N', 'statusFd'],
  ['verbose', 'reporting', '', 'tell each phase with its time on stderr', 'verbose'],
  ['quiet', 'reporting', '', 'say nothing but errors', 'quiet'],
] as const satisfies readonly Row<keyof Options>[]

/** One letter that stands for a name, behind a single dash. */
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

/** An option of the library without one here is a compile error in this line. */
export type Unset = Never<Exclude<keyof Options, (typeof TABLE)[number][4]>>
type Never<T extends never> = T
