/** `nsbox explain`: the plan in words. */
import { print } from '../cli/output.ts'
import { readCommand, readOptions } from '../cli/parse.ts'
import { painter } from '../cli/terminal.ts'
import { verb } from '../cli/verb.ts'
import { SandboxError, UsageError } from '../errors.ts'
import { explain as explainPlan } from '../explain/explain.ts'
import { thisHost } from '../host/bun.ts'
import { lateExplain, lateReview } from '../lazy.ts'
import type { HostFacts } from '../host/types.ts'
import { writeReport } from '../explain/report-file.ts'
import type { Options } from '../options/types.ts'
import type { BoxPlan, Plan } from '../plan/types.ts'
import { planned } from './prepared.ts'
import { storedPlan } from './stored-plan.ts'

type Request = { options: Options; argv: string[]; brief?: true; html?: string; planFile?: string }

export const explain = verb<Request>({
  usage: 'explain [OPTIONS] [--plan FILE|-] [--] [COMMAND [ARG...]]',
  doc: 'explain step by step what would happen; run nothing',
  examples: [
    'nsbox explain bash',
    'nsbox explain --net none --map-root bash',
    'nsbox explain --root ./r --ro-bind /usr bash',
    'nsbox explain --brief --plan box.json',
    'nsbox explain --html box.html --net none make',
  ],
  takes: () => true,
  own: [
    { name: 'plan', group: 'reporting', value: 'FILE|-', doc: 'explain the stored plan in FILE, or on standard input' },
    { name: 'brief', group: 'reporting', doc: 'print a line for each step, and what the box sees' },
    {
      name: 'html',
      group: 'reporting',
      value: 'FILE',
      doc: 'write a page for a browser to FILE, which shows the box and goes through its steps; - is standard output',
    },
  ],
  words: 0,
  parse(walked) {
    const own: Pick<Request, 'brief' | 'html' | 'planFile'> = {}
    const options = readOptions(walked, (name, value) => {
      if (name === 'brief') own.brief = true
      else if (name === 'html') own.html = value
      else own.planFile = value
    })
    if (own.brief && own.html !== undefined) throw new UsageError('--brief and --html: a page has all steps')
    if (own.planFile === undefined) {
      const usage = 'nsbox explain [OPTIONS] [--] COMMAND [ARG...]'
      return { options, argv: readCommand('explain', walked, usage, options), ...own }
    }
    const extra = walked.typed.find(({ option }) => option.group !== 'reporting')
    if (extra !== undefined)
      throw new UsageError(
        `--plan and --${extra.option.name}: the plan already says what the box is`,
        'make a new plan: nsbox plan OPTIONS COMMAND',
      )
    return { options, argv: walked.rest, ...own }
  },
  run({ options, argv, brief = false, html, planFile }) {
    const host = thisHost()
    const reader = { uid: host.uid, look: host.look, read: host.read }
    const paint = painter()
    const say = (made: BoxPlan): number => {
      if (html === undefined)
        return print(
          `${explainPlan(made, reader, { brief, paint: (line, part) => paint(line, part === 'title' ? 'bold' : 'dim') })}\n`,
        )
      const text = lateExplain().boxPage(made, reader)
      if (html === '-') return print(text)
      writeReport(html, text)
      return 0
    }
    if (planFile === undefined) return planned(options, argv, host, say, placeOfReview(options, host))
    return say(boxOf(storedPlan(planFile, options, argv, host), planFile))
  },
})

/** Where a review would lie; nothing is made. */
const placeOfReview = ({ changes }: Options, host: HostFacts): string | undefined =>
  changes === 'review' ? `${lateReview().reviewsDirectory(host)}/ID` : undefined

function boxOf(plan: Plan, file: string): BoxPlan {
  const { root } = plan
  if (root !== undefined) return { ...plan, root }
  throw new SandboxError({
    step: 'read plan',
    what: 'enters a box that runs, and makes none to be explained',
    path: file,
    hint: 'nsbox plan OPTIONS COMMAND >FILE makes one',
  })
}
