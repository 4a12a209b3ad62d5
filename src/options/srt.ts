/**
 * The settings of sandbox-runtime as a profile: the same permissions. What can't be done is an error that names the key.
 * Done otherwise on purpose: what is hidden can't be written to; names that don't exist get no placeholder; an allowed
 * name without a port means the ports 443 and 80. Unix sockets are left to the caller.
 */
import { lstatSync, readdirSync, realpathSync } from 'node:fs'
import type { HostFacts } from '../host/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import { nearest } from '../text/nearest.ts'
import { printable } from '../text/printable.ts'
import { srtHosts } from './srt-hosts.ts'
import { kindOf } from './mount-list.ts'

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

/** What each key has to be. 'no': it has no effect on Linux, or is about tools that nsbox doesn't need. */
const KEYS: Readonly<Record<string, Kind>> = {
  '/network': 'object',
  '/network/allowedDomains': 'texts',
  '/network/deniedDomains': 'texts',
  '/network/deniedDomainReasons': 'no',
  '/network/strictAllowlist': 'no',
  '/network/deniedResolvedAddresses': 'texts',
  '/network/allowUnixSockets': 'texts',
  '/network/allowAllUnixSockets': 'boolean',
  '/network/allowLocalBinding': 'no',
  '/network/allowMachLookup': 'no',
  '/network/httpProxyPort': 'refused',
  '/network/socksProxyPort': 'refused',
  '/network/mitmProxy': 'refused',
  '/network/filterRequest': 'refused',
  '/network/tlsTerminate': 'refused',
  '/network/parentProxy': 'refused',
  '/filesystem': 'object',
  '/filesystem/disabled': 'boolean',
  '/filesystem/denyRead': 'texts',
  '/filesystem/allowRead': 'texts',
  '/filesystem/allowWrite': 'texts',
  '/filesystem/denyWrite': 'texts',
  '/filesystem/allowGitConfig': 'boolean',
  '/credentials': 'object',
  '/credentials/files': 'credentials',
  '/credentials/envVars': 'credentials',
  '/credentials/allowPlaintextInject': 'no',
  '/credentials/awsPairs': 'refused',
  '/credentials/sigv4': 'refused',
  '/ignoreViolations': 'no',
  '/enableWeakerNestedSandbox': 'boolean',
  '/enableWeakerNetworkIsolation': 'no',
  '/allowAppleEvents': 'no',
  '/ripgrep': 'no',
  '/mandatoryDenySearchDepth': 'depth',
  '/allowPty': 'no',
  '/seccomp': 'no',
  '/bwrapPath': 'no',
  '/socatPath': 'no',
  '/javaAgentJarPath': 'no',
  '/windows': 'no',
  '/git': 'no',
}
type Kind = 'object' | 'texts' | 'boolean' | 'credentials' | 'depth' | 'refused' | 'no'

type Table = Record<string, unknown>
type Settings = {
  network: { allowedDomains: string[]; deniedDomains: string[]; [key: string]: unknown }
  filesystem: {
    denyRead: string[]
    allowRead: string[]
    allowWrite: string[]
    denyWrite: string[]
    [key: string]: unknown
  }
  credentials: { files: Credential[]; envVars: Credential[] }
  [key: string]: unknown
}
type Credential = { path?: string; name?: string; mode: 'deny' }

/** The keys of a profile that say the same as SETTINGS. */
export function srtContent(settings: unknown, context: SrtContext): Record<string, unknown> {
  const read = readSettings(settings, context)
  const { credentials, network } = read
  return {
    ...fileRules(read, context),
    ...srtHosts(network, context),
    ...(credentials.envVars.length === 0 ? {} : { unsetEnv: credentials.envVars.map(({ name }) => name) }),
    ...(read.enableWeakerNestedSandbox === true ? { nest: true } : {}),
  }
}

function readSettings(settings: unknown, { fail }: SrtContext): Settings {
  const check = (table: unknown, at: string): Table => {
    if (typeof table !== 'object' || table === null || Array.isArray(table))
      return fail(at, `must be an object, not ${kindOf(table)}`)
    for (const [key, value] of Object.entries(table)) {
      const pointer = `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
      const kind = Object.hasOwn(KEYS, pointer) ? KEYS[pointer] : undefined
      if (kind === undefined) fail(pointer, 'unknown key', hintFor(at, key))
      else checkValue(kind, value, pointer)
    }
    return table as Table
  }
  const checkValue = (kind: Kind, value: unknown, at: string): void => {
    if (value === undefined) return
    if (kind === 'object') check(value, at)
    else if (kind === 'refused')
      fail(
        at,
        'nsbox has no proxy and looks into no connection',
        'leave the key out: names are allowed by allowedDomains',
      )
    else if (kind === 'boolean' && typeof value !== 'boolean') fail(at, `must be true or false, not ${kindOf(value)}`)
    else if (kind === 'depth' && !(Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 10))
      fail(at, `must be a whole number from 1 to 10, not ${kindOf(value)}`)
    else if (kind === 'texts') eachOf(value, at, (one, place) => void textAt(one, place))
    else if (kind === 'credentials') eachOf(value, at, checkCredential)
  }
  const eachOf = (value: unknown, at: string, body: (one: unknown, place: string) => void): void => {
    if (!Array.isArray(value)) fail(at, `must be a list, not ${kindOf(value)}`)
    for (const [n, one] of (value as unknown[]).entries()) body(one, `${at}/${n}`)
  }
  const textAt = (value: unknown, at: string): void => {
    if (typeof value !== 'string' || value === '') fail(at, `must be text, not ${kindOf(value)}`)
  }
  const checkCredential = (value: unknown, at: string): void => {
    const { mode, path, name } = (typeof value === 'object' && value !== null ? value : {}) as Table
    if (mode !== 'deny')
      fail(`${at}/mode`, `nsbox can hide credentials (deny) and not replace them: ${kindOf(mode)}`, '"mode": "deny"')
    if (at.startsWith('/credentials/files')) textAt(path, `${at}/path`)
    else textAt(name, `${at}/name`)
  }
  const table = check(settings, '')
  for (const [part, keys] of REQUIRED)
    for (const key of keys)
      if ((table[part] as Table | undefined)?.[key] === undefined)
        fail(table[part] === undefined ? `/${part}` : `/${part}/${key}`, 'is missing', `"${part}": { "${key}": [] }`)
  const { filesystem, credentials = {} } = table as { filesystem: Table; credentials?: Table }
  return {
    ...table,
    network: table.network as Settings['network'],
    filesystem: { allowRead: [], ...filesystem } as unknown as Settings['filesystem'],
    credentials: { files: [], envVars: [], ...credentials } as unknown as Settings['credentials'],
  }
}

/** Settings without these are refused by sandbox-runtime, too. */
const REQUIRED = [
  ['network', ['allowedDomains', 'deniedDomains']],
  ['filesystem', ['denyRead', 'allowWrite', 'denyWrite']],
] as const

function hintFor(at: string, key: string): string | undefined {
  const there = Object.keys(KEYS).filter((pointer) => pointer.startsWith(`${at}/`))
  const names = there.map((pointer) => pointer.slice(at.length + 1)).filter((name) => !name.includes('/'))
  const near = nearest(key, names)
  return near === undefined ? undefined : `the nearest is ${near}`
}

/**
 * Reading is allowed but where it is denied, and an allowed path below a denied one is shown again. Writing is denied
 * but where it is allowed, and a denied path wins over an allowed one at any depth.
 */
function fileRules({ filesystem, credentials, mandatoryDenySearchDepth = 3 }: Settings, context: SrtContext): object {
  if (filesystem.disabled === true) return { hide: credentials.files.map((file, n) => hidden(file.path, n, context)) }
  const list = (key: 'denyRead' | 'allowRead' | 'allowWrite' | 'denyWrite', globs: boolean): string[] =>
    filesystem[key].map((path, n) => absolutePath(path, `/filesystem/${key}/${n}`, globs, context))
  const denyRead = [...list('denyRead', true), ...credentials.files.map((file, n) => hidden(file.path, n, context))]
  const allowRead = list('allowRead', false)
  const allowWrite = list('allowWrite', false)
  const denyWrite = [
    ...list('denyWrite', false),
    ...mandatory(context.cwd, Number(mandatoryDenySearchDepth), filesystem.allowGitConfig === true),
  ]
  filesystem.allowWrite.forEach((_, n) => refuseLink(n, allowWrite[n] ?? '', context))
  const own = OWN_WRITABLE.flatMap((path) => (path.startsWith('/') ? [path] : inHome(path, context))).filter(
    (path) => covering(path, denyRead) <= covering(path, allowRead),
  )
  const write = [...allowWrite, ...own].filter((path) => covering(path, denyWrite) === 0)
  const hide = denyRead.filter((path) => !allowRead.includes(path) && !write.includes(path))
  const isHidden = (path: string): boolean => covering(path, hide) > covering(path, [...allowRead, ...write])
  const shown = allowRead.filter((path) => covering(path, hide) > 0)
  const isWritable = (path: string): boolean => covering(path, write) > covering(path, denyWrite)
  const writable = [...write, ...shown.filter(isWritable)]
  const tmp = '/tmp/claude'
  return {
    ro: true,
    writeTry: [...new Set(writable)],
    keepTry: [
      ...new Set([...denyWrite.filter((path) => !isHidden(path)), ...shown.filter((path) => !isWritable(path))]),
    ],
    hide,
    ...(context.exists(tmp) ? { env: [`TMPDIR=${tmp}`] } : {}),
  }
}

/** What sandbox-runtime lets every command write to, where it is there. */
const OWN_WRITABLE = ['/tmp/claude', '.npm/_logs', '.claude/debug']

const inHome = (name: string, { home }: SrtContext): string[] => (home === undefined ? [] : [`${home}/${name}`])

const hidden = (path: string | undefined, n: number, context: SrtContext): string =>
  absolutePath(path ?? '', `/credentials/files/${n}/path`, false, context)

/** The length of the longest of PATHS at PATH or above it; 0: none. */
function covering(path: string, paths: readonly string[]): number {
  let longest = 0
  for (const above of paths)
    if (path === above || path.startsWith(above === '/' ? '/' : `${above}/`)) longest = Math.max(longest, above.length)
  return longest
}

/** `globs`: patterns are allowed. A pattern for all that is below a directory means the directory. */
function absolutePath(given: string, at: string, globs: boolean, { cwd, home, exists, fail }: SrtContext): string {
  if (/^~(?:\/|$)/.test(given) && home === undefined) fail(at, `'${printable(given)}' needs HOME, which isn't set`)
  const named = /^~(?:\/|$)/.test(given)
    ? `${home}${given.slice(1)}`
    : given.startsWith('/')
      ? given
      : `${cwd}/${given}`
  const path = cleanPath(globs ? named : named.replace(/\/\*\*$/, ''))
  if (/[*?[]/.test(path) && !globs && !exists(path))
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
