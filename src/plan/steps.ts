/**
 * The steps of a start: the first word of each message, `step` of each error, the phases of `--verbose`. One table for
 * both halves (`sidecar/base/steps.h` is made from it), so that a fault has the same step whichever half notices it.
 */
export const STEPS = [
  // Only the front end.
  'rootfs',
  'changes',
  'ps',
  'profile',
  'user',
  'bake',
  'explain',
  'environment',
  'seccomp',
  'image',
  'hand over',
  'start',
  // Whichever half notices first.
  'read plan',
  'enter',
  'root',
  'state',
  'mounts',
  'id maps',
  // Only the sidecar, in its order. "sources" has a time, and no faults: what can't be opened there is the root's, or a
  // mount's.
  'descriptors',
  'watchdog',
  'control group',
  'namespaces',
  'box',
  'network settings',
  // A program of its own, which gives a box its network.
  'network',
  // Another one, which reports what is refused in a box.
  'trace',
  'propagation',
  'sources',
  'switch root',
  'hostname',
  'loopback',
  'limits',
  'landlock',
  'privileges',
  'helpers',
  'gate',
  'init',
  'cwd',
  'exec',
  'supervise',
] as const

export type Step = (typeof STEPS)[number]

/** The ways out of faults that either half may notice first. */
export const HINTS = {
  root: 'nsbox rootfs build DIR PROGRAM... makes one',
  rootFile: 'an archive, a squashfs or an ISO file is an image: --image FILE',
  state: 'it keeps the changes; make it first: mkdir DIR',
  noFollow: '--no-follow refuses a path of the host that has a symbolic link in it: name what the link leads to',
  fuse: 'it lies on a FUSE mount, which lets in only the user who mounted it, not even root: mount it with allow_other',
} as const
