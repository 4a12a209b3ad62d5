/** Generated from src/options/table.ts by scripts/gen.ts; change the table, not this file. */
import type { MountRequest } from '../options/types.ts'

/**
 * Options of a box: those of the command line in camel case. Mounts are made in the order of their keys in the object.
 */
export interface BoxOptions {
  /** Mounts and made files in one list, where their order among each other matters. */
  mounts?: readonly MountRequest[] | undefined
  /** Use DIR as the root directory; without it the box sees the host's files. `--root DIR` */
  root?: string | undefined
  /** Use the image REF as the root: HOST/NAME[:TAG] in a registry, a file (ISO, squashfs, tar, cpio), a layout or a directory; the image's settings are the command's defaults, and changes vanish. `--image REF` */
  image?: string | undefined
  /** Use the image for another platform than this machine's, such as linux/arm64. `--platform OS/ARCH[/VARIANT]` */
  platform?: string | undefined
  /** Ask the registry for the image only if the cache lacks it (default), each time, or never. `--pull missing|always|never` */
  pull?: 'missing' | 'always' | 'never' | undefined
  /** Allow plain http, too, for a registry on another machine. `--insecure` */
  insecure?: boolean | undefined
  /** Run PROGRAM of the image in place of the image's own Entrypoint and Cmd. `--entrypoint PROGRAM` */
  entrypoint?: string | undefined
  /** Let the kernel mount the image file (squashfs, erofs, ext4, live ISO) in place of unpacking it; as root, and only for a file that you trust with the machine. `--trust-image` */
  trustImage?: boolean | undefined
  /** Make the root read-only. `--ro` */
  ro?: boolean | undefined
  /** Changes to the root vanish at the end; with DIR they stay there. `--overlay[=DIR]` */
  overlay?: string | boolean | undefined
  /** With review, nothing that the command changes reaches the host before you have looked at it: nsbox changes lists it, nsbox apply brings it there. `--changes in-place|review` */
  changes?: string | undefined
  /** Show the host's resolv.conf, hosts and hostname in a root of its own, and with localtime its time zone. `--host-files[=localtime]` */
  hostFiles?: string | boolean | undefined
  /** Keep the image's own resolv.conf, hosts and hostname. `--no-host-files` */
  noHostFiles?: boolean | undefined
  /** Show SRC of the host, writable, as DST (default: the same path). `--bind SRC[:DST]` */
  bind?: string | readonly string[] | undefined
  /** As --bind, but read-only; a file loses that when somebody outside renames another over it. `--ro-bind SRC[:DST]` */
  roBind?: string | readonly string[] | undefined
  /** As --bind, but left out where SRC is missing when the box starts. `--bind-try SRC[:DST]` */
  bindTry?: string | readonly string[] | undefined
  /** As --ro-bind, but left out where SRC is missing when the box starts. `--ro-bind-try SRC[:DST]` */
  roBindTry?: string | readonly string[] | undefined
  /** As --bind, and device files work. `--dev-bind SRC[:DST]` */
  devBind?: string | readonly string[] | undefined
  /** An empty directory in memory; ro: read-only but for what other options put there; DIR / as the first mount: the root itself. `--tmpfs DIR[:size=64m,mode=1777,ro]` */
  tmpfs?: string | readonly string[] | undefined
  /** /proc of the box's own processes. `--proc[=DIR]` */
  proc?: string | readonly string[] | true | undefined
  /** A minimal /dev. `--dev[=DIR]` */
  dev?: string | readonly string[] | true | undefined
  /** Hide PATH of the box behind an empty read-only file or directory; later options may mount below it; the box ends when somebody outside replaces it; a PATTERN as for --hide has to match something. `--mask PATH|PATTERN` */
  mask?: string | readonly string[] | undefined
  /** Make a directory, with the octal MODE (default: 0755). `--dir PATH[:MODE]` */
  dir?: string | readonly string[] | undefined
  /** Make PATH a symbolic link to TARGET. `--symlink TARGET:PATH` */
  symlink?: string | readonly string[] | undefined
  /** Make DST a file with the content of SRC of the host. `--file SRC:DST` */
  file?: string | readonly string[] | undefined
  /** Let the box write to PATH of the host; like --keep and --hide it is a rule: their order has no meaning, the longest path decides, and the rest of the host is read-only (--write / lifts that). `--write PATH` */
  write?: string | readonly string[] | undefined
  /** Keep PATH of the host read-only where a rule above it lets the box write; what is missing is reported, and the box may make it. `--keep PATH` */
  keep?: string | readonly string[] | undefined
  /** As --write, but left out where PATH is missing when the box starts. `--write-try PATH` */
  writeTry?: string | readonly string[] | undefined
  /** As --keep, but nothing is said of what is missing, which the box may make. `--keep-try PATH` */
  keepTry?: string | readonly string[] | undefined
  /** Hide PATH of the host, which may be missing: a directory is empty, a file can't be opened, not even by root; --write and --keep of a path below give that back; a PATTERN such as '**\/.env' hides all that is there when the box starts, '!**\/test/**' leaves some in sight. `--hide PATH|PATTERN` */
  hide?: string | readonly string[] | undefined
  /** Hide the host's Unix sockets that have a path, such as D-Bus and docker, but for PATH, or those in the directory PATH. `--allow-socket PATH` */
  allowSocket?: string | readonly string[] | undefined
  /** Refuse a SRC or DIR of the host whose path has a symbolic link in it. `--no-follow` */
  noFollow?: boolean | undefined
  /** Keep the host's namespace: pid, ipc, uts, cgroup or user; or, for X11, its abstract sockets: abstract. `--share NS[,NS]` */
  share?: string | readonly string[] | undefined
  /** Host: the host's network (default); none: a network with nothing but a loopback; user: one that reaches what the host does, but not the host's loopback, by the host's program pasta. `--net host|none|user` */
  net?: 'host' | 'none' | 'user' | undefined
  /** Let the box connect to the host NAME on PORT (443), and to nothing else: a network of its own, TCP alone; *.example.org is every host below example.org. `--allow-host NAME[:PORT]` */
  allowHosts?: string | readonly string[] | undefined
  /** Let hosts of --allow-host have addresses of private networks and of this machine, too. `--allow-private` */
  allowPrivate?: boolean | undefined
  /** Connections to hosts of --allow-host must begin with a TLS hello that has the very name. `--check-sni` */
  checkSni?: boolean | undefined
  /** Pass connections to the first PORT of ADDR (127.0.0.1) here to the second PORT of the box, which has a network of its own. `--publish [ADDR:]PORT:PORT` */
  publish?: string | readonly string[] | undefined
  /** For a box in a container or in another box: a user namespace, and the /proc around it, read-only. `--nest` */
  nest?: boolean | undefined
  /** Host name in the box. `--hostname NAME` */
  hostname?: string | undefined
  /** User and group in the box: ids, or names of the box's own /etc/passwd and /etc/group; a name brings its groups, where the box has such ids, and its HOME. `--user USER[:GROUP]` */
  user?: string | number | undefined
  /** Be root in the box. `--map-root` */
  mapRoot?: boolean | undefined
  /** Be root in the box, or the user of --user, and map the id ranges that /etc/subuid and /etc/subgid give you. `--map-auto` */
  mapAuto?: boolean | undefined
  /** A new user namespace, also when root starts the box. `--userns` */
  userns?: boolean | undefined
  /** Answer chown, setuid and the like with success and do nothing, so that apt-get install works with one id (--map-root); a lie: all files are yours, and su nobody stays root. `--fake-root` */
  fakeRoot?: boolean | undefined
  /** Switch off --fake-root, which is the default for an image whose root has one id. `--no-fake-root` */
  noFakeRoot?: boolean | undefined
  /** Give the command capabilities, or all; such as net_admin, or net_raw for ping where net.ipv4.ping_group_range allows no group. `--cap-add CAP[,CAP]` */
  capAdd?: string | readonly string[] | undefined
  /** Take default capabilities away, or all. `--cap-drop CAP[,CAP]` */
  capDrop?: string | readonly string[] | undefined
  /** Let setuid programs and file capabilities have their effect. `--allow-new-privs` */
  allowNewPrivs?: boolean | undefined
  /** Let programs make user namespaces, as browsers' sandboxes, bwrap and podman do; they then reach more of the kernel. `--allow-userns` */
  allowUserns?: boolean | undefined
  /** Filter of system calls: the default one, the same with sockets for old 32-bit programs, none, or a container engine's profile in FILE. `--seccomp default|socketcall|none|FILE` */
  seccomp?: string | undefined
  /** All capabilities for root, no filter, no masks, setuid programs work: no protection from the command. `--privileged` */
  privileged?: boolean | undefined
  /** End the box after TIME, such as 10s or 1.5m: TERM, and KILL 10 s later; the status is 124. `--timeout TIME` */
  timeout?: string | undefined
  /** Memory of the whole box, such as 512m or 2g, without swap; a box that needs more is killed. `--memory SIZE` */
  memory?: string | number | undefined
  /** Processor time of the whole box, such as 1.5 for one and a half processors. `--cpus N` */
  cpus?: string | number | undefined
  /** Processes and threads that the command may have, all together. `--pids N` */
  pids?: string | number | undefined
  /** A limit for each process of the box, such as nofile=1024, cpu=60, as=1g or core=unlimited. `--ulimit NAME=SOFT[:HARD]` */
  ulimit?: string | readonly string[] | undefined
  /** Directory of the box to start in (default: your own, which the box has to show; / in a root that does not show it). `--cwd DIR` */
  cwd?: string | undefined
  /** Set a variable, or pass yours on; as an object, undefined leaves the caller's value out. `--env NAME[=VALUE]` */
  env?: string | readonly string[] | Readonly<Record<string, string | undefined>> | undefined
  /** Set the NAME=VALUE lines of FILE. `--env-file FILE` */
  envFile?: string | readonly string[] | undefined
  /** Leave a variable out, whoever has set it. `--unset-env NAME` */
  unsetEnv?: string | readonly string[] | undefined
  /** Start from an empty environment. `--clear-env` */
  clearEnv?: boolean | undefined
  /** Give the command your open descriptor N under the same number, such as that of <(COMMAND) in a shell; no directory. `--keep-fd N[,N]` */
  keepFd?: string | number | readonly (string | number)[] | undefined
  /** What the command sees as its own name. `--argv0 NAME` */
  argv0?: string | undefined
  /** Run in a new session, without your terminal as controlling terminal. `--new-session` */
  newSession?: boolean | undefined
  /** Kill the box when the process that started it ends; in a program that is so unless it is false. `--die-with-parent` */
  dieWithParent?: boolean | undefined
  /** Make the command itself process 1. `--no-init` */
  noInit?: boolean | undefined
  /** What nsbox ps and nsbox enter call the box: letters, digits, . _ and -, at most 64. `--name NAME` */
  name?: string | undefined
  /** List what the box has refused, with the rule and the option that would allow it, at its end; each system call then takes long: for finding out. `--trace-denied` */
  traceDenied?: boolean | undefined
  /** Print each phase with its time on stderr. `--verbose` */
  verbose?: boolean | undefined
  /** Print nothing but errors. `--quiet` */
  quiet?: boolean | undefined
  /** Take options from the preset NAME (nsbox profile show lists them), or from FILE, a path with a slash or a dot: JSON with comments or TOML, whose keys are those of the library (roBind); paths of the host in it start from its directory, those of rules from yours, and the options here come after. `--profile NAME|FILE` */
  profile?: string | readonly string[] | undefined
}
