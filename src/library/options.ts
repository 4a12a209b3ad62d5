/** Reads the library's options. */
import { SandboxError, UsageError } from '../errors.ts'
import { hostOfProgram } from '../host/node.ts'
import { composeBehind } from '../options/compose-mounts.ts'
import { refuseContradictions } from '../options/contradictions.ts'
import { applyKey, ROWS_BY_KEY } from '../options/from-object.ts'
import { kindOf } from '../options/mount-list.ts'
import { applyProfiles } from '../options/profile.ts'
import type { Options } from '../options/types.ts'
import { camel } from '../text/camel-case.ts'
import type { BoxOptions } from './box-options.ts'

/**
 * Adds the options of a program to `before`: a single value replaces, a list adds, false takes back. Throws UsageError,
 * which names the key. Keys count in their order in the object, those of profiles before them.
 */
export function readOptions(boxOptions: BoxOptions, before: Options = {}): Options {
  if (typeof boxOptions !== 'object' || boxOptions === null || Array.isArray(boxOptions)) {
    throw new UsageError(`options: must be an object, not ${kindOf(boxOptions)}`)
  }
  const { profile, ...others } = boxOptions
  const options = structuredClone(before)
  const host = hostOfProgram()
  if (profile !== undefined) withName(() => applyProfiles(options, textsOf(profile), others, host))
  const profiled = profile === undefined ? 0 : (options.mounts?.length ?? 0)
  for (const [key, value] of Object.entries(others))
    if (value !== undefined) withName(() => applyKey(options, key, value, () => host.variable('HOME')))
  if (profiled > 0) composeBehind(options, profiled)
  withName(() => refuseContradictions(options))
  return options
}

function textsOf(profile: unknown): string[] {
  const files = Array.isArray(profile) ? (profile as unknown[]) : [profile]
  for (const file of files)
    if (typeof file !== 'string' || file === '')
      throw new UsageError(`profile: must be text (FILE), not ${kindOf(file)}`)
  return files as string[]
}

/** Rewrites the table's messages, which name options of the command line. */
function withName(body: () => void): void {
  try {
    body()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new UsageError(inProgram(error.message), error.hint === undefined ? undefined : inProgram(error.hint))
  }
}

/** Rewrites `--die-with-parent` as dieWithParent, and `--cwd /` as cwd: '/'. */
export function inProgram(text: string): string {
  return text.replace(/--([a-z0-9-]+)(?: ('.*?'|\/[^\s,:;]*))?/g, (match, name: string, value: string | undefined) => {
    if (!ROWS_BY_KEY.has(camel(name))) return match
    return value === undefined ? camel(name) : `${camel(name)}: ${value.startsWith("'") ? value : `'${value}'`}`
  })
}

/** The same for the hints of a SandboxError. */
export function withHintInProgram<T>(body: () => T): T {
  try {
    return body()
  } catch (error) {
    throw error instanceof SandboxError && error.hint !== undefined
      ? Object.assign(error, { hint: inProgram(error.hint) })
      : error
  }
}
