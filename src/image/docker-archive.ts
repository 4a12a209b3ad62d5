/** Images as `docker save` writes them: a tar with a manifest.json that names configuration and layers. */
import { closeSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { printable } from '../text/printable.ts'
import { MAX_CONFIG, readConfig } from './config.ts'
import { MAX_MANIFEST } from './manifest.ts'
import { refuseForeign, several, thereAre } from './oci.ts'
import type { Platform } from './platform.ts'
import { DAMAGED, readRange, type Range } from './ranges.ts'
import type { Files, LayerSource, Source } from './source.ts'
import { indexTar, type Member } from './tar-index.ts'

const MANIFEST = 'manifest.json'
/** A link may lead to a link, but not for ever. */
const MAX_LINKS = 8

/** The files of an uncompressed tar, which is closed with them. */
export function tarFiles(file: Range, about: string): Files {
  let members: Map<string, Member>
  try {
    members = indexTar(file, about)
  } catch (error) {
    closeSync(file.fd)
    throw error
  }
  return {
    find(name) {
      let at = name
      for (let links = 0; links < MAX_LINKS; links++) {
        const found = members.get(at)
        if (found === undefined || 'fd' in found) return found
        at = joined(at, found.link)
      }
      return undefined
    },
    close: () => closeSync(file.fd),
  }
}

/** Where a link leads in the archive; Docker wrote such links for layers that an archive holds once. */
function joined(from: string, to: string): string {
  const parts = to.startsWith('/') ? [] : from.split('/').slice(0, -1)
  for (const part of to.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return parts.join('/')
}

type Entry = { config: string; tags: string[]; layers: string[] }

/** Opens the image of this tag; without one, the only image. Throws SandboxError. */
export function openDockerArchive(
  files: Files,
  { name, platform, about }: { name: string | undefined; platform: Platform; about: string },
): Source {
  const file = files.find(MANIFEST)
  if (file === undefined) throw wrongArchive(`has no ${MANIFEST}`, about)
  const entries = imagesIn(readRange(file, MAX_MANIFEST, `${about}: ${MANIFEST}`), about)
  const { config, layers } = entryNamed(entries, name, about)
  const read = readConfig(readRange(member(files, config, about), MAX_CONFIG, `${about}: ${config}`), about)
  refuseForeign(read.config, platform, about)
  if (layers.length !== read.diffIds.length)
    throw wrongArchive(`has ${layers.length} layers, but its configuration names ${read.diffIds.length}`, about)
  if (layers.length === 0) throw wrongArchive('has no layer: nothing could run in it', about)
  return {
    config: read.config,
    id: read.id,
    layers: layers.map((layer, n): LayerSource => {
      const range = member(files, layer, about)
      return {
        open: () => range,
        size: range.size,
        format: 'tar',
        whiteouts: 'oci',
        diffId: read.diffIds[n] as string,
      }
    }),
    close: () => files.close(),
  }
}

function member(files: Files, name: string, about: string): Range {
  const range = files.find(name)
  if (range === undefined) throw wrongArchive(`lacks the file ${printable(name)}`, about)
  return range
}

function entryNamed(entries: readonly Entry[], name: string | undefined, about: string): Entry {
  const [only] = entries
  const tags = entries.flatMap((entry) => entry.tags)
  if (name === undefined) {
    if (only === undefined) throw wrongArchive('holds no image', about)
    if (entries.length > 1) throw several(tags, about)
    return only
  }
  const wanted = name.includes(':') ? name : `${name}:latest`
  const found = entries.find((entry) => entry.tags.includes(wanted))
  if (found !== undefined) return found
  throw new SandboxError({
    step: 'image',
    what: `holds no image '${printable(name)}'`,
    path: about,
    hint: thereAre(tags),
  })
}

function imagesIn(bytes: Buffer, about: string): Entry[] {
  let list: unknown
  try {
    list = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw wrongArchive(`has a ${MANIFEST} that is not JSON`, about)
  }
  if (!Array.isArray(list)) throw wrongArchive(`has a ${MANIFEST} that is not a list`, about)
  return list.map((entry: unknown) => {
    const { Config: config, RepoTags: tags, Layers: layers } = Object(entry) as Record<string, unknown>
    const named = tags ?? []
    if (typeof config !== 'string' || !isTexts(layers) || !isTexts(named))
      throw wrongArchive(`has a ${MANIFEST} with other keys than Config, RepoTags and Layers`, about)
    return { config: plain(config), tags: named, layers: layers.map(plain) }
  })
}

const plain = (name: string): string => name.replace(/^(\.?\/)+/, '')

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((entry) => typeof entry === 'string')
}

function wrongArchive(what: string, path: string): SandboxError {
  return new SandboxError({ step: 'image', what: `the archive ${what}`, path, hint: DAMAGED })
}
