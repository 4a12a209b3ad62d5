/**
 * What the last start of an image has found, in one small file of the cache, so that the next one looks for nothing:
 * where the layers lie, the image's settings, the users that it names, and the facts on which all that depends.
 *
 * A record only saves time. One that is missing, damaged, of another version or no longer true is made anew by the
 * usual way (box.ts, note-start.ts). Nothing here may load node:fs, which takes as long as all the rest.
 */
import { isThere, timeOf } from '../host/bun.ts'
import { holds } from '#execute'
import { absentFact, type Fact } from '../host/facts.ts'
import type { HostFacts } from '../host/types.ts'
import type { MountRequest, Options } from '../options/types.ts'
import { cleanPath } from '../plan/box-path.ts'
import type { Mount } from '../plan/types.ts'
import type { ImageRoot } from '../planner/image-root.ts'
import type { Account } from '../planner/passwd.ts'
import { withImage, type ImageBox } from './defaults.ts'
import type { Image } from './image.ts'
import { needsScratch } from './kernel.ts'
import { mapKind } from './map.ts'
import { isPath, pathOf, PREFIXES } from './reference.ts'
import { imagesDirectory } from './places.ts'

export type StartRecord = {
  /** What the record is about (`recordFor`). */
  key: string
  facts: Fact[]
  image: Image
  /** The image's record, whose time says when the image was last used. */
  used: string
  /** Directory that is laid over the image, with the files of `hostFiles`. */
  above: string
  hostFiles: Mount[]
  /** By the request for a user, as JSON. */
  accounts: Record<string, Account>
  /** Mounts for apt where the box fakes root. */
  apt: Mount[]
  /** The names in the image's root: its links, its empty directories, and all else. */
  names: Record<string, 'link' | 'empty' | 'other'>
}

/** Becomes another one when the record's form, or what a record means, changes. */
const VERSION = 1

/** The time of the last use is true to a minute: setting it takes node:fs. */
const USED_KEPT = 60_000

/** Whether the box may be made from a record: what these options ask for has to be looked for each time. */
export function usesRecord({ pull, trustImage, overlay, hostFiles = true }: Options): boolean {
  return pull !== 'always' && !trustImage && typeof overlay !== 'string' && hostFiles === true
}

/** Where the record of a reference lies, and what the reference means. */
type Place = {
  path: string
  /** All that decides which image is meant, and which of its layers' owners. */
  key: string
  /** For a name in a registry: the path that would make it the name of a file. */
  absent: string | undefined
}

export function recordFor(text: string, options: Options, host: HostFacts): Place {
  const { platform = '', mapAuto, mapRoot, nest, userns } = options
  // The kind of id map follows from the options, unless it has to be looked for.
  const kind = mapAuto || nest ? mapKind(options, host).name : [host.uid === 0, mapRoot, userns]
  const { words, absent } = meaning(text, host)
  const key = JSON.stringify([VERSION, host.machine, kind, platform, words])
  return { path: `${imagesDirectory(host)}/starts/${hashOf(key)}`, key, absent }
}

/** Texts that mean the same image here have the same words. */
function meaning(text: string, host: HostFacts): { words: string[]; absent: string | undefined } {
  if (text.startsWith('docker://')) return { words: [text], absent: undefined }
  for (const prefix of PREFIXES)
    if (text.startsWith(`${prefix}:`))
      return { words: text.startsWith('/', prefix.length + 1) ? [text] : [host.cwd, text], absent: undefined }
  const path = pathOf(text, host)
  return isPath(text) || isThere(path) ? { words: [path], absent: undefined } : { words: [text], absent: path }
}

/** Only notices damage, and spreads names: the key stands in the record. SHA-256 takes three times as long to set up. */
const hashOf = (text: string): string => Bun.hash(text).toString(16).padStart(DIGITS, '0')
const DIGITS = 16

/** The text of a record: its hash, and JSON. */
export function recordText(record: StartRecord): string {
  const text = JSON.stringify(record)
  return hashOf(text) + text
}

/** undefined for a record that is missing, damaged, or no longer true. */
function readStart({ path, key, absent }: Place): StartRecord | undefined {
  try {
    // The runtime opens it for writing, too: our own file, which is only ever replaced as a whole.
    const whole = new TextDecoder().decode(Bun.mmap(path, { shared: false }))
    const text = whole.slice(DIGITS)
    if (hashOf(text) !== whole.slice(0, DIGITS)) return undefined
    const record = JSON.parse(text) as StartRecord
    return record.key === key && isTrue(record, absent) ? record : undefined
  } catch {
    return undefined
  }
}

/** Whether its facts hold, and all that it leads to is still there. */
function isTrue(
  { facts, image: { lowers }, used, above, hostFiles }: StartRecord,
  absent: string | undefined,
): boolean {
  for (const lower of lowers) if (!isThere(`${lower.slice(0, lower.lastIndexOf('/'))}/layer.json`)) return false
  // The last of them is the last that is made.
  const last = hostFiles[hostFiles.length - 1]?.target
  if (last === undefined || !isThere(above + last) || !isThere(used)) return false
  return holds(absent === undefined ? facts : [...facts, absentFact(absent)])
}

/** The box of an image by its record; undefined where there is none that is true. */
export function notedBox(options: Options, words: readonly string[], host: HostFacts): ImageBox | undefined {
  if (!usesRecord(options)) return undefined
  const record = readStart(recordFor(options.image as string, options, host))
  if (record === undefined || needsScratch(options, host, record.image.reference)) return undefined
  const { image, above, used } = record
  noteUse(used)
  const box = withImage(image, options, words, host, above)
  if (isFarFromUsers(options.mounts ?? [], record.names)) addKnown(box.root, record, box.options)
  return box
}

function noteUse(path: string): void {
  const now = Date.now()
  const used = timeOf(path)
  if (used > now - USED_KEPT && used <= now) return
  const { utimesSync } = require('node:fs') as typeof import('node:fs')
  try {
    utimesSync(path, now / 1000, now / 1000)
  } catch {
    // A cache that can't be written to keeps the old time.
  }
}

/**
 * Whether no mount changes which files /etc/passwd and its like are. A mount point is resolved in the root, so a path
 * through a link may lead to /etc: only those are let through that surely meet none.
 */
function isFarFromUsers(mounts: readonly MountRequest[], names: StartRecord['names']): boolean {
  const before: string[] = []
  for (const mount of mounts) {
    const target = mount.target ?? (mount.type === 'bind' ? mount.source : '')
    if (mount.type === 'symlink' || !target.startsWith('/') || target.includes('..')) return false
    const [, first = '', below] = cleanPath(target).split('/')
    const kind = names[first]
    if (first === '' || first === 'etc' || kind === 'link') return false
    if (below !== undefined && ((kind !== undefined && kind !== 'empty') || before.includes(first))) return false
    before.push(first)
  }
  return true
}

function addKnown(root: ImageRoot, record: StartRecord, { net, hostname, noFollow, user, ro }: Options): void {
  if ((net === undefined || net === 'host') && hostname === undefined && !noFollow) root.hostFiles = record.hostFiles
  const account = record.accounts[JSON.stringify(user)]
  if (account !== undefined) root.account = account
  root.apt = ro ? [] : record.apt
}
