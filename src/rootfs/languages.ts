/** The sets of languages: what an interpreter in the root takes for its own, found by where it lies. */
import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import type { Closure } from './closure.ts'
import { isElf } from './elf.ts'
import { addExisting, type Destination, type Environment, libraryDirectories } from './set-parts.ts'

/**
 * The root's interpreters with such a name, by their real paths; where the root has none, the first program of that
 * name in PATH that isn't a script.
 */
function interpreters(closure: Closure, pattern: RegExp, usual: string, env: Environment): string[] {
  const inRoot = [...closure.files].filter((path) => existsSync(path)).map((path) => realpathSync(path))
  const found = [...new Set(inRoot)].filter((path) => pattern.test(basename(path)))
  if (found.length > 0) return found
  const first = (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin')
    .split(':')
    .map((dir) => resolve(dir, usual))
    .find((path) => existsSync(path) && isElf(path))
  return first === undefined ? [] : [realpathSync(first)]
}

/** Below the directory that has bin/ or lib/ of the interpreter: /usr of /usr/bin/python3.11. */
const prefixOf = (path: string): string => path.replace(/\/(?:bin|sbin|lib\w*)(?:\/.*)?$/, '')

export function addPython(to: Destination, env: Environment): void {
  for (const path of interpreters(to.closure, /^(lib)?python\d+\.\d+[a-z]*(\.so[.\d]*)?$/, 'python3', env)) {
    const version = /python(\d+\.\d+[a-z]*)/.exec(basename(path))?.[1] ?? ''
    const prefix = prefixOf(path)
    addExisting(to, [`${prefix}/lib/python${version}`, `${prefix}/lib64/python${version}`, `${prefix}/pyvenv.cfg`])
    // Debian's packages, its settings, and what the administrator has installed.
    if (prefix === '/usr')
      addExisting(to, ['/usr/lib/python3', `/etc/python${version}`, `/usr/local/lib/python${version}`])
  }
}

export function addPerl(to: Destination): void {
  const libraries = libraryDirectories(to.closure)
  // perl -e opens /dev/null, and a box has a /dev of its own where its root has the directory.
  to.closure.directories.add('/dev')
  const names = ['perl', 'perl5', 'perl-base']
  addExisting(
    to,
    libraries.flatMap((dir) => names.map((name) => `${dir}/${name}`)),
  )
  addExisting(to, ['/etc/perl', '/usr/share/perl', '/usr/share/perl5', '/usr/local/lib/perl5', '/usr/local/share/perl'])
  addExisting(to, ['/usr/local/share/perl5', '/usr/local/lib64/perl5', '/usr/local/lib/site_perl'])
}

export function addRuby(to: Destination, env: Environment): void {
  for (const path of interpreters(to.closure, /^(lib)?ruby[-.\d]*(\.so[.\d]*)?$/, 'ruby', env)) {
    const prefix = prefixOf(path)
    if (prefix !== '/usr') addExisting(to, [`${prefix}/lib/ruby`])
  }
  addExisting(
    to,
    libraryDirectories(to.closure).flatMap((dir) => [`${dir}/ruby`, `${dir}/site_ruby`]),
  )
  addExisting(to, ['/usr/share/ruby', '/usr/share/rubygems', '/usr/share/rubygems-integration', '/usr/share/gems'])
  addExisting(to, ['/usr/lib64/gems', '/var/lib/gems', '/usr/local/lib/ruby', '/usr/local/share/ruby'])
  addExisting(to, ['/usr/local/lib/site_ruby'])
}

/** All below the directory that has bin/java, and the settings that Debian keeps in /etc. */
export function addJava(to: Destination, env: Environment): void {
  for (const path of interpreters(to.closure, /^java$/, 'java', env)) {
    const home = dirname(dirname(path))
    if (existsSync(`${home}/lib`) && home !== '/usr' && home !== '/') addExisting(to, [home])
    // The launcher finds its libraries by /proc/self/exe.
    to.closure.directories.add('/proc')
  }
  const settings = existsSync('/etc') ? readdirSync('/etc').filter((name) => /^java(-.*)?$/.test(name)) : []
  addExisting(
    to,
    settings.sort().map((name) => `/etc/${name}`),
  )
  addExisting(to, ['/etc/ssl/certs/java', '/etc/pki/java'])
}

export function addNode(to: Destination, env: Environment): void {
  for (const path of interpreters(to.closure, /^node(js)?$/, 'node', env)) {
    const prefix = prefixOf(path)
    addExisting(to, [`${prefix}/lib/node_modules`, `${prefix}/share/nodejs`, `${prefix}/share/node_modules`])
    addExisting(to, [`${prefix}/etc/npmrc`])
  }
  addExisting(
    to,
    libraryDirectories(to.closure).map((dir) => `${dir}/nodejs`),
  )
  addExisting(to, ['/etc/npmrc'])
}
