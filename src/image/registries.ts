/**
 * The caller's own file of registries: a line HOST[:PORT][/PREFIX] is tried for short names, and NAME =
 * HOST[:PORT][/PREFIX] says where the registry NAME, or a mirror of it, really is.
 */
import { SandboxError } from '../errors.ts'
import { systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { ownDirectory } from '../planner/own-directories.ts'
import { HOST, isRegistry } from './grammar.ts'

type Look = Pick<HostFacts, 'read' | 'uid' | 'variable'>

/** Its path; undefined where no variable says where the caller's configuration is. */
export function registriesFile(host: Look): string | undefined {
  const directory = ownDirectory('configuration', host)
  return directory === undefined ? undefined : `${directory}/registries`
}

type Registries = {
  /** HOST[:PORT][/PREFIX], the first is tried first. */
  defaults: string[]
  /** HOST[:PORT][/PREFIX] by the HOST[:PORT] of a reference. */
  aliases: ReadonlyMap<string, string>
}

/** Empty without a file. Throws SandboxError for one that can't be read, or a line that is no registry. */
export function readRegistries(host: Look): Registries {
  const defaults: string[] = []
  const aliases = new Map<string, string>()
  const path = registriesFile(host)
  if (path === undefined) return { defaults, aliases }
  const found = host.read(path)
  if ('code' in found) {
    if (found.code === 'ENOENT' || found.code === 'ENOTDIR') return { defaults, aliases }
    throw systemFailure({ step: 'image', what: 'read', path, code: found.code })
  }
  for (const [index, line] of found.text.split('\n').entries()) {
    const text = line.replace(/#.*/, '').trim()
    if (text === '') continue
    const [, name, registry = text] = /^(.*?)\s*=\s*(.*)$/.exec(text) ?? []
    if (!isRegistry(registry) || (name !== undefined && !HOST.test(name)))
      throw new SandboxError({
        step: 'image',
        what: `line ${index + 1} is not HOST[:PORT][/PREFIX] or NAME = HOST[:PORT][/PREFIX]`,
        path,
        hint: 'a line each, the first is tried first; # starts a comment',
      })
    if (name === undefined) defaults.push(registry)
    else aliases.set(name, registry)
  }
  return { defaults, aliases }
}
