/**
 * Files by rule: `write`, `keep` and `hide` name paths of the host, in any order. The longest path decides, `hide` wins
 * over the others at the same path, and `keep` over `write`. A rule is about the real place of a file: links are
 * resolved when the plan is made.
 *
 * A rule becomes a mount behind all mounts of the caller's at its path or above it. So it has the last word there, and
 * mounts below its path lie on it.
 */
import { SandboxError, UsageError } from '../errors.ts'
import { absolute } from '../host/absolute.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import { rootDirectories, showsHost } from '../plan/root.ts'
import type { Mount, Root } from '../plan/types.ts'
import { printable } from '../text/printable.ts'
import { hostFile, IS_MISSING } from './host-path.ts'
import { hideMounts, isOnHost, isPattern } from './patterns.ts'
import { parentOf } from './pins.ts'
import { isBelow, realPlace, type Shown } from './places.ts'
import { socketDirectories } from './socket-directories.ts'

/** In the order of their strength: of two at one path, the later one wins. */
const KINDS = ['write', 'keep', 'hide'] as const
type Kind = (typeof KINDS)[number]

/** `path`: where the box sees it. `link`: the path as it was given, if there are links in it. */
type Rule = { kind: Kind; path: string; source: string; link?: string | undefined; optional?: true }
type Looks = Pick<HostFacts, 'cwd' | 'look' | 'realPath'>

/** OPTIONS, with a read-only root unless the caller has said something else about it. */
export function rootByRules(options: Options, host: Looks): Options {
  const { ro, overlay, write, writeTry, keep, keepTry, hide } = options
  if ((write ?? writeTry ?? keep ?? keepTry ?? hide) === undefined || ro !== undefined || overlay !== undefined)
    return options
  if ([...(write ?? []), ...(writeTry ?? [])].some((path) => realPlace(path, host) === '/')) return options
  return { ...options, ro: true }
}

/** MOUNTS, which the caller asked for in this order, with those that follow from rules. Throws SandboxError. */
export function withRules(mounts: readonly Mount[], options: Options, root: Root, host: HostFacts): Mount[] {
  const shown = [...rootDirectories(root).map((source) => ({ source, target: '/' })), ...bindsOf(mounts)]
  const rules = strongest(everywhere(rulesOf(options, mounts, host), shown, host))
  const at = rules.map(({ path }) => lastAbove(path, mounts))
  const result: Mount[] = []
  for (let n = -1; n < mounts.length; n++) {
    const mount = mounts[n]
    if (mount !== undefined && !rules.some((rule, index) => at[index] === n && isSameBind(rule, mount)))
      result.push(mount)
    rules.forEach((rule, index) => {
      if (at[index] === n) result.push(...mountsOf(rule, index, rules, at))
    })
  }
  // They come last, so that a pattern finds all that shows.
  const patterns = (options.hide ?? []).filter((word) => isPattern(word, isOnHost(host)))
  result.push(...hideMounts(patterns, shown, host))
  if (options.sockets !== undefined)
    result.push(
      ...socketMounts(
        options.sockets,
        [...shown.slice(0, rootDirectories(root).length), ...bindsOf(result)],
        root,
        host,
      ),
    )
  return result
}

function rulesOf(options: Options, mounts: readonly Mount[], host: HostFacts): Rule[] {
  const rules: Rule[] = []
  const { write = [], writeTry = [], keep = [], keepTry = [], hide = [] } = options
  const all = { write: [...writeTry, ...write], keep: [...keepTry, ...keep], hide }
  for (const kind of KINDS)
    for (const [n, given] of all[kind].entries()) {
      if (kind === 'hide' && isPattern(given, isOnHost(host))) continue
      const optional = kind === 'write' && n < writeTry.length
      if (kind === 'write') hostFile('write', given, options, host, optional)
      if (kind === 'keep') refusePattern(given, host)
      const named = cleanPath(absolute(given, host))
      const path = realPlace(given, host)
      if (path === '/' && kind !== 'write')
        throw new UsageError(`--${kind}: '${printable(given)}' is the root itself`, ROOT_HINT[kind])
      const link = path === named ? undefined : named
      if (path !== '/') rules.push({ kind, path, source: path, link, ...(optional && { optional }) })
    }
  const allowed = options.sockets?.map((path) => realPlace(path, host))
  if (allowed !== undefined)
    for (const path of socketDirectories(allowed, host))
      // A rule or a mount of the caller's for the directory itself counts instead.
      if (![...rules, ...mounts.map(({ target }) => ({ path: target }))].some((one) => one.path === path))
        rules.push({ kind: 'hide', path, source: path })
  return rules
}

const ROOT_HINT = {
  keep: 'the root is read-only unless --write / is given',
  hide: '--tmpfs / gives the box an empty root',
}

function refusePattern(given: string, host: Looks): void {
  if (!isPattern(given, isOnHost(host))) return
  throw new SandboxError({
    step: 'mounts',
    what: '--keep takes paths, no patterns',
    path: given,
    hint: 'a shell expands a pattern that stands without quotes',
  })
}

const bindsOf = (mounts: readonly Mount[]): Shown[] => mounts.filter((mount) => mount.type === 'bind')

/**
 * Hides the host's sockets where the box shows a part of the host. A bind of a single file is meant; what is missing
 * may be a directory when the box starts.
 */
function socketMounts(given: readonly string[], shown: readonly Shown[], root: Root, host: Looks): Mount[] {
  const places = shown.map(({ source, target }) => ({ target, from: realPlace(source, host) }))
  const isDirectory = ({ from }: { from: string }): boolean => {
    const found = host.look(from, true)
    return found === 'directory' || (typeof found === 'object' && IS_MISSING.includes(found.code))
  }
  const files = places.filter((place) => !isDirectory(place)).map(({ from }) => from)
  const allowed = [...given.map((path) => realPlace(path, host)), ...files]
  const seen = allowed.flatMap((path) => places.flatMap(({ target, from }) => moved(path, from, target)))
  return places
    .filter((place) => isDirectory(place) && !(showsHost(root) && place.from === place.target && place.from !== '/'))
    .map(({ target, from }) => {
      const names = [...allowed, ...seen.flatMap((path) => moved(path, target, from))]
      return { type: 'sockets', target, from, allowed: [...new Set(names)] }
    })
}

/** The path that PATH has where FROM shows as TO; none if it doesn't lie there. */
function moved(path: string, from: string, to: string): string[] {
  if (path !== from && !isBelow(path, from)) return []
  return [cleanPath(`${to}/${path.slice(from === '/' ? 0 : from.length)}`)]
}

/** RULES, and those for the other places where the box shows the same files. */
function everywhere(rules: readonly Rule[], shown: readonly Shown[], host: Looks): Rule[] {
  const all = [...rules]
  for (const { source: given, target } of shown) {
    const source = realPlace(given, host)
    for (const rule of rules) {
      if (rule.kind === 'write') continue
      const [path = rule.path] = moved(rule.source, source, target)
      if (path !== rule.path) all.push({ kind: rule.kind, path, source: rule.source })
    }
  }
  return all
}

/** One rule for each path, the outermost first. */
function strongest(rules: readonly Rule[]): Rule[] {
  const byPath = new Map<string, Rule>()
  for (const rule of rules) {
    const other = byPath.get(rule.path)
    if (other === undefined || KINDS.indexOf(other.kind) <= KINDS.indexOf(rule.kind)) byPath.set(rule.path, rule)
  }
  return [...byPath.values()].sort((a, b) => a.path.length - b.path.length)
}

/** The number of the last mount at PATH or above it; -1: none. */
function lastAbove(path: string, mounts: readonly Mount[]): number {
  for (let n = mounts.length - 1; n >= 0; n--) {
    const { target } = mounts[n] as Mount
    if (target === path || isBelow(path, target)) return n
  }
  return -1
}

/** Whether a rule mounts again what MOUNT does, but writable. */
const isSameBind = ({ kind, path, source }: Rule, mount: Mount): boolean =>
  kind === 'write' && mount.type === 'bind' && mount.target === path && mount.source === source

function mountsOf(rule: Rule, index: number, rules: readonly Rule[], at: readonly number[]): Mount[] {
  const outer = above(rule, rules)
  const isSame = outer >= 0 && at[outer] === at[index] && rules[outer]?.kind === rule.kind
  const mounts = isSame ? [] : [mountOfRule(rule, rules[outer]?.kind)]
  return rule.kind === 'keep' && rule.link !== undefined ? [pinOf(rule.link), ...mounts] : mounts
}

/** The number of the rule for the closest directory above; -1: none. */
function above({ path }: Rule, rules: readonly Rule[]): number {
  for (let parent = parentOf(path); parent !== '/'; parent = parentOf(parent)) {
    const found = rules.findIndex((rule) => rule.path === parent)
    if (found >= 0) return found
  }
  return -1
}

function mountOfRule({ kind, path, source, optional }: Rule, outer: Kind | undefined): Mount {
  if (kind === 'hide') return { type: 'mask', target: path, optional: true, closed: true }
  if (kind === 'write') {
    const bind: Mount = { type: 'bind', source, target: path, options: ['nosuid', 'nodev'] }
    return optional ? { ...bind, optional } : bind
  }
  // What is hidden has to be shown anew; anything else becomes read-only as the box has it.
  return outer === 'hide'
    ? { type: 'bind', source, target: path, options: ['ro', 'nosuid', 'nodev'], optional: true }
    : { type: 'protect', target: path, optional: true }
}

/** Keeps a link to what is kept, and all links on its path, where they are. */
function pinOf(link: string): Mount {
  return { type: 'pin', target: link, from: '/', optional: true }
}
