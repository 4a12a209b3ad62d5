/** What there is much of is told together: rules by the dozen read as one step, with their number and the first few. */
import type { Mount } from '../plan/types.ts'
import { quote } from '../text/quote.ts'

/** So many of a kind have a step each. */
const MOST_STEPS = 12
/** So many paths of a group are named. */
const FEW = 3

/** The first few of the paths, and how many more there are. */
export function firstFew(paths: readonly string[]): string {
  const more = paths.length - FEW
  const named = paths.slice(0, more > 1 ? FEW : undefined).map(quote)
  return `${named.join(' ')}${more > 1 ? `, and ${more} more` : ''}`
}

/**
 * The mounts, those that are told in one step together: the kernel's files that follow each other, and rules of one
 * kind wherever they are, if there are more than a dozen, at the place of the first.
 */
export function groupMounts(mounts: readonly Mount[]): Mount[][] {
  const kinds = new Map<string, Mount[]>()
  for (const mount of mounts) {
    const kind = ruleKind(mount)
    if (kind !== undefined) kinds.set(kind, [...(kinds.get(kind) ?? []), mount])
  }
  const groups: Mount[][] = []
  for (const mount of mounts) {
    const last = groups[groups.length - 1]
    const rules = kinds.get(ruleKind(mount) ?? '') ?? []
    if (isKernels(mount) && last?.every((other) => other.type === mount.type && isKernels(other))) last.push(mount)
    else if (rules.length <= MOST_STEPS) groups.push([mount])
    else if (rules[0] === mount) groups.push(rules)
  }
  return groups
}

/** The kind of a mount that rules come to; undefined for others. */
function ruleKind(mount: Mount): string | undefined {
  switch (mount.type) {
    case 'mask':
      return mount.kernel ? undefined : `mask ${mount.closed}`
    case 'protect':
      return mount.kernel ? undefined : 'protect'
    case 'pin':
      return 'pin'
    case 'bind':
      return mount.source === mount.target && mount.source !== '/proc'
        ? `bind ${mount.options?.join()} ${mount.optional}`
        : undefined
    default:
      return undefined
  }
}

export const isKernels = (mount: Mount): boolean =>
  (mount.type === 'mask' || mount.type === 'protect') && mount.kernel === true
