/**
 * Files that programs look for at run time, though no header names them: `--with nss,locale,terminfo,ca-certificates`.
 */

import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import type { Extra } from './choices.ts'
import type { Closure } from './closure.ts'
import { failed } from './elf.ts'

type Environment = Record<string, string | undefined>

const ACCOUNTS = ['/etc/nsswitch.conf', '/etc/passwd', '/etc/group', '/etc/hosts', '/etc/resolv.conf']
const TERMINFO = ['/lib/terminfo', '/usr/share/terminfo', '/etc/terminfo']
const TERMINALS = ['xterm', 'linux', 'screen', 'tmux-256color', 'vt100']
const LOCALES = '/usr/lib/locale'
const BUNDLE = '/etc/ssl/certs/ca-certificates.crt'
const CERTIFICATES = ['/usr/share/ca-certificates/', '/usr/local/share/ca-certificates/']

/** Adds the files of one extra to the closure. */
export function addExtra(extra: Extra, closure: Closure, env: Environment): void {
  if (extra === 'nss') addNss(closure)
  else if (extra === 'locale') addLocale(closure, env)
  else if (extra === 'terminfo') addTerminfo(closure, env)
  else addCertificates(closure)
}

function addNss(closure: Closure): void {
  for (const path of ACCOUNTS) if (existsSync(path)) closure.files.add(path)
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

function addLocale(closure: Closure, env: Environment): void {
  const wanted = ['LC_ALL', 'LC_CTYPE', 'LC_COLLATE', 'LC_MESSAGES', 'LC_MONETARY', 'LC_NUMERIC', 'LC_TIME', 'LANG']
    .map((name) => env[name] ?? '')
    .filter((name) => /^[A-Za-z][\w.@-]*$/.test(name) && name !== 'C' && name !== 'POSIX')
  // glibc compares the code set without case and punctuation: en_US.UTF-8 is the directory en_US.utf8.
  const plain = (name: string): string =>
    name.replace(/\.([^@]*)/, (_, set: string) => `.${set.replace(/[^A-Za-z0-9]/g, '').toLowerCase()}`)
  const names = new Set([...wanted, 'C.utf8'].flatMap((name) => [plain(name), plain(name).replace(/\.[^@]*/, '')]))
  names.delete('C')
  for (const name of list(LOCALES)) {
    if (names.has(plain(name))) addTree(closure, `${LOCALES}/${name}`)
  }
  const archived = wanted.some((name) => plain(name) !== 'C.utf8')
  if (archived && existsSync(`${LOCALES}/locale-archive`)) closure.files.add(`${LOCALES}/locale-archive`)
}

function addTerminfo(closure: Closure, env: Environment): void {
  const names = [env['TERM'] ?? '', ...TERMINALS].filter((name) => /^[\w+][\w.+-]*$/.test(name))
  for (const dir of TERMINFO) {
    for (const name of names) {
      // Entries lie below their first letter, or below its number where the file system ignores case.
      for (const part of [name.charAt(0), name.charCodeAt(0).toString(16)]) {
        const path = `${dir}/${part}/${name}`
        if (existsSync(path)) closure.files.add(path)
      }
    }
  }
}

/**
 * Adds the bundle, and the links of /etc/ssl/certs that lead to the certificates of packages, but never a private key.
 */
function addCertificates(closure: Closure): void {
  if (!existsSync(BUNDLE)) {
    throw new SandboxError({
      step: 'rootfs',
      what: 'the host has no certificates',
      path: BUNDLE,
      hint: 'install the package ca-certificates',
    })
  }
  closure.files.add(BUNDLE)
  const dir = '/etc/ssl/certs'
  for (const path of list(dir).map((name) => `${dir}/${name}`)) {
    if (!existsSync(path)) continue
    const real = realpathSync(path)
    if (CERTIFICATES.some((prefix) => real.startsWith(prefix))) closure.files.add(path)
  }
}

function addTree(closure: Closure, path: string): void {
  if (!existsSync(path)) return
  if (!statSync(path).isDirectory()) closure.files.add(path)
  else for (const name of list(path)) addTree(closure, `${path}/${name}`)
}

/** The names in a directory, in a fixed order; a missing directory has no names. */
function list(dir: string): string[] {
  try {
    return existsSync(dir) ? readdirSync(dir).sort() : []
  } catch (error) {
    throw failed('cannot list the directory', dir, error)
  }
}
