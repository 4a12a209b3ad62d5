/**
 * Options of other launchers (docker, podman, bubblewrap, firejail, unshare, systemd-run, systemd-nspawn, chroot,
 * nsjail), and what stands for them here. A word whose meaning is an option of ours has that option as its way; of the
 * others a sentence says why there is none.
 */

/** The words, without dashes, and what a hint says. */
type Known = readonly [words: string, way: string]

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
  ['read-only readonly', '--ro'],
  ['remount-ro', '--ro for the root, --ro-bind for a directory'],
  ['setenv', '--env NAME=VALUE, or --env NAME for the value that it has here'],
  ['unsetenv', '--unset-env NAME'],
  ['preserve-fds preserve-fd', '--keep-fd N'],
  ['clearenv ignore-environment', '--clear-env'],
  ['workdir working-directory chdir wd pwd skip-chdir', '--cwd DIR names a directory of the box'],
  ['uid gid userspec setuid setgid', '--user USER[:GROUP]'],
  ['map-root-user', '--map-root'],
  ['map-users map-groups uidmap gidmap subuidname', '--map-auto takes the ids of /etc/subuid and /etc/subgid'],
  ['network unshare-net private-network n', '--net none; without it the network is that of the host'],
  ['share-net', 'not needed: the network is that of the host unless --net none is given'],
  ['port expose network-veth', '--publish [ADDR:]PORT:PORT, for a box with a network of its own'],
  ['dns add-host dns-search', "--host-files shows the host's resolv.conf and hosts; --file SRC:DST puts others there"],
  ['machine container-name', '--name NAME'],
  ['cidfile pidfile', '--name NAME, by which nsbox ps and nsbox enter find a box; --status-fd N prints its process id'],
  ['json-status-fd info-fd', '--status-fd N'],
  ['directory rootdir newroot chroot rootfs', '--root DIR'],
  ['pids-limit tasks-max', '--pids N'],
  ['m memory-swap', '--memory SIZE limits memory and swap together'],
  ['cpu-quota cpuset-cpus cpu-shares', '--cpus N'],
  ['shm-size', '--tmpfs /dev/shm:size=SIZE'],
  ['security-opt system-call-filter add-seccomp-fd', '--seccomp default|none|FILE'],
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
  ['blacklist inaccessible', '--hide PATH'],
  ['read-write', '--write PATH'],
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

/** What a hint says to the option of another launcher. `name`: without dashes. */
export function knownWord(name: string): string | undefined {
  const lower = name.toLowerCase()
  return KNOWN.find(([words]) => words.split(' ').includes(lower))?.[1]
}

/** For tests: all words. */
export const knownWords = (): string[] => KNOWN.flatMap(([words]) => words.split(' '))
