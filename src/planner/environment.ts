import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import type { EnvChange, Options } from '../options/types.ts'
import { compact } from '../plan/compact.ts'
import type { Environment } from '../plan/types.ts'

/**
 * The environment as changes to the caller's, which travels by execve and never through the plan: so a printed plan
 * shows no secret that happens to be set. HOME: the directory of a user of the box; options that name the variable win.
 */
export function environment({ env = [], clearEnv }: Options, host: HostFacts, home?: string): Environment {
  let set: string[] = []
  const pass: string[] = []
  const unset: string[] = []
  for (const change of env) {
    if (change.type === 'pass' || change.type === 'later') remove(unset, change.name)
    if (change.type === 'unset') {
      set = set.filter((entry) => !entry.startsWith(`${change.name}=`))
      remove(pass, change.name)
      if (!unset.includes(change.name)) unset.push(change.name)
    } else if (change.type === 'later') pass.push(change.name)
    else if (change.type === 'set') set.push(`${change.name}=${change.value}`)
    else if (change.type === 'file') set.push(...fromFile(change.path, host))
    else if (clearEnv) set.push(...passed(change.name, host))
    // Otherwise the caller's value is inherited, and the caller of a stored plan may change it.
  }
  if (home !== undefined && !namesHome(env, set)) set.unshift(`HOME=${home}`)
  return compact<Environment>({
    inherit: !clearEnv,
    pass: clearEnv && pass.length > 0 ? pass : undefined,
    unset: clearEnv ? undefined : unset,
    set,
  })
}

function remove(names: string[], name: string): void {
  const at = names.indexOf(name)
  if (at >= 0) names.splice(at, 1)
}

function namesHome(env: readonly EnvChange[], set: readonly string[]): boolean {
  for (const change of env) if (change.type !== 'file' && change.name === 'HOME') return true
  for (const entry of set) if (entry.startsWith('HOME=')) return true
  return false
}

function passed(name: string, { env }: HostFacts): string[] {
  return env[name] === undefined ? [] : [`${name}=${env[name]}`]
}

/** Reads NAME=VALUE lines and skips empty lines and lines that start with #. Quotes have no meaning. */
function fromFile(path: string, host: HostFacts): string[] {
  const found = host.read(path)
  if ('code' in found) throw systemFailure({ step: 'environment', what: 'read', path, code: found.code })
  return found.text.split('\n').flatMap((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return []
    if (/^[^=\0]+=[^\0]*$/.test(line)) return [line]
    throw new SandboxError({
      step: 'environment',
      what: `line ${index + 1} is not NAME=VALUE`,
      path,
      hint: `the line is: ${printable(line.slice(0, 60))}`,
    })
  })
}
