/** Limits of a whole box. */
import { note, ok, type Result } from '../check.ts'
import type { Host } from '../host.ts'
import { errorOf, failures } from '../try-box.ts'

/** Only the sidecar knows whether it may make a group with limits, so a box with limits is started to know. */
export function cgroups(host: Host): Result {
  const effect = '--memory, --cpus and --pids will not work'
  const tried = failures(host, ['--memory', '64m', '--cpus', '1', '--pids', '10'])
  if (tried === undefined) return note(`not tried: ${host.exe} cannot be executed`, effect)
  const failure = tried.list.find(({ step }) => step === 'control group')
  if (failure === undefined) return ok('version 2; made a group with limits to try')
  const { step: _, hint, ...rest } = failure
  return note(errorOf(rest), effect, ...(hint === undefined ? [] : [hint]))
}
