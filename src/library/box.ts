import { explain } from '../explain/explain.ts'
import { hostOfProgram } from '../host/node.ts'
import type { HostFacts } from '../host/types.ts'
import { buildPlan } from '../planner/build.ts'
import { refuseTraceDenied } from '../planner/trace-denied.ts'
import type { Options } from '../options/types.ts'
import type { Plan } from '../plan/types.ts'
import type { BoxOptions } from './box-options.ts'
import { readOptions, withHintInProgram } from './options.ts'
import type { Commands } from './commands.ts'
import { open, type LiveBox, type OpenOptions } from './live.ts'
import { newBox, withCachedImage } from './planner.ts'
import { throwWithHint } from './report.ts'
import { commandsOf } from './start.ts'
import { warningsOf } from './warnings.ts'

export type Box = Commands & {
  /** The plan that would run, as `nsbox plan` prints it. Nothing is run. */
  plan(argv: readonly string[]): Plan
  /** The same in words, as `nsbox explain` prints it. */
  explain(argv: readonly string[]): string
  /** Make the box now, for many commands: `await using live = await b.open()`. */
  open(options?: OpenOptions): Promise<LiveBox>
  /** A box with further options: a single value replaces, a list adds, false takes a flag back. */
  with(changes: BoxOptions): Box
}

/**
 * Describes a box; each command runs in a new one. Options are the command line's, in camel case. Throws UsageError for
 * an unknown option or a wrong value. Its methods throw SandboxError where the host lacks what an option names. A mount
 * that a later one covers is a warning (process.emitWarning, once a box, type NsboxWarning) unless `quiet` is set.
 */
export function box(options: BoxOptions = {}): Box {
  return make(readOptions(options))
}

/** What an explanation reads of this machine. */
function reader(): { uid: number } & Pick<HostFacts, 'look' | 'read'> {
  const { look, read, uid } = hostOfProgram()
  return { uid, look, read }
}

function make(options: Options): Box {
  const planned = (words: readonly string[]) =>
    withHintInProgram(() => {
      refuseTraceDenied(options, 'traceDenied')
      const host = hostOfProgram()
      const { options: merged, argv, root } = withCachedImage(options, words, host)
      return buildPlan(merged, argv, host, root)
    })
  const warn = warningsOf(options)
  return {
    plan: planned,
    explain: (argv) => explain(planned(argv), reader()),
    ...commandsOf(newBox(options, warn)),
    open: (how) => open(options, warn, how).catch(throwWithHint),
    with: (changes) => make(readOptions(changes, options)),
  }
}
