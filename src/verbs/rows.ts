/**
 * All verbs. A new one is a file here, its name in cli/verb.ts and its row in the list below; a name without a row does
 * not compile.
 */
import { walk } from '../cli/argv.ts'
import type { Rows } from '../cli/verb-options.ts'
import { verb, type VerbName } from '../cli/verb.ts'
import { apply } from './apply.ts'
import { bake } from './bake.ts'
import { changes } from './changes.ts'
import { doctor } from './doctor.ts'
import { enter } from './enter.ts'
import { explain } from './explain.ts'
import { help } from './help.ts'
import { image } from './image.ts'
import { plan } from './plan.ts'
import { profile } from './profile.ts'
import { ps } from './ps.ts'
import { rootfs } from './rootfs.ts'
import { run } from './run.ts'
import { printVersion } from './version.ts'
import { why } from './why.ts'

export const ROWS: Rows = {
  run: verb(run),
  plan,
  explain,
  why,
  profile,
  bake,
  enter,
  ps,
  changes,
  apply,
  rootfs,
  image,
  doctor,
  help,
}

/** Runs a verb; returns the exit status. `argv`: what follows the verb. */
export function carryOut(name: VerbName, argv: readonly string[]): number | Promise<number> {
  const row = ROWS[name]
  const walked = walk(argv, name, row)
  if (walked.question !== undefined) return answer(walked.question, name)
  return row.run(row.parse(walked))
}

/** Answers `--help` and `--version`. `topic`: the verb to help with; undefined for nsbox itself. */
export function answer(question: 'help' | 'version', topic: VerbName | undefined): number | Promise<number> {
  return question === 'version' ? printVersion() : help.run(topic === undefined ? {} : { topic })
}
