/** Which rule of a box leads to an error about a file: for what a command says, and for what was seen of its calls. */
import type { HostFacts } from '../host/types.ts'
import type { BoxPlan } from '../plan/types.ts'
import type { Decision, Rule } from './decide.ts'

/** Errors that rules for files lead to. */
export type FileCode = 'EROFS' | 'EACCES' | 'ENOENT' | 'EBUSY'

export const SAID: Readonly<Record<FileCode, string>> = {
  EROFS: "can't be written in the box",
  EACCES: 'is hidden in the box',
  ENOENT: "isn't shown in the box",
  EBUSY: "can't be renamed or removed in the box",
}

/** The rule that leads to such an error; undefined where something else does. */
export function explaining(
  code: FileCode,
  decision: Decision,
  plan: BoxPlan,
  look: HostFacts['look'],
): Rule | undefined {
  const { path, finds, writable, lacksDirectory, shownBy, writtenBy } = decision
  switch (code) {
    case 'EROFS':
      return writable || lacksDirectory ? undefined : writtenBy
    case 'EACCES':
      return finds === 'hidden' ? shownBy : undefined
    case 'ENOENT':
      if (finds === 'hidden') return shownBy
      return finds === 'nothing' && shownBy.type === 'mount' && typeof look(path, false) === 'string'
        ? shownBy
        : undefined
    case 'EBUSY': {
      const mount = plan.mounts?.find(
        ({ type, target }) => target === path && type !== 'dir' && type !== 'symlink' && type !== 'stash',
      )
      return mount === undefined ? undefined : { type: 'mount', mount: pinnedFor(plan, mount) }
    }
  }
}

/** A pin serves the read-only mount before it. */
function pinnedFor({ mounts = [] }: BoxPlan, mount: NonNullable<BoxPlan['mounts']>[number]) {
  let at = mounts.indexOf(mount)
  while (at > 0 && mounts[at]?.type === 'pin') at--
  return mounts[at] ?? mount
}
