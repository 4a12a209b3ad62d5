/**
 * Profiles that nsbox brings: a name in the place of a file. Each is an object with the keys of a profile, made for the
 * project, which is the caller's directory.
 */
import { UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { gitPaths } from './git-paths.ts'

type Preset = {
  name: string
  /** One sentence, lower case, no full stop. */
  doc: string
  /** What it doesn't keep a command from, in sentences. */
  open: readonly string[]
  content(project: Project): Record<string, unknown>
}

/** `home`: the caller's; undefined where there is none. */
type Project = { path: string; home: string | undefined; host: ProfileHost }

/** What profiles look at. */
export type ProfileHost = Pick<
  HostFacts,
  | 'cwd'
  | 'variable'
  | 'look'
  | 'isLink'
  | 'kind'
  | 'linkText'
  | 'directoriesIn'
  | 'read'
  | 'realPath'
  | 'opensFiles'
  | 'hasRead'
>

/** What tools outside of the box run or obey, in a project's top directory. */
const OBEYED = [
  '.bashrc',
  '.bash_profile',
  '.bash_login',
  '.profile',
  '.zshrc',
  '.zshenv',
  '.zprofile',
  '.zlogin',
  '.envrc',
  '.gitconfig',
  '.gitmodules',
  '.ripgreprc',
  '.mcp.json',
  '.vscode',
  '.idea',
  '.husky',
  '.devcontainer',
  '.claude',
  '.codex',
  '.cursor',
  '.gemini',
]

/** Keys and tokens in a home directory. */
const SECRETS = [
  '.ssh',
  '.gnupg',
  '.aws',
  '.azure',
  '.kube',
  '.config/gcloud',
  '.config/gh',
  '.docker/config.json',
  '.netrc',
  '.git-credentials',
  '.pypirc',
  '.cargo/credentials',
  '.cargo/credentials.toml',
  '.password-store',
  '.mozilla',
  '.config/google-chrome',
  '.config/chromium',
]

/** Where everybody may write: a box has its own. */
const PRIVATE = ['/tmp', '/var/tmp']

/** Where services of the host keep their state; not all is sockets there. The second are links of NixOS. */
const SERVICES = {
  hide: ['/run'],
  keepTry: ['/run/current-system', '/run/booted-system', '/run/opengl-driver', '/run/wrappers'],
}

/** Where package managers keep what they have fetched. */
const CACHES = [
  '.cache',
  '.npm',
  '.yarn',
  '.bun/install/cache',
  '.local/share/pnpm',
  '.cargo/registry',
  '.cargo/git',
  'go/pkg',
  '.gradle',
  '.m2/repository',
]

const NEW_NAMES =
  'Names that do not exist yet: the command may make .git/commondir, which redirects all hooks and settings of the repository, a new .git file, or a new .vscode. nsbox profile show lists them.'
const FILES_OF_THE_PROJECT =
  'What the project itself brings and tools outside run: package.json, Makefile, scripts, sources. Read the changes before you run them.'
const READS = 'Reading: the command sees all other files that you may read.'

export const PRESETS: readonly Preset[] = [
  {
    name: 'read-only',
    doc: 'nothing of the host can be written: a private /tmp, no network, keys and tokens of the home directory hidden',
    open: [READS],
    content: (project) => ({ ...common(project), ...shownAgain(project) }),
  },
  {
    name: 'workspace',
    doc: 'as read-only, but the project can be written, except for what git, shells and editors obey',
    open: [NEW_NAMES, FILES_OF_THE_PROJECT, READS],
    content: workspace,
  },
  {
    name: 'offline-build',
    doc: 'as workspace, and the caches of package managers can be written',
    open: [
      NEW_NAMES,
      FILES_OF_THE_PROJECT,
      READS,
      'The caches: what a command puts there, later builds outside of the box take and run.',
    ],
    content: (project) => ({ ...workspace(project), writeTry: inHome(project, CACHES) }),
  },
  {
    name: 'closed',
    doc: "the system's programs and the project, read-only, and nothing else: an empty home and environment, no network",
    open: ['Reading the project and the settings of the system in /etc.'],
    content: closed,
  },
]

function common(project: Project): Record<string, unknown> {
  return {
    ro: true,
    net: 'none',
    tmpfs: PRIVATE,
    hide: [...SERVICES.hide, ...inHome(project, SECRETS)],
    // Some programs run commands for whoever can connect to their sockets.
    allowSocket: [],
    keepTry: SERVICES.keepTry,
  }
}

/** A project below /tmp is shown again, over the private one. */
function shownAgain({ path }: Project): Record<string, unknown> {
  return /^\/(?:var\/)?tmp\//.test(path) ? { roBind: [path] } : {}
}

function workspace(project: Project): Record<string, unknown> {
  const { path, home } = project
  if (path === '/' || path === home)
    throw new UsageError(
      `--profile: ${path === '/' ? 'the root' : 'your home directory'} can't be the project that a command may change`,
      'cd to the project, or --profile read-only --write DIR',
    )
  const git = gitPaths(path, project.host)
  return {
    ...common(project),
    write: [path, ...git.write],
    keepTry: [...SERVICES.keepTry, ...OBEYED.map((name) => `${path}/${name}`), ...git.keep],
  }
}

function closed(project: Project): Record<string, unknown> {
  const { path, host } = project
  const mounts: object[] = [{ type: 'tmpfs', target: '/', mode: '0755', readonly: true }]
  for (const name of ['/usr', '/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32', '/etc'])
    if (host.isLink(name)) mounts.push({ type: 'symlink', target: name, to: host.linkText(name) })
    else if (host.look(name, false) === 'directory') mounts.push({ type: 'bind', source: name, readonly: true })
  mounts.push({ type: 'proc', target: '/proc' }, { type: 'dev', target: '/dev' })
  for (const target of PRIVATE) mounts.push({ type: 'tmpfs', target })
  // The project's own place, and no further one of the home directory.
  if (path !== '/') mounts.push({ type: 'bind', source: path, readonly: true })
  return {
    mounts,
    hide: [
      '/etc/shadow',
      '/etc/shadow-',
      '/etc/gshadow',
      '/etc/gshadow-',
      '/etc/ssl/private',
      '/etc/ssh',
      '/etc/sudoers',
    ],
    allowSocket: [],
    net: 'none',
    clearEnv: true,
    env: ['PATH=/usr/local/bin:/usr/bin:/bin', 'HOME=/tmp', 'LANG', 'TERM', 'TZ'],
  }
}

const inHome = ({ home }: Project, names: readonly string[]): string[] =>
  home === undefined ? [] : names.map((name) => `${home}/${name}`)

/** The preset's content for the caller. */
export function presetContent(preset: Preset, host: ProfileHost): Record<string, unknown> {
  const home = host.variable('HOME')
  return preset.content({
    path: host.realPath(host.cwd) ?? host.cwd,
    home: home === undefined || !home.startsWith('/') ? undefined : (host.realPath(home) ?? home),
    host,
  })
}
