/**
 * What of git a box has to leave alone, so that no git command outside of it runs what the box wrote; and where git
 * keeps the files of a work tree that lie elsewhere.
 *
 * Names that aren't there yet can't be protected by a mount. The worst of them is `commondir` beside `config`: it takes
 * the place of all hooks and settings of the repository.
 */
import { dirname, isAbsolute, join, resolve } from 'node:path'
import type { HostFacts } from '../host/types.ts'

type Host = Pick<HostFacts, 'kind' | 'directoriesIn' | 'read' | 'realPath'>

type GitPaths = {
  /** Directories outside of the project that `git commit` writes to. */
  write: string[]
  /** Paths that may be missing. */
  keep: string[]
}

/** In a git directory. */
const CODE = ['hooks', 'config', 'config.worktree', 'commondir', 'info/attributes']
/** In the directory of a linked work tree, `worktrees/NAME`. */
const LINKED = ['commondir', 'gitdir', 'config.worktree']

/** More submodules than that are an accident or an attack. */
const MAX_DIRECTORIES = 2000

/** `project`: the top directory of a work tree, or any other. */
export function gitPaths(project: string, host: Host): GitPaths {
  const paths: GitPaths = { write: [], keep: [] }
  const dotGit = join(project, '.git')
  const kind = host.kind(dotGit)
  if (kind === 'directory') addRepository(paths, dotGit, project, host)
  // A missing one can't be kept from being made, but a review doesn't apply it.
  if (kind !== 'directory') paths.keep.push(dotGit)
  if (kind !== 'file') return paths
  const home = homeOf(project, dotGit, host)
  if (home === undefined) return paths
  paths.write.push(home)
  addRepository(paths, home, project, host)
  return paths
}

/**
 * The git directory that a `.git` file leads to: of a linked work tree, the repository's; of a submodule, its own.
 * Undefined unless that directory says of itself that it belongs to this very work tree: a box may have written the
 * file, and must not choose what the next one may write to.
 */
function homeOf(project: string, dotGit: string, host: Host): string | undefined {
  const named = /^gitdir: (.+)\n?$/.exec(textOf(dotGit, host) ?? '')?.[1]
  const directory = named === undefined ? undefined : realPathOf(resolve(project, named), host)
  if (directory === undefined) return undefined
  const back = textOf(join(directory, 'gitdir'), host)?.trim()
  if (back !== undefined) {
    const common = dirname(dirname(directory))
    const isLinked =
      dirname(directory) === join(common, 'worktrees') && realPathOf(back, host) === realPathOf(dotGit, host)
    return isLinked && isRepository(common, host) ? common : undefined
  }
  const [tree] = settings(join(directory, 'config'), 'core', 'worktree', host)
  const isSubmodule = tree !== undefined && realPathOf(resolve(directory, tree), host) === realPathOf(project, host)
  return isSubmodule && isRepository(directory, host) && directory.includes('/.git/modules/') ? directory : undefined
}

const isRepository = (directory: string, host: Host): boolean =>
  host.kind(join(directory, 'HEAD')) === 'file' &&
  host.kind(join(directory, 'objects')) === 'directory' &&
  host.kind(join(directory, 'refs')) === 'directory'

function addRepository(paths: GitPaths, repository: string, project: string, host: Host): void {
  const directories = [repository, ...modulesOf(repository, host)]
  for (const directory of directories) {
    for (const name of CODE) paths.keep.push(join(directory, name))
    const [tree] = directory === repository ? [] : settings(join(directory, 'config'), 'core', 'worktree', host)
    // A submodule's `.git` file says where its settings are.
    if (tree !== undefined) addInside(paths, project, join(resolve(directory, tree), '.git'))
    const linked = join(directory, 'worktrees')
    for (const name of host.directoriesIn(linked)) {
      for (const file of LINKED) paths.keep.push(join(linked, name, file))
      const dotGit = textOf(join(linked, name, 'gitdir'), host)?.trim()
      if (dotGit !== undefined) addInside(paths, project, dotGit)
    }
    const config = join(directory, 'config')
    for (const path of settings(config, 'core', 'hookspath', host)) addInside(paths, project, resolve(project, path))
    for (const section of ['include', 'includeif'])
      for (const path of settings(config, section, 'path', host)) addInside(paths, project, resolve(directory, path))
  }
}

/** Elsewhere the box can't write. */
function addInside({ keep }: GitPaths, project: string, path: string): void {
  if (path.startsWith(`${project}/`) && !keep.includes(path)) keep.push(path)
}

/** The git directories of submodules, and of theirs. Their names may have slashes in them. */
function modulesOf(repository: string, host: Host): string[] {
  const found: string[] = []
  const open = [join(repository, 'modules')]
  for (let n = 0; n < MAX_DIRECTORIES; n++) {
    const directory = open.pop()
    if (directory === undefined) break
    if (isRepository(directory, host)) {
      found.push(directory)
      open.push(join(directory, 'modules'))
    } else for (const name of host.directoriesIn(directory)) open.push(join(directory, name))
  }
  return found
}

/** Values of a setting in a file of git's settings. SECTION and NAME in lower case. */
function settings(file: string, section: string, name: string, host: Host): string[] {
  const values: string[] = []
  let here = ''
  for (const line of (textOf(file, host) ?? '').split('\n')) {
    const header = /^\s*\[\s*([\w.-]+)/.exec(line)?.[1]
    if (header !== undefined) here = header.toLowerCase()
    const [, key, value = ''] = /^(?:\s*\[[^\]]*\])?\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (here === section && key?.toLowerCase() === name) values.push(value.replace(/^"(.*)"$/, '$1'))
  }
  return values.filter((value) => value !== '' && !value.startsWith('~'))
}

function textOf(path: string, host: Host): string | undefined {
  const found = host.kind(path) === 'file' ? host.read(path) : undefined
  return found !== undefined && 'text' in found ? found.text : undefined
}

function realPathOf(path: string, host: Host): string | undefined {
  return isAbsolute(path) ? host.realPath(path) : undefined
}
