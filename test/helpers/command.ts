/** Parses a command line without carrying it out. */
import { walk } from '../../src/cli/argv.ts'
import { verbOf } from '../../src/cli/verb.ts'
import type { Options } from '../../src/options/types.ts'
import type { RootfsOptions } from '../../src/rootfs/choices.ts'
import { ROWS } from '../../src/verbs/rows.ts'

/** The options of a box, or of a root. */
type Request = {
  verb: string
  options: Options
  argv: string[]
  planFile?: string
  record?: unknown
  args: string[]
  how: RootfsOptions
}

/** The verb with its options; `--help` and `--version` are verbs of their own. Throws UsageError. */
export function parse(argv: readonly string[]): Request {
  const named = verbOf(argv)
  const name = named ?? 'run'
  const { question, ...walked } = walk(named === undefined ? argv : argv.slice(1), name, ROWS[name])
  if (question === 'version') return { verb: 'version' } as Request
  if (question === 'help') return { verb: 'help', ...(named !== undefined && { topic: named }) } as Request
  return { verb: name, ...(ROWS[name].parse(walked) as Omit<Request, 'verb'>) }
}
