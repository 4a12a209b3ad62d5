/**
 * The settings of sandbox-runtime as a profile: the same permissions. What can't be done is an error that names the
 * key. docs/guides/srt.md lists what is done otherwise on purpose.
 */
import { lstatSync, readdirSync, realpathSync } from 'node:fs'
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import { printable } from '../text/printable.ts'
import { srtHosts } from './srt-hosts.ts'
import { readSettings, type Settings } from './srt-keys.ts'

type SrtContext = {
  /** The caller's directory, from which relative paths start. */
  cwd: string
  home: string | undefined
  /** Whether the path is there. */
  exists(path: string): boolean
  /** Where the link at a path leads in the end; undefined: it is no link, or leads nowhere. */
  leadsTo(path: string): string | undefined
  /** Throws the error for what is wrong at a place of the settings, a JSON pointer. */
  fail(pointer: string, what: string, hint?: string): never
}

/** The keys of a profile that say the same as SETTINGS. */
export function srtContent(settings: unknown, context: SrtContext): Record<string, unknown> {
  const read = readSettings(settings, context.fail)
  const { credentials, network } = read
  const sockets = (network.allowUnixSockets ?? []).map((path, n) =>
    absolutePath(path, `/network/allowUnixSockets/${n}`, false, context),
  )
  return {
    ...fileRules(read, context),
    ...srtHosts(network, context),
    ...(network.allowAllUnixSockets === true ? {} : { allowSocket: sockets }),
    ...(credentials.envVars.length === 0 ? {} : { unsetEnv: credentials.envVars.map(({ name }) => name) }),
    ...(read.enableWeakerNestedSandbox === true ? { nest: true } : {}),
    ...(read.allowNestedUserNamespaces === true ? { allowUserns: true } : {}),
  }
}

/**
 * Reading is allowed but where it is denied, and an allowed path below a denied one is shown again. Writing is denied
 * but where it is allowed, and a denied path wins over an allowed one at any depth.
 */
function fileRules({ filesystem, credentials, mandatoryDenySearchDepth }: Settings, context: SrtContext): object {
  if (filesystem.disabled === true) return { hide: credentials.files.map((file, n) => hidden(file.path, n, context)) }
  const list = (key: 'denyRead' | 'allowRead' | 'allowWrite' | 'denyWrite', globs: boolean): string[] =>
    filesystem[key].flatMap((entry, n) => {
      const given = typeof entry === 'string' ? entry : entry.path
      const path = absolutePath(given, `/filesystem/${key}/${n}`, globs || typeof entry === 'object', context)
      if (key === 'allowWrite') refuseLink(n, path, context)
      // A rule for such a name would be a pattern where nothing has the name.
      return typeof entry === 'object' && HAS_WILDCARD.test(path) && !context.exists(path) ? [] : [path]
    })
  const denyRead = [...list('denyRead', true), ...credentials.files.map((file, n) => hidden(file.path, n, context))]
  const allowRead = list('allowRead', false)
  const allowWrite = list('allowWrite', false)
  const denyWrite = [
    ...list('denyWrite', false),
    ...mandatory(context.cwd, mandatoryDenySearchDepth, filesystem.allowGitConfig === true),
  ]
  const own = OWN_WRITABLE.flatMap((path) => (path.startsWith('/') ? [path] : belowHome(path, context))).filter(
    (path) => covering(path, denyRead) <= covering(path, allowRead),
  )
  const write = [...allowWrite, ...own].filter((path) => covering(path, denyWrite) === 0)
  const hide = denyRead.filter((path) => !allowRead.includes(path) && !write.includes(path))
  const isHidden = (path: string): boolean => covering(path, hide) > covering(path, [...allowRead, ...write])
  const shown = allowRead.filter((path) => covering(path, hide) > 0)
  const isWritable = (path: string): boolean => covering(path, write) > covering(path, denyWrite)
  const writable = [...write, ...shown.filter(isWritable)]
  const isGlob = (path: string): boolean => HAS_WILDCARD.test(path) && !context.exists(path)
  const tmp = '/tmp/claude'
  return {
    ro: true,
    writeTry: [...new Set(writable)],
    keepTry: [
      ...new Set([...denyWrite.filter((path) => !isHidden(path)), ...shown.filter((path) => !isWritable(path))]),
    ],
    hide: [...hide, ...(hide.some(isGlob) ? [...allowRead, ...write].map(shownAlone) : [])],
    ...(context.exists(tmp) ? { env: [`TMPDIR=${tmp}`] } : {}),
  }
}

const HAS_WILDCARD = /[*?[]/

/** What a pattern hides stays in sight where it is allowed by its own name. */
const shownAlone = (path: string): string => `!${path.replace(/[*?[\\]/g, '\\$&')}`

/** What sandbox-runtime lets every command write to, where it is there. */
const OWN_WRITABLE = ['/tmp/claude', '.npm/_logs', '.claude/debug']

const belowHome = (name: string, { home }: SrtContext): string[] => (home === undefined ? [] : [`${home}/${name}`])

const hidden = (path: string, n: number, context: SrtContext): string =>
  absolutePath(path, `/credentials/files/${n}/path`, false, context)

/** The length of the longest of PATHS at PATH or above it; 0: none. */
function covering(path: string, paths: readonly string[]): number {
  let longest = 0
  for (const above of paths)
    if (path === above || path.startsWith(above === '/' ? '/' : `${above}/`)) longest = Math.max(longest, above.length)
  return longest
}

/** `globs`: wildcards are allowed. A pattern for all that is below a directory means the directory. */
function absolutePath(given: string, at: string, globs: boolean, { cwd, home, exists, fail }: SrtContext): string {
  if (/^~(?:\/|$)/.test(given) && home === undefined) fail(at, `'${printable(given)}' needs HOME, which isn't set`)
  const named = /^~(?:\/|$)/.test(given)
    ? `${home}${given.slice(1)}`
    : given.startsWith('/')
      ? given
      : `${cwd}/${given}`
  const path = cleanPath(named.replace(/(?:\/\*\*)+$/, '') || '/')
  if (HAS_WILDCARD.test(path) && !globs && !exists(path))
    fail(
      at,
      `'${printable(given)}': patterns work in denyRead alone; sandbox-runtime skips this one`,
      'name a directory',
    )
  if (path === '/' && at.startsWith('/filesystem/deny'))
    fail(
      at,
      "the root itself can't be denied",
      'sandbox-runtime denies each directory in it; so name those, or --profile closed',
    )
  return path
}

/** A command of an earlier box may have made it. */
function refuseLink(n: number, path: string, { leadsTo, fail }: SrtContext): void {
  const target = leadsTo(path)
  if (target !== undefined && covering(target, [path.slice(0, path.lastIndexOf('/')) || '/']) === 0)
    fail(
      `/filesystem/allowWrite/${n}`,
      `is a link that leads elsewhere: '${printable(target)}'; sandbox-runtime skips it`,
      'name the place itself',
    )
}

const MANDATORY_FILES = [
  '.gitconfig',
  '.gitmodules',
  '.bashrc',
  '.bash_profile',
  '.zshrc',
  '.zprofile',
  '.profile',
  '.ripgreprc',
  '.mcp.json',
]
const MANDATORY_DIRECTORIES = ['.vscode', '.idea', '.claude/commands', '.claude/agents', '.git/hooks']

/** What stays read-only whatever is allowed: in the caller's directory, and where it is there now, down to DEPTH. */
function mandatory(cwd: string, depth: number, allowGitConfig: boolean): string[] {
  const names = [...MANDATORY_FILES, ...MANDATORY_DIRECTORIES, ...(allowGitConfig ? [] : ['.git/config'])]
  const found = names.map((name) => (cwd === '/' ? `/${name}` : `${cwd}/${name}`))
  const search = (directory: string, level: number): void => {
    for (const entry of entriesIn(directory)) {
      const path = `${directory}/${entry.name}`
      if (entry.isDirectory() && level < depth && !SKIPPED.includes(entry.name)) search(path, level + 1)
      if (level === 1) continue
      for (const name of names) if (name.split('/')[0] === entry.name) found.push(`${directory}/${name}`)
    }
  }
  search(cwd === '/' ? '' : cwd, 1)
  return found
}

const SKIPPED = ['node_modules', '.git', 'proc', 'sys']

function entriesIn(directory: string) {
  try {
    return readdirSync(directory === '' ? '/' : directory, { withFileTypes: true })
  } catch {
    return []
  }
}

/** Where settings are read for. */
export function srtContext(host: Pick<HostFacts, 'cwd' | 'variable' | 'look'>, fail: SrtContext['fail']): SrtContext {
  const home = host.variable('HOME')
  return {
    cwd: host.cwd,
    home: home?.startsWith('/') === true ? home : undefined,
    exists: (path) => typeof host.look(path, false) === 'string',
    leadsTo,
    fail,
  }
}

function leadsTo(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? realpathSync(path) : undefined
  } catch {
    return undefined
  }
}
