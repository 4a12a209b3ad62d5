/**
 * Options of other launchers (docker, podman, bubblewrap, firejail, unshare, systemd-run, systemd-nspawn, chroot,
 * nsjail), and what stands for them here. A word whose meaning is an option of ours has that option as its way; of the
 * others a sentence says why there is none.
 */
import { quote } from '../text/quote.ts'

/** The line that would work, made of the word's value: of one behind `=`, and of the next word. Nothing: the way. */
type Line = (attached: string | undefined, next: string | undefined) => string | undefined

/** The words, without dashes, and what a hint says. */
type Known = readonly [words: string, way: string, line?: Line]

/** Of a word that always has a value. */
const ofValue =
  (line: (value: string) => string | undefined): Line =>
  (attached, next) => {
    const value = attached ?? next
    return value === undefined ? undefined : line(value)
  }

/** An option of ours that takes each value of a list. */
const each = (option: string, list: string): string | undefined => {
  const values = list.split(/[,\s]+/).filter((value) => value !== '')
  return values.length === 0 ? undefined : values.map((value) => `${option} ${quote(value)}`).join(' ')
}

/** A path; systemd puts - or + in front. */
const paths = (option: string): Line =>
  ofValue((list) => (/^[-+]?[~./]/.test(list) ? each(option, list.replace(/(^|[\s,])[-+]+/g, '$1')) : undefined))

const hosts: Line = ofValue((list) => (/[.*]/.test(list) ? each('--allow-host', list) : undefined))

const port: Line = ofValue((value) =>
  /^\d+$/.test(value) ? `--publish ${value}:${value}, which gives the box a network of its own` : undefined,
)

const OWN_NETWORK = '--net none; --allow-host NAME gives a network that reaches the named hosts alone'

const network: Line = ofValue((value) => {
  if (value === 'host') return 'not needed: the network is that of the host'
  if (/^(?:bridge|default|slirp4netns|pasta|private|user)\b/.test(value))
    return "--net user, or --allow-host NAME for each host that it may reach; without both the network is the host's"
  return undefined
})

const security: Line = ofValue((value) => {
  const [name, setting] = value.split(/[=:]/)
  if (name === 'no-new-privileges') return 'not needed: programs get no new privileges'
  if (name === 'seccomp' && setting !== undefined)
    return `--seccomp ${setting === 'unconfined' ? 'none' : quote(setting)}`
  return name === 'apparmor' || name === 'label'
    ? "not needed: a box has its caller's profile of AppArmor or SELinux"
    : undefined
})

const KNOWN: readonly Known[] = [
  // What a box does without being asked.
  ['rm', 'not needed: nothing of a box stays when it ends'],
  ['it ti i t interactive tty pty pipe', "not needed: the command has the caller's terminal, input and output"],
  ['no-new-privs nonewprivs noroot', 'not needed: programs get no new privileges unless --allow-new-privs is given'],
  [
    'unshare-all unshare-pid unshare-ipc unshare-uts unshare-cgroup pid-namespace ipc-namespace fork uts ipc cgroup',
    'not needed: a box has these namespaces of its own unless --share NS is given',
  ],
  ['mount-proc', 'not needed: a box has a /proc of its own'],
  [
    'unshare-user unshare-user-try',
    'not needed for ordinary users, who always get a user namespace; for root: --userns',
  ],
  ['init as-pid2', 'not needed: a box has a process 1 that reaps; --no-init leaves it out'],
  ['kill-child sig-proxy', 'not needed: a box ends with nsbox, and signals are passed on'],
  ['disable-userns', 'not needed: programs of a box make no user namespaces unless --allow-userns is given'],
  ['nogroups groups clear-groups', 'not needed: the command has the groups that its user has in the box'],
  ['propagation make-private', "not needed: a box's mounts are private"],
  ['wait scope collect', 'not needed: nsbox ends with the command, and with its exit status'],
  ['map-current-user', 'not needed: an ordinary user keeps the same id in a box'],
  [
    'keep-unit slice unit label log-driver restart',
    'nsbox starts a command and no service: a unit of systemd can have it in its ExecStart=',
  ],
  // What has another name.
  ['volume mount bindmount', '--bind SRC[:DST] shows a file or directory of the host, --ro-bind SRC[:DST] read-only'],
  ['v', '--bind SRC[:DST] shows a file or directory of the host; the version is -V'],
  ['bindro bind-ro bindmount_ro', '--ro-bind SRC[:DST]'],
  ['dev-bind-try', '--dev-bind SRC[:DST], and leave it out where SRC is missing; others: --bind-try, --ro-bind-try'],
  ['device dev-bind-data', '--dev-bind SRC[:DST] shows a device of the host'],
  [
    'read-only readonly',
    '--ro for the root, --ro-bind PATH for a directory',
    (attached) => (attached !== undefined && /^[~./]/.test(attached) ? each('--ro-bind', attached) : undefined),
  ],
  ['read-only-path read-only-paths deny-write bind-read-only-paths', '--ro-bind PATH', paths('--ro-bind')],
  ['bind-path bind-paths filesystem', '--bind PATH', paths('--bind')],
  ['temporary-file-system', '--tmpfs DIR', paths('--tmpfs')],
  ['protect-system', '--ro, and --write PATH for what the command may change'],
  ['protect-home', '--hide ~'],
  ['remount-ro', '--ro for the root, --ro-bind for a directory'],
  ['setenv', '--env NAME=VALUE, or --env NAME for the value that it has here'],
  ['unsetenv', '--unset-env NAME'],
  ['preserve-fds preserve-fd', '--keep-fd N'],
  ['clearenv ignore-environment', '--clear-env'],
  ['workdir working-directory chdir wd pwd skip-chdir', '--cwd DIR names a directory of the box'],
  ['uid gid userspec setuid setgid', '--user USER[:GROUP]'],
  ['map-root-user', '--map-root'],
  ['map-users map-groups uidmap gidmap subuidname', '--map-auto takes the ids of /etc/subuid and /etc/subgid'],
  ['network n', OWN_NETWORK, network],
  ['unshare-net private-network disable-network no-network no-net deny-net offline', OWN_NETWORK],
  ['share-net', 'not needed: the network is that of the host unless --net none is given'],
  [
    'allow-net',
    'not needed: the network is that of the host; --allow-host NAME takes all but the named hosts away',
    (attached) => (attached === undefined ? undefined : each('--allow-host', attached)),
  ],
  [
    'allowed-domain allowed-domains allow-domain allow-domains allowed-host allowed-hosts ip-address-allow',
    '--allow-host NAME[:PORT]',
    hosts,
  ],
  [
    'denied-domain denied-domains deny-domain deny-host ip-address-deny',
    'not needed: with --allow-host NAME no other host is reached',
  ],
  ['proxy http-proxy https-proxy', 'not needed: --allow-host NAME says which hosts are reached, without a proxy'],
  ['port expose', '--publish [ADDR:]PORT:PORT, which gives the box a network of its own', port],
  ['network-veth', OWN_NETWORK],
  ['dns dns-search', '--file SRC:/etc/resolv.conf; names of --allow-host are looked up outside, by the host'],
  ['add-host', '--file SRC:/etc/hosts'],
  ['machine container-name', '--name NAME'],
  ['cidfile pidfile', '--name NAME, by which nsbox ps and nsbox enter find a box; --status-fd N prints its process id'],
  ['json-status-fd info-fd', '--status-fd N'],
  ['directory rootdir newroot chroot rootfs', '--root DIR'],
  ['pids-limit tasks-max', '--pids N'],
  ['m memory-swap', '--memory SIZE limits memory and swap together'],
  ['cpu-quota cpuset-cpus cpu-shares', '--cpus N'],
  ['shm-size', '--tmpfs /dev/shm:size=SIZE'],
  ['security-opt', '--seccomp default|none|FILE', security],
  ['system-call-filter add-seccomp-fd', '--seccomp default|socketcall|none|FILE'],
  ['caps.drop drop-capability', '--cap-drop CAP[,CAP], or all'],
  ['capability keep-caps ambient-caps', '--cap-add CAP[,CAP], or all'],
  ['rlimit rlimit-nofile rlimit-as rlimit_as', '--ulimit NAME=SOFT[:HARD]'],
  ['time_limit stop-timeout time-limit', '--timeout TIME'],
  ['as-pid-1', '--no-init'],
  ['tmp-overlay overlay-src overlay-tmpfs ro-overlay ephemeral volatile', '--overlay[=DIR]'],
  ['tmpfsmount private-tmp', '--tmpfs /tmp'],
  ['private private-home', '--tmpfs "$HOME", and --bind for what is to be seen of it'],
  ['private-dev', '--dev'],
  ['whitelist', '--hide DIR, and --write or --keep for what is to be seen of it'],
  [
    'blacklist inaccessible inaccessible-path inaccessible-paths hide-path deny-read deny',
    '--hide PATH',
    paths('--hide'),
  ],
  ['keep-path', '--keep PATH', paths('--keep')],
  ['read-write read-write-path read-write-paths write-path allow-write rw', '--write PATH', paths('--write')],
  ['allow-read', "not needed: a box sees the host's files but for those that --hide or --root takes away"],
  ['allow-env', "not needed: a box has the caller's variables; --clear-env leaves them out, --env NAME keeps one"],
  ['allow-run allow-sys', 'not needed: a box runs the programs that it sees'],
  ['allow-all', "not needed: a box has the host's files and network unless other options take them away"],
  ['allow-unix-socket allow-unix-sockets socket', '--allow-socket PATH', paths('--allow-socket')],
  ['ro-bind-data bind-data file-data', '--file SRC:DST makes a file with the content of SRC'],
  ['perms size', '--tmpfs DIR:size=64m,mode=0700, --dir PATH:MODE'],
  ['d detach background', 'nsbox stays until the command ends: COMMAND & in a shell, or a unit of systemd'],
  ['join attach', 'nsbox enter NAME|PID COMMAND'],
  ['list ps', 'nsbox ps'],
  ['sync-fd block-fd lock-file userns-block-fd', '--status-fd N tells when a box starts and ends'],
  ['pid', '--share pid'],
  ['args', '--plan FILE of nsbox run reads a stored plan, which nsbox plan prints'],
  ['noprofile', 'not needed: nsbox reads no profile unless --profile FILE is given'],
  ['x11 dbus-user nosound', "sockets that are files are the host's: --mask PATH hides one"],
  ['boot', 'nsbox starts a command and no system: --root DIR COMMAND'],
]

/**
 * What a hint says to the option of another launcher. `name`: without dashes in front; ReadOnlyPaths is read-only-paths.
 * `attached`: the value behind `=`; `next`: the next word, which may be a value.
 */
export function knownWord(name: string, attached?: string, next?: string): string | undefined {
  const lower = name.toLowerCase()
  const joined = lower.replaceAll(/[-_]/g, '')
  const found =
    KNOWN.find(([words]) => words.split(' ').includes(lower)) ??
    KNOWN.find(([words]) => words.replaceAll('-', '').split(' ').includes(joined))
  if (found === undefined) return undefined
  const [, way, line] = found
  return line?.(attached, next?.startsWith('-') ? undefined : next) ?? way
}

/** For tests: all words. */
export const knownWords = (): string[] => KNOWN.flatMap(([words]) => words.split(' '))
