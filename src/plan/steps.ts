/**
 * The steps of a start, in their order: the first word of each message, `step` of each error, the phases of `--verbose`. One
 * table for both halves (sidecar/base/steps.h is made from it), so that a fault has the same step whichever half notices it.
 */
export const STEPS = [
  // What the front end alone does.
  'rootfs', 'bake', 'enter', 'environment', 'seccomp', 'hand over', 'start',
  // What either half may notice first.
  'read plan', 'root', 'mounts', 'id maps',
  // What the sidecar alone does.
  'state', 'control group', 'namespaces', 'box', 'propagation', 'sources', 'switch root', 'hostname', 'loopback', 'network settings',
  'limits', 'landlock', 'cwd', 'privileges', 'init', 'exec', 'supervise',
] as const

export type Step = (typeof STEPS)[number]
