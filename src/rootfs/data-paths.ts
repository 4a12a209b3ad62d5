/** Data and plugins whose paths stand in a program or library as texts: what of them this host has. */
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

/** Paths in the file that exist here. */
export function dataPathsOf(file: string): string[] {
  if (statSync(file).size > MAX_SEARCHED) return []
  const texts = readFileSync(file).toString('latin1').match(PATHS) ?? []
  const paths = new Set(texts.map((text) => text.replace(/\/+$/, '')))
  return [...paths].filter((path) => !OTHERS.some((pattern) => pattern.test(path)) && existsSync(path)).sort()
}
