/** The effect of each type of mount on what was there before. A type without its line here is a compile error. */
import type { Mount } from './types.ts'

type Effect = {
  /** Hides what was at its target, and below it. */
  covers: boolean
  /** Makes its target where nothing is. Others name what has to be there, or go with another mount. */
  makes: boolean
  /** Opens a path of the host. */
  opens: boolean
}

export const MOUNT_TYPES: Readonly<Record<Mount['type'], Effect>> = {
  bind: { covers: true, makes: true, opens: true },
  tmpfs: { covers: true, makes: true, opens: false },
  proc: { covers: true, makes: true, opens: false },
  dev: { covers: true, makes: true, opens: false },
  overlay: { covers: true, makes: true, opens: true },
  dir: { covers: false, makes: true, opens: false },
  symlink: { covers: false, makes: true, opens: false },
  mask: { covers: true, makes: false, opens: false },
  hide: { covers: false, makes: false, opens: false },
  sockets: { covers: false, makes: false, opens: false },
  protect: { covers: true, makes: false, opens: false },
  view: { covers: true, makes: false, opens: false },
  stash: { covers: false, makes: false, opens: false },
  pin: { covers: false, makes: false, opens: false },
  sysfs: { covers: true, makes: false, opens: false },
  cgroup: { covers: true, makes: false, opens: false },
  file: { covers: true, makes: true, opens: true },
}
