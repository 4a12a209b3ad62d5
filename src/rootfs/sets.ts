/**
 * Files that programs look for at run time, though no header names them: the sets of `--with`. A set takes what this
 * host has, wherever a distribution keeps it.
 */

import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import type { Extra } from './choices.ts'
import type { Closure } from './closure.ts'
import { failed } from './elf.ts'
import { addJava, addNode, addPerl, addPython, addRuby } from './languages.ts'
import { addExisting, type Destination, libraryDirectories, type Environment } from './set-parts.ts'

const ACCOUNTS = ['nsswitch.conf', 'passwd', 'group', 'hosts', 'resolv.conf', 'host.conf', 'gai.conf']
const DATABASES = ['services', 'protocols', 'networks', 'rpc', 'ethers']
const TERMINFO = ['/lib/terminfo', '/usr/share/terminfo', '/etc/terminfo']
const TERMINALS = ['xterm', 'xterm-256color', 'linux', 'screen', 'tmux-256color', 'vt100', 'dumb']
const LOCALES = '/usr/lib/locale'

/** Where Debian, Alpine and Arch; Fedora and its like; openSUSE keep the certificates as one file. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
]
/** Stores of Java and of p11-kit, which GnuTLS reads on Fedora, and settings that OpenSSL's own file includes. */
const STORES = [
  '/etc/ssl/certs/java/cacerts',
  '/etc/pki/java/cacerts',
  '/etc/pki/ca-trust/extracted',
  '/etc/pki/ca-trust/source',
  '/usr/share/pki/ca-trust-source',
  '/usr/share/p11-kit/modules/p11-kit-trust.module',
  '/etc/pki/tls/openssl.d',
  '/etc/crypto-policies/back-ends',
  '/usr/share/crypto-policies',
]
/** OpenSSL's directory on Debian, Alpine and Arch, Fedora; a libcrypto in the root says its own. */
const OPENSSL = ['/usr/lib/ssl', '/etc/ssl', '/etc/pki/tls', '/etc/ssl1.1']
/** Directories whose files are certificates; a link to anywhere else may be one to a private key. */
const CERTIFICATES = [
  ...['/usr/share/ca-certificates/', '/usr/local/share/ca-certificates/', '/etc/ca-certificates/extracted/'],
  ...['/etc/pki/ca-trust/extracted/', '/var/lib/ca-certificates/', '/etc/ssl/certs/ca-'],
]

type Add = (to: Destination, env: Environment) => void

/** For each set, its text in `--with list` and the function that adds it. */
export const SETS: Readonly<Record<Extra, { doc: string; add: Add }>> = {
  nss: { doc: 'users, groups, host names, services, protocols, and the modules that look them up', add: addNss },
  locale: { doc: 'C.UTF-8 and the locales of LANG and LC_*', add: addLocale },
  terminfo: { doc: 'the terminal of TERM, and common ones', add: addTerminfo },
  'ca-certificates': { doc: 'certificates where TLS libraries look for them', add: addCertificates },
  tz: { doc: 'time zones, and the one of this host', add: addTimeZones },
  gconv: { doc: 'character sets of iconv', add: addGconv },
  fonts: { doc: 'fonts and the settings of fontconfig', add: addFonts },
  magic: { doc: 'file types of file and libmagic', add: addMagic },
  python: { doc: 'standard library and installed packages of python', add: addPython },
  perl: { doc: 'modules of perl', add: addPerl },
  ruby: { doc: 'standard library and gems of ruby', add: addRuby },
  java: { doc: 'all of the installation that java belongs to', add: addJava },
  node: { doc: 'global packages of node, npm among them', add: addNode },
}

function addNss({ closure }: Destination): void {
  for (const name of [...ACCOUNTS, ...DATABASES]) addFile(closure, `/etc/${name}`)
  const loader = closure.first?.loader
  if (loader === undefined) return
  const isNss = (name: string): boolean => /^libnss_.+\.so(\.\d+)+$/.test(name)
  const added = new Set<string>()
  // The directories come first: the box's loader has no cache, unless some other library needs it.
  for (const dir of loader.configured ?? loader.defaults) {
    for (const name of list(dir).filter(isNss)) {
      if (!added.has(name) && existsSync(`${dir}/${name}`) && closure.library(`${dir}/${name}`)) added.add(name)
    }
  }
  for (const [name, entries] of loader.cache) {
    if (!isNss(name) || added.has(name)) continue
    const found = entries.find(({ path, variant }) => !variant && existsSync(path) && closure.library(path))
    if (found !== undefined) closure.files.add(loader.config)
  }
}

function addLocale({ closure }: Destination, env: Environment): void {
  const wanted = ['LC_ALL', 'LC_CTYPE', 'LC_COLLATE', 'LC_MESSAGES', 'LC_MONETARY', 'LC_NUMERIC', 'LC_TIME', 'LANG']
    .map((name) => env[name] ?? '')
    .filter((name) => /^[A-Za-z][\w.@-]*$/.test(name) && name !== 'C' && name !== 'POSIX')
  // glibc compares the code set without case and punctuation: en_US.UTF-8 is the directory en_US.utf8.
  const plain = (name: string): string =>
    name.replace(/\.([^@]*)/, (_, set: string) => `.${set.replace(/[^A-Za-z0-9]/g, '').toLowerCase()}`)
  const names = new Set([...wanted, 'C.utf8'].flatMap((name) => [plain(name), plain(name).replace(/\.[^@]*/, '')]))
  names.delete('C')
  for (const name of list(LOCALES)) {
    if (names.has(plain(name))) addAll(closure, `${LOCALES}/${name}`)
  }
  const archived = wanted.some((name) => plain(name) !== 'C.utf8')
  if (archived) addFile(closure, `${LOCALES}/locale-archive`)
}

function addTerminfo({ closure }: Destination, env: Environment): void {
  const names = [env['TERM'] ?? '', ...TERMINALS].filter((name) => /^[\w+][\w.+-]*$/.test(name))
  for (const dir of TERMINFO) {
    for (const name of names) {
      // Entries lie below their first letter, or below its number where the file system ignores case.
      for (const part of [name.charAt(0), name.charCodeAt(0).toString(16)]) addFile(closure, `${dir}/${part}/${name}`)
    }
  }
}

/** Adds bundles, stores, and the links to the certificates of packages, but never a private key. */
function addCertificates(to: Destination): void {
  const { closure } = to
  const bundles = BUNDLES.filter((path) => existsSync(path))
  if (bundles[0] === undefined) {
    throw new SandboxError({
      step: 'rootfs',
      what: 'the host has no certificates',
      path: BUNDLES[0],
      hint: 'install the package ca-certificates',
    })
  }
  for (const path of bundles) closure.files.add(path)
  addExisting(to, STORES)
  for (const dir of libraryDirectories(closure)) {
    const module = `${dir}/pkcs11/p11-kit-trust.so`
    if (existsSync(module)) closure.library(module)
  }
  for (const dir of new Set([...OPENSSL, ...[...closure.files].flatMap(opensslDirectory)])) {
    if (!existsSync(dir)) continue
    for (const name of ['cert.pem', 'openssl.cnf', 'ct_log_list.cnf', 'fips_local.cnf'])
      addFile(closure, `${dir}/${name}`)
    // On Debian it is a link to /etc/ssl/certs, and has to be there as well.
    if (existsSync(`${dir}/certs`)) closure.directories.add(`${dir}/certs`)
    for (const path of list(`${dir}/certs`).map((name) => `${dir}/certs/${name}`)) {
      if (!existsSync(path)) continue
      const real = realpathSync(path)
      if (CERTIFICATES.some((prefix) => real.startsWith(prefix)) && statSync(real).isFile()) closure.files.add(path)
    }
  }
}

/** The directory that a libcrypto was built for, which stands in it as a text: `OPENSSLDIR: "/usr/lib/ssl"`. */
function opensslDirectory(path: string): string[] {
  if (!/\/libcrypto\.so[.\d]*$/.test(path)) return []
  const dir = /OPENSSLDIR: "(\/[^"\0]+)"/.exec(readFileSync(path).toString('latin1'))?.[1]
  return dir === undefined ? [] : [dir]
}

function addTimeZones(to: Destination): void {
  addExisting(to, ['/usr/share/zoneinfo', '/etc/localtime', '/etc/timezone'])
}

function addGconv(to: Destination): void {
  addExisting(
    to,
    libraryDirectories(to.closure).map((dir) => `${dir}/gconv`),
  )
}

function addFonts(to: Destination): void {
  addExisting(to, ['/etc/fonts', '/usr/share/fontconfig', '/usr/share/fonts', '/usr/local/share/fonts'])
  addExisting(to, ['/usr/share/X11/fonts', '/usr/share/ghostscript/fonts', '/var/lib/ghostscript/fonts'])
  // Valid as long as the directories of fonts keep their times.
  addExisting(to, ['/var/cache/fontconfig', '/usr/lib/fontconfig/cache'])
}

function addMagic(to: Destination): void {
  addExisting(to, ['/etc/magic', '/etc/magic.mime', '/usr/share/misc/magic', '/usr/share/misc/magic.mgc'])
  addExisting(to, ['/usr/share/file', '/usr/lib/file', '/usr/share/magic.mgc'])
}

function addFile(closure: Closure, path: string): void {
  if (existsSync(path)) closure.files.add(path)
}

function addAll(closure: Closure, path: string): void {
  if (!existsSync(path)) return
  if (!statSync(path).isDirectory()) closure.files.add(path)
  else for (const name of list(path)) addAll(closure, `${path}/${name}`)
}

/** The names in a directory, in a fixed order; a missing directory has no names. */
function list(dir: string): string[] {
  try {
    return existsSync(dir) ? readdirSync(dir).sort() : []
  } catch (error) {
    throw failed('cannot list the directory', dir, error)
  }
}
