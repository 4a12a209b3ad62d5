/** Writes down what a start of an image has found, for the next one (start-record.ts). */
import {
  closeSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  type Dirent,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { hostPath } from '../host/bun.ts'
import { type Fact, absentFact, nameFact } from '../host/facts.ts'
import type { HostFacts } from '../host/types.ts'
import { latePlanner } from '../lazy.ts'
import type { Options, UserRequest } from '../options/types.ts'
import type { Root } from '../plan/types.ts'
import { NAME } from '../planner/host-files.ts'
import { defaultUser, ROOT_OF_IMAGE } from './defaults.ts'
import { platformFor } from './find.ts'
import { hostFilesLayer } from './host-files.ts'
import type { Image } from './image.ts'
import { readReferences, referenceText, type Reference } from './reference.ts'
import { registriesFile } from './registries.ts'
import { recordFor, recordText, usesRecord, type StartRecord } from './start-record.ts'
import { imagesDirectory, paths } from './places.ts'
import { ensureDirectory, temporaryName } from './store.ts'

/**
 * Writes the record of this image for these options. `options.image` is there. Never throws: a start does without a
 * record.
 */
export function noteStart(image: Image, options: Options, host: HostFacts): void {
  if (!usesRecord(options) || !image.layersAreOurs) return
  const text = options.image as string
  try {
    const { path, key } = recordFor(text, options, host)
    const record = startRecordOf(image, text, options, host)
    // Bytes of a path that aren't UTF-8 don't reach the code that verifies facts.
    if (record?.facts.every((fact) => fact.isWellFormed())) writeNote(path, recordText({ key, ...record }), host)
  } catch {
    // Something has changed meanwhile, or there is no room: the next start looks for itself.
  }
}

function startRecordOf(
  image: Image,
  text: string,
  options: Options,
  host: HostFacts,
): Omit<StartRecord, 'key'> | undefined {
  const [reference, ...others] = readReferences(text, host)
  const above = hostFilesLayer({}, host)
  if (reference === undefined || others.length > 0 || above === undefined) return undefined
  const root: Root = { type: 'layers', lowers: [above, ...image.lowers] }
  // Facts come first: what changes behind them makes them wrong.
  const facts = [...factsOfReference(reference, options, host), ...factsOfHost(host)]
  return {
    facts,
    image,
    used: paths.image(imagesDirectory(host), image.id),
    above,
    hostFiles: latePlanner().hostFileMounts({}, root, [], host, true),
    accounts: accountsOf(image, root, host),
    apt: latePlanner().aptMounts(root, [], host),
    names: rootNames(image.lowers),
  }
}

/** The fact that the file at PATH stays as it is, or that there is none. Throws for a file that can't be looked at. */
function fileFact(path: string): Fact {
  const found = statSync(hostPath(path), { bigint: true, throwIfNoEntry: false })
  if (found === undefined) return absentFact(path)
  const { dev, ino, size, mtimeNs, ctimeNs } = found
  // makedev(3) of the C library.
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)
  return `f${[major, minor, ino, size, mtimeNs, ctimeNs].join()},${path}`
}

/** What the reference means, and which image that is. */
function factsOfReference(reference: Reference, options: Options, host: HostFacts): Fact[] {
  if (reference.kind === 'local') {
    const { path } = reference
    const file = fileFact(path)
    if (!lstatSync(hostPath(path), { throwIfNoEntry: false })?.isDirectory()) return [file]
    return [file, fileFact(`${path}/oci-layout`), fileFact(`${path}/index.json`)]
  }
  const registries = registriesFile(host)
  const name = referenceText(reference)
  const ref = fileFact(paths.reference(imagesDirectory(host), name, platformFor(options, host)))
  return registries === undefined ? [ref] : [ref, fileFact(registries)]
}

/** The files of which the box's own host files are made. */
function factsOfHost(host: HostFacts): Fact[] {
  const name = host.read(NAME)
  return [
    ...('text' in name ? [nameFact(name.text.trim())] : [absentFact(NAME)]),
    ...['/etc/hosts', '/etc/resolv.conf'].map(fileFact),
  ]
}

/** The image's own user, and root for --map-root; those that its passwd lacks are left out, with their error. */
function accountsOf({ config, reference }: Image, root: Root, host: HostFacts): StartRecord['accounts'] {
  const accounts: StartRecord['accounts'] = {}
  const add = (request: UserRequest): void => {
    accounts[JSON.stringify(request)] = latePlanner().accountIn(root, [], request, host)
  }
  for (const request of [() => defaultUser(config, reference), () => ROOT_OF_IMAGE])
    try {
      add(request())
    } catch {}
  return accounts
}

/** The names in the merged root. A name counts as what leads farthest in any layer: a link, then a full directory. */
function rootNames(lowers: readonly string[]): StartRecord['names'] {
  const names = new Map<string, 'link' | 'empty' | 'other'>()
  for (const lower of lowers)
    for (const entry of readdirSync(hostPath(lower), { withFileTypes: true })) {
      const kind = kindOfName(lower, entry)
      const known = names.get(entry.name)
      if (known !== 'link' && (known !== 'other' || kind === 'link')) names.set(entry.name, kind)
    }
  return Object.fromEntries(names)
}

function kindOfName(lower: string, entry: Dirent): 'link' | 'empty' | 'other' {
  if (entry.isSymbolicLink()) return 'link'
  if (!entry.isDirectory()) return 'other'
  try {
    return readdirSync(hostPath(`${lower}/${entry.name}`)).length === 0 ? 'empty' : 'other'
  } catch {
    return 'other'
  }
}

/** A reader finds the whole record or the one before. It isn't synced: what a crash leaves of it is noticed. */
function writeNote(path: string, text: string, host: HostFacts): void {
  const draft = `${ensureDirectory(host, 'starts')}/${temporaryName()}`
  try {
    const fd = openSync(hostPath(draft), 'wx', 0o600)
    try {
      writeSync(fd, text)
    } finally {
      closeSync(fd)
    }
    renameSync(hostPath(draft), hostPath(path))
  } catch (error) {
    rmSync(hostPath(draft), { force: true })
    throw error
  }
}

/** Removes the records of an image; absent: of all. */
export function forgetStarts(host: HostFacts, id?: string): void {
  const directory = `${imagesDirectory(host)}/starts`
  let names: string[] = []
  try {
    names = readdirSync(hostPath(directory))
  } catch {
    // No start was written down yet.
  }
  for (const name of names) {
    const path = hostPath(`${directory}/${name}`)
    if (id === undefined || readFileSync(path, 'utf8').includes(JSON.stringify(id))) unlinkSync(path)
  }
}
