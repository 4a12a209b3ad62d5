/** Data and plugins whose paths stand in a program or library as texts, and libraries whose names do: what this host has. */
import { existsSync, readFileSync, statSync } from 'node:fs'

/** A whole text between two NUL bytes, below the directories where distributions keep data and plugins. */
const PATHS = /(?<=\0)\/(?:etc|opt|usr\/(?:share|lib|lib64|libexec|local)|var\/lib)\/[\w+.,@:/-]+(?=\0)/g
/**
 * Paths that other lines of the report are about, or that no start depends on: the C library's data, translations,
 * debugging symbols, private keys, and directories with the data of many programs.
 */
const OTHERS = [
  /^\/etc\/(passwd|group|shadow|gshadow|hosts|networks|services|protocols|resolv\.conf|nsswitch\.conf|localtime)$/,
  /^\/(etc|usr\/share)\/terminfo$|\/zoneinfo$|^\/usr\/(share|lib)\/locale$|\/gconv$/,
  /^\/usr\/lib\/debug(\/|$)|\/private$/,
  /^\/usr\/(local\/)?(share|lib\w*|libexec|etc)(\/[^/]*-linux-gnu\w*)?$|^\/usr\/local\/(s?bin|games)$/,
]
/** A larger file isn't searched. */
const MAX_SEARCHED = 256 << 20

/** The name of a library as a whole text. */
const LIBRARIES = /(?<=\0)lib[\w+.-]+\.so(?:\.\d+)*(?=\0)/g
/** With more paths in one package's directory, that directory is named. */
const MAX_NAMED = 3
/** The directory of a package: /etc/NAME, /usr/share/NAME, /usr/lib/NAME, /usr/lib/MACHINE-linux-gnu/NAME. */
const PACKAGE =
  /^\/(?:etc|opt|var\/(?:lib|cache)|(?:usr\/(?:local\/)?)?(?:share|libexec|lib\w*(?:\/[^/]+-linux-gnu\w*)?))\/[^/]+/

/** The directory of the package that a path belongs to; the path itself where there is none. */
export const packageOf = (path: string): string => PACKAGE.exec(path)?.[0] ?? path

/** Paths in the file that exist here, and all names of libraries in it. */
export function textsOf(file: string): { paths: string[]; libraries: string[] } {
  if (statSync(file).size > MAX_SEARCHED) return { paths: [], libraries: [] }
  const text = readFileSync(file).toString('latin1')
  const paths = new Set((text.match(PATHS) ?? []).map((path) => path.replace(/\/{2,}/g, '/').replace(/\/$/, '')))
  return {
    paths: [...paths].filter((path) => !OTHERS.some((pattern) => pattern.test(path)) && existsSync(path)).sort(),
    libraries: [...new Set(text.match(LIBRARIES) ?? [])].sort(),
  }
}

/** The paths, with the directory of a package in place of many paths in it. */
export function summarize(paths: readonly string[]): Set<string> {
  const counts = new Map<string, number>()
  for (const path of paths) counts.set(packageOf(path), (counts.get(packageOf(path)) ?? 0) + 1)
  return new Set(paths.map((path) => ((counts.get(packageOf(path)) ?? 0) > MAX_NAMED ? packageOf(path) : path)))
}
