/** Warnings of what may surprise the caller of a box. */
import type { HostFacts } from '../host/types.ts'
import type { BoxPlan, Mount } from '../plan/types.ts'
import { coveredMounts, coveredText } from '../planner/covered.ts'
import { missingOnHost } from '../planner/views.ts'
import { quote } from '../text/quote.ts'
import { firstFew } from './groups.ts'
import type { withoutMissing } from './left-out.ts'

/** `look` absent: nothing of the host is read. */
export function attention(
  { mounts = [], root, helpers = [] }: BoxPlan,
  leftOut: ReturnType<typeof withoutMissing>['leftOut'],
  look: HostFacts['look'] | undefined,
): string[] {
  const texts = coveredMounts(mounts).map((covered) => `${coveredText(covered)}.`)
  texts.push(
    ...pointsOf(
      leftOut.filter(({ type }) => type === 'bind'),
      (path, { source }) => `${source} is missing on the host now: the mount at ${path} is left out.`,
      (paths) => `What would be mounted at ${paths} is missing on the host now: these mounts are left out.`,
    ),
    ...pointsOf(
      leftOut.filter(({ type }) => type === 'protect'),
      (path) => `${path} is missing now, so it can't be kept: where the box may write, it may make it. ${UNKEPT}`,
      (paths) =>
        `${paths} are missing now, so they can't be kept: where the box may write, it may make them. ${UNKEPT}`,
    ),
  )
  if (look !== undefined && !root.options?.includes('ro')) {
    for (const { target, parent } of missingOnHost(mounts, [], root, look))
      if (parent !== '/')
        texts.push(`${quote(target)} does not exist on the host: it is made for the box, and removed with it.`)
  }
  const watched = helpers.some(({ part }) => part === 'hide')
  const files = mounts.filter((mount) => isFileOfHost(mount, look))
  if (!watched)
    texts.push(
      ...pointsOf(
        files,
        (path) => `The mount on the file ${path} vanishes ${LOST('the file')}`,
        (paths) => `The mounts on the files ${paths} vanish, each ${LOST('its file')}`,
      ),
    )
  else if (files.length > 0)
    texts.push(
      'The box ends, with status 125, when somebody outside replaces or removes a file that is hidden or kept, as editors do when they save: until then, for some milliseconds, it may see that file. A rule for the directory of the file, --overlay and --changes review outlast that.',
    )
  texts.push(
    ...pointsOf(
      leftOut.filter(({ type }) => type === 'mask' && root.type === 'directory'),
      (path) => `${path} is missing now, so it can't be hidden: ${UNHIDDEN('it')}`,
      (paths) => `${paths} are missing now, so they can't be hidden: ${UNHIDDEN('them')}`,
    ),
  )
  return texts
}

/** What holds for names that don't exist yet. */
const UNHIDDEN = (it: string): string =>
  `the box sees ${it} once somebody makes ${it}. A rule for the directory hides such names, too.`
const UNKEPT = 'With --changes review, nothing of that kind is applied.'

/** So many of a kind have a point each. */
const MOST_POINTS = 3

/** A point for each of the mounts, or one for many. */
function pointsOf(
  mounts: readonly Mount[],
  one: (path: string, of: { source: string }) => string,
  many: (paths: string) => string,
): string[] {
  const byPath = new Map(mounts.map((mount) => [mount.target, mount]))
  if (byPath.size > MOST_POINTS) return [many(firstFew([...byPath.keys()]))]
  return [...byPath].map(([path, mount]) => one(quote(path), { source: quote(sourceOf(mount)) }))
}

const sourceOf = (mount: Mount): string => (mount.type === 'bind' ? mount.source : mount.target)

/** Whether this masks or protects a single file at its own path on the host: such a mount goes with the file. */
function isFileOfHost(mount: Mount, look: HostFacts['look'] | undefined): boolean {
  if (mount.type === 'mask' || mount.type === 'protect') return !mount.kernel && look?.(mount.target, true) === 'other'
  return (
    mount.type === 'bind' &&
    mount.source === mount.target &&
    mount.options?.includes('ro') === true &&
    look?.(mount.source, true) === 'other'
  )
}

/** How a mount on a file is lost, and what holds. */
const LOST = (file: string): string =>
  `when somebody outside renames another file over it, as editors do when they save and git does with its configuration: the box then sees the new file, unprotected. Use --mask, --hide, --keep or --ro-bind on the directory of ${file}, or --overlay: those stay.`
