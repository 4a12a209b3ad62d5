/** Where a loader looks by itself: glibc's cache and built-in directories, musl's path file. */

import { existsSync, readFileSync } from 'node:fs'
import { endianness } from 'node:os'
import { basename } from 'node:path'
import type { Elf } from './elf.ts'

type CacheEntry = {
  path: string
  /** Built for some processors only (a directory of glibc-hwcaps); the root needs the plain one too. */
  variant: boolean
}

type Cache = Map<string, CacheEntry[]>

/** One C library's loader, as the programs that name it see it. */
export type Loader = {
  musl: boolean
  /** Directories that it searches by default. */
  defaults: string[]
  /** The file that names further ones: the box needs it when a library is found in one of those. */
  config: string
  /** The directories that `config` names for musl: they replace the defaults. */
  configured?: string[]
  cache: Cache
  /** The value of $LIB. */
  lib: string
}

const CACHE = '/etc/ld.so.cache'
const OLD_MAGIC = 'ld.so-1.7.0'
const MAGIC = 'glibc-ld.so.cache1.1'
const HEADER = 48
const ENTRY = 24

const MULTIARCH: Record<number, string> = {
  3: 'i386-linux-gnu',
  21: 'powerpc64le-linux-gnu',
  22: 's390x-linux-gnu',
  40: 'arm-linux-gnueabihf',
  62: 'x86_64-linux-gnu',
  183: 'aarch64-linux-gnu',
  243: 'riscv64-linux-gnu',
  258: 'loongarch64-linux-gnu',
}

/** An absent or broken cache counts as empty, as it does for the loader. */
function readCache(path: string = CACHE): Cache {
  try {
    return parseCache(readFileSync(path))
  } catch {
    return new Map()
  }
}

/** The new format, alone or behind the old one (`ldconfig -c compat`). */
export function parseCache(file: Buffer): Cache {
  const little = endianness() === 'LE'
  const int = (at: number): number => (little ? file.readUInt32LE(at) : file.readUInt32BE(at))
  let base = 0
  if (file.toString('latin1', 0, OLD_MAGIC.length) === OLD_MAGIC) base = (16 + int(12) * 12 + 7) & ~7
  if (file.toString('latin1', base, base + MAGIC.length) !== MAGIC) return new Map()
  const text = (at: number): string => file.toString('utf8', base + at, Math.max(base + at, file.indexOf(0, base + at)))
  const cache: Cache = new Map()
  const count = Math.min(int(base + 20), Math.floor((file.length - base - HEADER) / ENTRY))
  for (let i = 0; i < count; i++) {
    const at = base + HEADER + i * ENTRY
    const [name, path] = [text(int(at + 4)), text(int(at + 8))]
    const variant = int(at + 16) !== 0 || int(at + 20) !== 0
    if (path.startsWith('/')) cache.set(name, [...(cache.get(name) ?? []), { path, variant }])
  }
  return cache
}

/** The loader at `path`, which `elf` names or would name. */
export function readLoader(path: string | undefined, elf: Elf): Loader {
  const arch = /^ld-musl-(.+)\.so/.exec(basename(path ?? ''))?.[1]
  if (path !== undefined && arch !== undefined) return muslLoader(path, arch)
  const defaults = (path === undefined ? undefined : builtIn(path)) ?? usualDirectories(elf)
  const lib = (defaults[0] ?? '/lib').replace(/^\/(usr\/)?/, '')
  return { musl: false, defaults, config: CACHE, cache: readCache(), lib }
}

function muslLoader(path: string, arch: string): Loader {
  // musl finds its files from its own place: /opt/x/lib/ld-musl-... reads /opt/x/etc.
  const prefix = /^(.*)\/lib\/[^/]*$/.exec(path)?.[1] ?? ''
  const config = `${prefix}/etc/ld-musl-${arch}.path`
  const loader = { musl: true, defaults: ['/lib', '/usr/local/lib', '/usr/lib'], config, cache: new Map(), lib: 'lib' }
  if (!existsSync(config)) return loader
  return {
    ...loader,
    configured: readFileSync(config, 'utf8')
      .split(/[\n:]/)
      .filter((dir) => dir.startsWith('/')),
  }
}

/**
 * glibc keeps its directories as a row of texts in the loader:
 * "/lib/x86_64-linux-gnu/\0/usr/lib/x86_64-linux-gnu/\0...". They differ between distributions, so they are read from
 * the loader's file, without running it.
 */
function builtIn(path: string): string[] | undefined {
  const rows =
    readFileSync(path)
      .toString('latin1')
      .match(/(?:\/[!-~]+\/\0){2,}/g) ?? []
  const row = rows
    .map((r) => r.split('\0').filter((dir) => dir !== ''))
    .find((dirs) => dirs.some((dir) => /\/lib\w*\/$/.test(dir)))
  return row?.map((dir) => dir.replace(/\/+$/, ''))
}

function usualDirectories(elf: Elf): string[] {
  const triplet = MULTIARCH[elf.machine]
  const wide = elf.bits === 64 ? ['/lib64', '/usr/lib64'] : []
  return [...(triplet === undefined ? [] : [`/lib/${triplet}`, `/usr/lib/${triplet}`]), ...wide, '/lib', '/usr/lib']
}
