/** The command line's options as an object. The library takes the same. */

import type { Capability, Limit } from '../plan/types.ts'

/** Namespaces that `share` can keep the host's, and its abstract sockets. The mount namespace is always new. */
export type Shareable = 'pid' | 'ipc' | 'uts' | 'cgroup' | 'user' | 'abstract'

/**
 * One mount or made file, in the order given. Host paths may be relative to the caller's cwd; box paths are absolute.
 */
export type MountRequest =
  | {
      type: 'bind'
      source: string
      target?: string
      readonly?: boolean
      devices?: boolean
      /** Left out where the source is missing when the box starts. */
      optional?: boolean
    }
  /** `size` in bytes, `mode` as octal text. */
  | { type: 'tmpfs'; target: string; size?: number; mode?: string; readonly?: boolean }
  | { type: 'proc'; target: string }
  | { type: 'dev'; target: string }
  | { type: 'dir'; target: string; mode?: string }
  | { type: 'symlink'; target: string; to: string }
  /** Hides what is there behind an empty file or directory. */
  | { type: 'mask'; target: string }
  | { type: 'file'; source: string; target: string }

/** A change of the environment, in the order given. */
export type EnvChange =
  | { type: 'set'; name: string; value: string }
  /** Pass the caller's value on (also after `clear`). */
  | { type: 'pass'; name: string }
  /** Pass on the value that whoever runs the plan has. */
  | { type: 'later'; name: string }
  | { type: 'unset'; name: string }
  /** NAME=VALUE lines of a file. */
  | { type: 'file'; path: string }

type CapabilityChange = { type: 'add' | 'drop'; name: Capability | 'all' }

/** A number is an id in the box, a text a name of the box's own /etc/passwd or /etc/group. */
export type UserRequest = {
  user: number | string
  group?: number | string
  /** A number without a group has the group and the groups that passwd gives it, as an image's configuration means it. */
  likeImage?: boolean
}

export type Options = {
  root?: string
  /** Absent: where there are rules, but for one that makes "/" writable. */
  ro?: boolean
  /** true: changes vanish; text: directory that keeps them. */
  overlay?: true | string
  /** Reference to an image, in place of `root`. */
  image?: string
  /** OS/ARCHITECTURE[/VARIANT] of an image that there is for several. */
  platform?: string
  /** Mount the image's file in place of unpacking it. */
  trustImage?: boolean
  /** Whether a registry is asked for the image: where the cache lacks it (default), each time, or never. */
  pull?: 'missing' | 'always' | 'never'
  /** Pull by plain http too, from a registry that is not on this machine. */
  insecure?: boolean
  /** Program in place of the image's Entrypoint and Cmd. */
  entrypoint?: string
  /** Whether the box shows the host's resolv.conf, hosts and hostname, and its local time. */
  hostFiles?: boolean | 'localtime'
  mounts?: MountRequest[]
  /** "review": what the box could write to on the host becomes overlays, whose changes are looked at later. */
  changes?: 'in-place' | 'review'
  /** Refuse paths of the host with a symbolic link in them. */
  noFollow?: boolean
  /** Rules for files of the host, planner/rules.ts: paths, absolute or from the caller's directory. */
  write?: string[]
  keep?: string[]
  hide?: string[]
  /** As `write` and `keep`, and nothing is said of what is missing. */
  writeTry?: string[]
  keepTry?: string[]
  /** The host's Unix sockets are hidden but for these, and those in these directories; absent: as for [] with `allowHosts`. */
  sockets?: string[]
  share?: Shareable[]
  net?: 'host' | 'none' | 'user'
  /** Hosts that the box may connect to, as NAME:PORT; `net` is then "none". */
  allowHosts?: string[]
  /** They may have addresses that aren't part of the public internet. */
  allowPrivate?: boolean
  /** Connections to them have to begin with a TLS hello that names them. */
  checkSni?: boolean
  /** Ports of the box, as ADDRESS:PORT:PORT; `net` is then "none". */
  publish?: string[]
  hostname?: string
  user?: UserRequest
  mapRoot?: boolean
  mapAuto?: boolean
  userns?: boolean
  /** Changes of owners and ids are answered with success, and not carried out; absent: for an image with one id. */
  fakeRoot?: boolean
  /** For a box in a container: a user namespace, and the container's /proc, read-only. */
  nest?: boolean
  /** Changes to the default capabilities, in the order given; "all" means every one. */
  capabilities?: CapabilityChange[]
  allowNewPrivs?: boolean
  /** The default filter lets programs make user namespaces, and mount and the like there. */
  allowUserns?: boolean
  /** "default", "none", or the file of a profile. */
  seccomp?: string
  /** All of the above off, and nothing masked. */
  privileged?: boolean
  /** Resource limits, in the order given. */
  ulimits?: Limit[]
  /** Milliseconds; then TERM, and after `GRACE` KILL. */
  timeout?: number
  /** Bytes of memory for the whole box, without swap. */
  memory?: number
  /** Processors, such as 1.5. */
  cpus?: number
  /** Processes and threads of the command. */
  pids?: number
  cwd?: string
  env?: EnvChange[]
  clearEnv?: boolean
  /** Descriptors of the caller that the command gets, under the same numbers. */
  keepFds?: number[]
  argv0?: string
  newSession?: boolean
  dieWithParent?: boolean
  /** false: the command itself is process 1. */
  init?: boolean
  /** What the box is called. */
  name?: string
  statusFd?: number
  /** What is refused in the box is listed at its end. */
  traceDenied?: boolean
  verbose?: boolean
  quiet?: boolean
}
