/**
 * What of git a box has to leave alone, so that no git command outside of it runs what the box wrote; and where git
 * keeps the files of a work tree that lie elsewhere.
 *
 * Names that aren't there yet can't be protected by a mount. The worst of them is `commondir` beside `config`: it takes
 * the place of all hooks and settings of the repository.
 */
import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'

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
export function gitPaths(project: string): GitPaths {
  const paths: GitPaths = { write: [], keep: [] }
  const dotGit = join(project, '.git')
  const kind = kindAt(dotGit)
  if (kind === 'directory') addRepository(paths, dotGit, project)
  // A missing one can't be kept from being made, but a review doesn't apply it.
  if (kind !== 'directory') paths.keep.push(dotGit)
  if (kind !== 'file') return paths
  const home = homeOf(project, dotGit)
  if (home === undefined) return paths
  paths.write.push(home)
  addRepository(paths, home, project)
  return paths
}

/**
 * The git directory that a `.git` file leads to: of a linked work tree, the repository's; of a submodule, its own.
 * Undefined unless that directory says of itself that it belongs to this very work tree: a box may have written the
 * file, and must not choose what the next one may write to.
 */
function homeOf(project: string, dotGit: string): string | undefined {
  const named = /^gitdir: (.+)\n?$/.exec(textOf(dotGit) ?? '')?.[1]
  const directory = named === undefined ? undefined : realPathOf(resolve(project, named))
  if (directory === undefined) return undefined
  const back = textOf(join(directory, 'gitdir'))?.trim()
  if (back !== undefined) {
    const common = dirname(dirname(directory))
    const isLinked = dirname(directory) === join(common, 'worktrees') && realPathOf(back) === realPathOf(dotGit)
    return isLinked && isRepository(common) ? common : undefined
  }
  const [tree] = settings(join(directory, 'config'), 'core', 'worktree')
  const isSubmodule = tree !== undefined && realPathOf(resolve(directory, tree)) === realPathOf(project)
  return isSubmodule && isRepository(directory) && directory.includes('/.git/modules/') ? directory : undefined
}

const isRepository = (directory: string): boolean =>
  kindAt(join(directory, 'HEAD')) === 'file' &&
  kindAt(join(directory, 'objects')) === 'directory' &&
  kindAt(join(directory, 'refs')) === 'directory'

function addRepository(paths: GitPaths, repository: string, project: string): void {
  const directories = [repository, ...modulesOf(repository)]
  for (const directory of directories) {
    for (const name of CODE) paths.keep.push(join(directory, name))
    const [tree] = directory === repository ? [] : settings(join(directory, 'config'), 'core', 'worktree')
    // A submodule's `.git` file says where its settings are.
    if (tree !== undefined) addInside(paths, project, join(resolve(directory, tree), '.git'))
    const linked = join(directory, 'worktrees')
    for (const name of namesIn(linked)) {
      for (const file of LINKED) paths.keep.push(join(linked, name, file))
      const dotGit = textOf(join(linked, name, 'gitdir'))?.trim()
      if (dotGit !== undefined) addInside(paths, project, dotGit)
    }
    const config = join(directory, 'config')
    for (const path of settings(config, 'core', 'hookspath')) addInside(paths, project, resolve(project, path))
    for (const section of ['include', 'includeif'])
      for (const path of settings(config, section, 'path')) addInside(paths, project, resolve(directory, path))
  }
}

/** Elsewhere the box can't write. */
function addInside({ keep }: GitPaths, project: string, path: string): void {
  if (path.startsWith(`${project}/`) && !keep.includes(path)) keep.push(path)
}

/** The git directories of submodules, and of theirs. Their names may have slashes in them. */
function modulesOf(repository: string): string[] {
  const found: string[] = []
  const open = [join(repository, 'modules')]
  for (let n = 0; n < MAX_DIRECTORIES; n++) {
    const directory = open.pop()
    if (directory === undefined) break
    if (isRepository(directory)) {
      found.push(directory)
      open.push(join(directory, 'modules'))
    } else for (const name of namesIn(directory)) open.push(join(directory, name))
  }
  return found
}

/** Values of a setting in a file of git's settings. SECTION and NAME in lower case. */
function settings(file: string, section: string, name: string): string[] {
  const values: string[] = []
  let here = ''
  for (const line of (textOf(file) ?? '').split('\n')) {
    const header = /^\s*\[\s*([\w.-]+)/.exec(line)?.[1]
    if (header !== undefined) here = header.toLowerCase()
    const [, key, value = ''] = /^(?:\s*\[[^\]]*\])?\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    if (here === section && key?.toLowerCase() === name) values.push(value.replace(/^"(.*)"$/, '$1'))
  }
  return values.filter((value) => value !== '' && !value.startsWith('~'))
}

function kindAt(path: string): 'file' | 'directory' | undefined {
  try {
    const stats = lstatSync(path)
    return stats.isDirectory() ? 'directory' : stats.isFile() ? 'file' : undefined
  } catch {
    return undefined
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}

function textOf(path: string): string | undefined {
  try {
    return kindAt(path) === 'file' ? readFileSync(path, 'utf8') : undefined
  } catch {
    return undefined
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return isAbsolute(path) ? realpathSync(path) : undefined
  } catch {
    return undefined
  }
}
