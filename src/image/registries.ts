/** The registries that the caller's own file names for short names: HOST[:PORT][/PREFIX], a line each. */
import { SandboxError } from '../errors.ts'
import { systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { ownDirectory } from '../planner/own.ts'
import { isRegistry } from './grammar.ts'

type Look = Pick<HostFacts, 'read' | 'uid' | 'variable'>

/** Its path; undefined where no variable says where the caller's configuration is. */
export function registriesFile(host: Look): string | undefined {
  const directory = ownDirectory('configuration', host)
  return directory === undefined ? undefined : `${directory}/registries`
}

/** Empty without a file. Throws SandboxError for one that can't be read, or a line that is no registry. */
export function defaultRegistries(host: Look): string[] {
  const path = registriesFile(host)
  if (path === undefined) return []
  const found = host.read(path)
  if ('code' in found) {
    if (found.code === 'ENOENT' || found.code === 'ENOTDIR') return []
    throw systemFailure({ step: 'image', what: 'read', path, code: found.code })
  }
  const registries: string[] = []
  for (const [index, line] of found.text.split('\n').entries()) {
    const text = line.replace(/#.*/, '').trim()
    if (text === '') continue
    if (!isRegistry(text))
      throw new SandboxError({
        step: 'image',
        what: `line ${index + 1} is not HOST[:PORT][/PREFIX]`,
        path,
        hint: 'a line each, the first is tried first; # starts a comment',
      })
    registries.push(text)
  }
  return registries
}
