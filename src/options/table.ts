/**
 * The option table: the only place that lists the command line's options. The walk over the command line reads it;
 * help, completions and the option reference are made from it. apply.ts has what each option does.
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
  'profiles',
  'baking',
  'building a root',
  'images',
] as const
export type Group = (typeof GROUPS)[number]

export type OptionRow<Key extends string = string> = {
  name: string
  /** A letter that stands for the name, behind a single dash. */
  short?: string | undefined
  group: Group
  /** Placeholder of its value; absent for a flag. */
  value?: string
  /**
   * The value where `--name` stands alone, or `true` for no value at all; absent where the option needs one. An option
   * that may stand alone takes a value only as `--name=value`, since the next word may be the command.
   */
  alone?: string | true
  /** The option may stand several times, and each counts. For all others the last one counts. */
  repeat?: true
  /** Key of `Options` that it sets; absent for an option that only one verb takes and reads. */
  sets?: Key
  /** Words that the value may be or start with, for completions. */
  choices?: readonly string[]
  /** One sentence, lower case, no full stop. */
  doc: string
}

export const TABLE = [
  {
    name: 'root',
    short: 'r',
    group: 'root',
    value: 'DIR',
    sets: 'root',
    doc: "use DIR as the root directory; without it the box sees the host's files",
  },
  {
    name: 'image',
    group: 'root',
    value: 'REF',
    sets: 'image',
    doc: "use the image REF as the root: HOST/NAME[:TAG] in a registry, a file (ISO, squashfs, tar, cpio), a layout or a directory; the image's settings are the command's defaults, and changes vanish",
  },
  {
    name: 'platform',
    group: 'root',
    value: 'OS/ARCH[/VARIANT]',
    sets: 'platform',
    doc: "use the image for another platform than this machine's, such as linux/arm64",
  },
  {
    name: 'pull',
    group: 'root',
    value: 'missing|always|never',
    sets: 'pull',
    doc: 'ask the registry for the image only if the cache lacks it (default), each time, or never',
  },
  {
    name: 'insecure',
    group: 'root',
    sets: 'insecure',
    doc: 'allow plain http, too, for a registry on another machine',
  },
  {
    name: 'entrypoint',
    group: 'root',
    value: 'PROGRAM',
    sets: 'entrypoint',
    doc: "run PROGRAM of the image in place of the image's own Entrypoint and Cmd",
  },
  {
    name: 'trust-image',
    group: 'root',
    sets: 'trustImage',
    doc: 'let the kernel mount the image file (squashfs, erofs, ext4, live ISO) in place of unpacking it; as root, and only for a file that you trust with the machine',
  },
  { name: 'ro', group: 'root', sets: 'ro', doc: 'make the root read-only' },
  {
    name: 'overlay',
    group: 'root',
    value: 'DIR',
    alone: true,
    sets: 'overlay',
    doc: 'changes to the root vanish at the end; with DIR they stay there',
  },
  {
    name: 'changes',
    group: 'root',
    value: 'in-place|review',
    sets: 'changes',
    doc: 'with review, nothing that the command changes reaches the host before you have looked at it: nsbox changes lists it, nsbox apply brings it there',
  },
  {
    name: 'host-files',
    group: 'root',
    value: 'localtime',
    alone: true,
    sets: 'hostFiles',
    doc: "show the host's resolv.conf, hosts and hostname in a root of its own, and with localtime its time zone",
  },
  {
    name: 'no-host-files',
    group: 'root',
    sets: 'hostFiles',
    doc: "keep the image's own resolv.conf, hosts and hostname",
  },

  {
    name: 'bind',
    short: 'b',
    group: 'mounts',
    value: 'SRC[:DST]',
    repeat: true,
    sets: 'mounts',
    doc: 'show SRC of the host, writable, as DST (default: the same path)',
  },
  {
    name: 'ro-bind',
    group: 'mounts',
    value: 'SRC[:DST]',
    repeat: true,
    sets: 'mounts',
    doc: 'as --bind, but read-only; a file loses that when somebody outside renames another over it',
  },
  {
    name: 'bind-try',
    group: 'mounts',
    value: 'SRC[:DST]',
    repeat: true,
    sets: 'mounts',
    doc: 'as --bind, but left out where SRC is missing when the box starts',
  },
  {
    name: 'ro-bind-try',
    group: 'mounts',
    value: 'SRC[:DST]',
    repeat: true,
    sets: 'mounts',
    doc: 'as --ro-bind, but left out where SRC is missing when the box starts',
  },
  {
    name: 'dev-bind',
    group: 'mounts',
    value: 'SRC[:DST]',
    repeat: true,
    sets: 'mounts',
    doc: 'as --bind, and device files work',
  },
  {
    name: 'tmpfs',
    group: 'mounts',
    value: 'DIR[:size=64m,mode=1777,ro]',
    repeat: true,
    sets: 'mounts',
    doc: 'an empty directory in memory; ro: read-only but for what other options put there; DIR / as the first mount: the root itself',
  },
  {
    name: 'proc',
    group: 'mounts',
    value: 'DIR',
    alone: '/proc',
    repeat: true,
    sets: 'mounts',
    doc: "/proc of the box's own processes",
  },
  { name: 'dev', group: 'mounts', value: 'DIR', alone: '/dev', repeat: true, sets: 'mounts', doc: 'a minimal /dev' },
  {
    name: 'mask',
    group: 'mounts',
    value: 'PATH|PATTERN',
    repeat: true,
    sets: 'mounts',
    doc: 'hide PATH of the box behind an empty read-only file or directory; later options may mount below it; the box ends when somebody outside replaces it; a PATTERN as for --hide has to match something',
  },
  {
    name: 'dir',
    group: 'mounts',
    value: 'PATH[:MODE]',
    repeat: true,
    sets: 'mounts',
    doc: 'make a directory, with the octal MODE (default: 0755)',
  },
  {
    name: 'symlink',
    group: 'mounts',
    value: 'TARGET:PATH',
    repeat: true,
    sets: 'mounts',
    doc: 'make PATH a symbolic link to TARGET',
  },
  {
    name: 'file',
    group: 'mounts',
    value: 'SRC:DST',
    repeat: true,
    sets: 'mounts',
    doc: 'make DST a file with the content of SRC of the host',
  },
  {
    name: 'write',
    group: 'mounts',
    value: 'PATH',
    repeat: true,
    sets: 'write',
    doc: 'let the box write to PATH of the host; like --keep and --hide it is a rule: their order has no meaning, the longest path decides, and the rest of the host is read-only (--write / lifts that)',
  },
  {
    name: 'keep',
    group: 'mounts',
    value: 'PATH',
    repeat: true,
    sets: 'keep',
    doc: 'keep PATH of the host read-only where a rule above it lets the box write; what is missing is reported, and the box may make it',
  },
  {
    name: 'write-try',
    group: 'mounts',
    value: 'PATH',
    repeat: true,
    sets: 'writeTry',
    doc: 'as --write, but left out where PATH is missing when the box starts',
  },
  {
    name: 'keep-try',
    group: 'mounts',
    value: 'PATH',
    repeat: true,
    sets: 'keepTry',
    doc: 'as --keep, but nothing is said of what is missing, which the box may make',
  },
  {
    name: 'hide',
    group: 'mounts',
    value: 'PATH|PATTERN',
    repeat: true,
    sets: 'hide',
    doc: "hide PATH of the host, which may be missing: a directory is empty, a file can't be opened, not even by root; --write and --keep of a path below give that back; a PATTERN such as '**/.env' hides all that is there when the box starts, '!**/test/**' leaves some in sight",
  },
  {
    name: 'allow-socket',
    group: 'mounts',
    value: 'PATH',
    repeat: true,
    sets: 'sockets',
    doc: "hide the host's Unix sockets that have a path, such as D-Bus and docker, but for PATH, or those in the directory PATH",
  },
  {
    name: 'no-follow',
    group: 'mounts',
    sets: 'noFollow',
    doc: 'refuse a SRC or DIR of the host whose path has a symbolic link in it',
  },

  {
    name: 'share',
    group: 'namespaces',
    value: 'NS[,NS]',
    repeat: true,
    sets: 'share',
    doc: "keep the host's namespace: pid, ipc, uts, cgroup or user; or, for X11, its abstract sockets: abstract",
  },
  {
    name: 'net',
    group: 'namespaces',
    value: 'host|none|user',
    sets: 'net',
    doc: "host: the host's network (default); none: a network with nothing but a loopback; user: one that reaches what the host does, but not the host's loopback, by the host's program pasta",
  },
  {
    name: 'allow-host',
    group: 'namespaces',
    value: 'NAME[:PORT]',
    repeat: true,
    sets: 'allowHosts',
    doc: 'let the box connect to the host NAME on PORT (443), and to nothing else: a network of its own, TCP alone; *.example.org is every host below example.org',
  },
  {
    name: 'allow-private',
    group: 'namespaces',
    sets: 'allowPrivate',
    doc: 'let hosts of --allow-host have addresses of private networks and of this machine, too',
  },
  {
    name: 'check-sni',
    group: 'namespaces',
    sets: 'checkSni',
    doc: 'connections to hosts of --allow-host must begin with a TLS hello that has the very name',
  },
  {
    name: 'publish',
    short: 'p',
    group: 'namespaces',
    value: '[ADDR:]PORT:PORT',
    repeat: true,
    sets: 'publish',
    doc: 'pass connections to the first PORT of ADDR (127.0.0.1) here to the second PORT of the box, which has a network of its own',
  },
  {
    name: 'nest',
    group: 'namespaces',
    sets: 'nest',
    doc: 'for a box in a container or in another box: a user namespace, and the /proc around it, read-only',
  },
  { name: 'hostname', group: 'namespaces', value: 'NAME', sets: 'hostname', doc: 'host name in the box' },

  {
    name: 'user',
    short: 'u',
    group: 'identity',
    value: 'USER[:GROUP]',
    sets: 'user',
    doc: "user and group in the box: ids, or names of the box's own /etc/passwd and /etc/group; a name brings its groups, where the box has such ids, and its HOME",
  },
  { name: 'map-root', group: 'identity', sets: 'mapRoot', doc: 'be root in the box' },
  {
    name: 'map-auto',
    group: 'identity',
    sets: 'mapAuto',
    doc: 'be root in the box, or the user of --user, and map the id ranges that /etc/subuid and /etc/subgid give you',
  },
  { name: 'userns', group: 'identity', sets: 'userns', doc: 'a new user namespace, also when root starts the box' },
  {
    name: 'fake-root',
    group: 'identity',
    sets: 'fakeRoot',
    doc: 'answer chown, setuid and the like with success and do nothing, so that apt-get install works with one id (--map-root); a lie: all files are yours, and su nobody stays root',
  },
  {
    name: 'no-fake-root',
    group: 'identity',
    sets: 'fakeRoot',
    doc: 'switch off --fake-root, which is the default for an image whose root has one id',
  },

  {
    name: 'cap-add',
    group: 'privileges',
    value: 'CAP[,CAP]',
    repeat: true,
    sets: 'capabilities',
    doc: 'give the command capabilities, or all; such as net_admin, or net_raw for ping where net.ipv4.ping_group_range allows no group',
  },
  {
    name: 'cap-drop',
    group: 'privileges',
    value: 'CAP[,CAP]',
    repeat: true,
    sets: 'capabilities',
    doc: 'take default capabilities away, or all',
  },
  {
    name: 'allow-new-privs',
    group: 'privileges',
    sets: 'allowNewPrivs',
    doc: 'let setuid programs and file capabilities have their effect',
  },
  {
    name: 'allow-userns',
    group: 'privileges',
    sets: 'allowUserns',
    doc: "let programs make user namespaces, as browsers' sandboxes, bwrap and podman do; they then reach more of the kernel",
  },
  {
    name: 'seccomp',
    group: 'privileges',
    value: 'default|socketcall|none|FILE',
    sets: 'seccomp',
    doc: "filter of system calls: the default one, the same with sockets for old 32-bit programs, none, or a container engine's profile in FILE",
  },
  {
    name: 'privileged',
    group: 'privileges',
    sets: 'privileged',
    doc: 'all capabilities for root, no filter, no masks, setuid programs work: no protection from the command',
  },

  {
    name: 'timeout',
    group: 'limits',
    value: 'TIME',
    sets: 'timeout',
    doc: 'end the box after TIME, such as 10s or 1.5m: TERM, and KILL 10 s later; the status is 124',
  },
  {
    name: 'memory',
    group: 'limits',
    value: 'SIZE',
    sets: 'memory',
    doc: 'memory of the whole box, such as 512m or 2g, without swap; a box that needs more is killed',
  },
  {
    name: 'cpus',
    group: 'limits',
    value: 'N',
    sets: 'cpus',
    doc: 'processor time of the whole box, such as 1.5 for one and a half processors',
  },
  {
    name: 'pids',
    group: 'limits',
    value: 'N',
    sets: 'pids',
    doc: 'processes and threads that the command may have, all together',
  },
  {
    name: 'ulimit',
    group: 'limits',
    value: 'NAME=SOFT[:HARD]',
    repeat: true,
    sets: 'ulimits',
    doc: 'a limit for each process of the box, such as nofile=1024, cpu=60, as=1g or core=unlimited',
  },

  {
    name: 'cwd',
    short: 'w',
    group: 'process',
    value: 'DIR',
    sets: 'cwd',
    doc: 'directory of the box to start in (default: your own, which the box has to show; / in a root that does not show it)',
  },
  {
    name: 'env',
    short: 'e',
    group: 'process',
    value: 'NAME[=VALUE]',
    repeat: true,
    sets: 'env',
    doc: 'set a variable, or pass yours on',
  },
  {
    name: 'env-file',
    group: 'process',
    value: 'FILE',
    repeat: true,
    sets: 'env',
    doc: 'set the NAME=VALUE lines of FILE',
  },
  {
    name: 'unset-env',
    group: 'process',
    value: 'NAME',
    repeat: true,
    sets: 'env',
    doc: 'leave a variable out, whoever has set it',
  },
  { name: 'clear-env', group: 'process', sets: 'clearEnv', doc: 'start from an empty environment' },
  {
    name: 'keep-fd',
    group: 'process',
    value: 'N[,N]',
    repeat: true,
    sets: 'keepFds',
    doc: 'give the command your open descriptor N under the same number, such as that of <(COMMAND) in a shell; no directory',
  },
  { name: 'argv0', group: 'process', value: 'NAME', sets: 'argv0', doc: 'what the command sees as its own name' },
  {
    name: 'new-session',
    group: 'process',
    sets: 'newSession',
    doc: 'run in a new session, without your terminal as controlling terminal',
  },
  {
    name: 'die-with-parent',
    group: 'process',
    sets: 'dieWithParent',
    doc: 'kill the box when the process that started it ends',
  },
  { name: 'no-init', group: 'process', sets: 'init', doc: 'make the command itself process 1' },

  {
    name: 'name',
    group: 'reporting',
    value: 'NAME',
    sets: 'name',
    doc: 'what nsbox ps and nsbox enter call the box: letters, digits, . _ and -, at most 64',
  },
  {
    name: 'status-fd',
    group: 'reporting',
    value: 'N',
    sets: 'statusFd',
    doc: 'write events as JSON lines to descriptor N',
  },
  {
    name: 'trace-denied',
    group: 'reporting',
    sets: 'traceDenied',
    doc: 'list what the box has refused, with the rule and the option that would allow it, at its end; each system call then takes long: for finding out',
  },
  { name: 'verbose', group: 'reporting', sets: 'verbose', doc: 'print each phase with its time on stderr' },
  { name: 'quiet', short: 'q', group: 'reporting', sets: 'quiet', doc: 'print nothing but errors' },

  {
    name: 'profile',
    group: 'profiles',
    value: 'NAME|FILE',
    repeat: true,
    doc: 'take options from the preset NAME (nsbox profile show lists them), or from FILE, a path with a slash or a dot: JSON with comments or TOML, whose keys are those of the library (roBind); paths of the host in it start from its directory, those of rules from yours, and the options here come after',
  },
  {
    name: 'srt-settings',
    group: 'profiles',
    value: 'FILE',
    doc: "permit what the settings of sandbox-runtime in FILE permit, after all profiles; what nsbox can't do is an error that names the key",
  },
] as const satisfies readonly OptionRow<keyof Options>[]

/** A key of `Options` that no row sets is a compile error in this line. */
export type Unset = Never<Exclude<keyof Options, Extract<(typeof TABLE)[number], { sets: string }>['sets']>>
type Never<T extends never> = T
