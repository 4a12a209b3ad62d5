/** Mounts that a box does without where their source is missing. */
import type { HostFacts } from '../host/types.ts'
import type { BoxPlan, Mount } from '../plan/types.ts'
import { IS_MISSING } from '../planner/host-path.ts'

type Optional = Extract<Mount, { type: 'bind' | 'protect' | 'mask' }>

/** The plan as it would be carried out now, and the mounts that it would leave out. `look` absent: all are there. */
export function withoutMissing(
  plan: BoxPlan,
  look: HostFacts['look'] | undefined,
): { plan: BoxPlan; leftOut: readonly Optional[] } {
  const leftOut: Optional[] = []
  const mounts: Mount[] = []
  for (const mount of plan.mounts ?? []) {
    if (isMissing(mount, look)) leftOut.push(mount)
    // The pins behind it belong to it.
    else if (
      mount.type !== 'pin' ||
      mount.optional ||
      leftOut.length === 0 ||
      !belongsTo(mount, plan.mounts ?? [], leftOut)
    )
      mounts.push(mount)
  }
  return { plan: leftOut.length === 0 ? plan : { ...plan, mounts }, leftOut }
}

function isMissing(mount: Mount, look: HostFacts['look'] | undefined): mount is Optional {
  if (!('optional' in mount) || !mount.optional || mount.type === 'pin' || look === undefined) return false
  const found = look(mount.type === 'bind' ? mount.source : mount.target, true)
  return typeof found === 'object' && IS_MISSING.includes(found.code)
}

/** Whether the mount before a row of pins, PIN among them, was left out. */
function belongsTo(pin: Mount, mounts: readonly Mount[], leftOut: readonly Mount[]): boolean {
  let before = mounts.indexOf(pin)
  while (mounts[before]?.type === 'pin') before--
  return leftOut.includes(mounts[before] as Optional)
}
