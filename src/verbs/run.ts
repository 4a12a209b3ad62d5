/**
 * `nsbox run`, and every command line without a verb. A plain start runs only what is imported here; lazy.ts loads the
 * rest.
 */
import { becomeBox, hostOfCommand, notesStarts } from '#become-box'
import { readCommand, readOptions } from '../cli/parse.ts'
import type { Verb, Walked } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { type Recorded, recorded } from '../host/recorded.ts'
import type { HostFacts } from '../host/types.ts'
import type { GetImage } from '../image/box.ts'
import type { ImageBox } from '../image/defaults.ts'
import { late, lateDenied, lateImageBox, lateImageStart, lateReview } from '../lazy.ts'
import type { Options } from '../options/types.ts'
import type { Plan } from '../plan/types.ts'
import { coveredMounts } from '../planner/covered.ts'
import { buildPlan } from '../planner/build.ts'
import { isOurs } from '../seccomp/seccomp.ts'
import { isRepeatable } from './repeatable.ts'

/**
 * `planFile`: a path, or "-" for standard input; `argv` is then appended to the plan's. `record`: has the
 * looks of profiles, where a later start may use the plan.
 */
type RunRequest = { options: Options; argv: string[]; planFile?: string; record?: Recorded | undefined }

export const run: Verb<RunRequest> = {
  usage: 'run [OPTIONS] [--plan FILE|-] [--] [COMMAND [ARG...]]',
  doc: 'run a command in a box; the verb may be left out',
  examples: [
    'nsbox --tmpfs /tmp --root ./r bash',
    'nsbox --ro --net none --tmpfs /tmp -- make test',
    'nsbox run --plan box.json',
  ],
  takes: () => true,
  own: [
    { name: 'plan', group: 'reporting', value: 'FILE|-', doc: 'run the stored plan in FILE, or on standard input' },
    { name: 'no-remember', group: 'reporting', doc: 'neither use nor store the plan of an equal command line' },
  ],
  words: 0,
  parse(walked) {
    let planFile: string | undefined
    let remember = true
    const record = recorded(hostOfCommand())
    const own = (name: string, value: string): void => {
      if (name === 'plan') planFile = value
      else remember = false
    }
    const options = readOptions(walked, own, record.host)
    if (planFile === undefined) {
      const argv = readCommand('run', walked, 'nsbox run [OPTIONS] [--] COMMAND [ARG...]', options)
      return { options, argv, record: remember && isRepeatable(walked, options, argv) ? record : undefined }
    }
    refuseBesidePlan(walked)
    if (walked.rest[0] === '') throw new UsageError("command: empty value ''")
    return { options, argv: walked.rest, planFile }
  },
  run({ options, argv, planFile, record }) {
    if (record !== undefined) return start(options, buildPlan(options, argv, record.host), record.host, false, record)
    const host = hostOfCommand()
    if (planFile !== undefined) return start(options, late().storedPlan(planFile, options, argv, host), host, true)
    if (options.image === undefined) return start(options, planOf({ options, argv }, host), host, false)
    const startImage = (of: ImageBox) => start(of.options, planOf(of, host), host, false)
    const box =
      (notesStarts ? lateImageStart().notedBox(options, argv, host) : undefined) ?? foundBox(options, argv, host)
    return box instanceof Promise ? box.then(startImage) : startImage(box)
  },
}

function planOf(
  { options, argv, root }: Pick<ImageBox, 'options' | 'argv'> & Partial<ImageBox>,
  host: HostFacts,
): Plan {
  if (options.changes === 'review') return lateReview().reviewedPlan(options, argv, host, root)
  return buildPlan(options, argv, host, root)
}

/** The box of an image that has to be looked for, and pulled where the cache lacks it. */
function foundBox(options: Options, argv: readonly string[], host: HostFacts): ImageBox | Promise<ImageBox> {
  const { imageBox, noteStart } = lateImageBox()
  const pull: GetImage = (...wanted) => late().pullShown(options)(...wanted)
  return imageBox(options, argv, host, pull, (image) => {
    if (notesStarts) noteStart(image, options, host)
  })
}

/** `record`: where the plan is to be remembered. A box that its caller is warned of never is. */
function start(
  options: Options,
  plan: Plan,
  host: HostFacts,
  isStored: boolean,
  record?: Recorded,
): number | Promise<number> {
  const { privileged, nest, write, writeTry, keep, hide, mounts = [], traceDenied } = options
  const mayCover =
    (mounts.length > 1 || (write ?? writeTry ?? hide) !== undefined) && coveredMounts(plan.mounts ?? []).length > 0
  const isPlain =
    !isStored && !privileged && !nest && isOurs(plan.process.seccomp?.from) && !mayCover && keep === undefined
  const isWarned = !isPlain && late().warn(options, plan, host)
  if (traceDenied) return lateDenied().traceDenied(plan, options)
  return becomeBox(plan, isWarned ? undefined : record?.looks())
}

/** Only options about reporting may stand beside a stored plan. */
function refuseBesidePlan({ typed }: Walked): void {
  const extra = typed.find(({ option }) => option.group !== 'reporting')
  if (extra === undefined) return
  throw new UsageError(
    `--plan and --${extra.option.name}: the plan already says what the box is`,
    'make a new plan: nsbox plan OPTIONS COMMAND',
  )
}
