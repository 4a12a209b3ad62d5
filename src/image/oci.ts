/** Images of an OCI image layout, image-layout.md: a directory, or the same as a tar. */
import { sha256Digest } from '../host/sha256.ts'
import { existsSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { printable } from '../text/printable.ts'
import { MAX_CONFIG, readConfig } from './config.ts'
import { chooseManifest, MAX_MANIFEST, parseManifest, type Descriptor, type Index, type Manifest } from './manifest.ts'
import { platformText, type Platform } from './platform.ts'
import { DAMAGED, openFile, readRange, type Range } from './ranges.ts'
import { Descriptors, type Files, type LayerSource, type Source } from './source.ts'
import { hexOf } from './places.ts'

/** The name of an image in a layout. */
const REF_NAME = 'org.opencontainers.image.ref.name'
/** An index of indexes is allowed, but not without end. */
const MAX_DEPTH = 4

type Wanted = { name: string | undefined; platform: Platform; about: string }

/** Opens the image of this name; without one, the only image. Throws SandboxError. */
export function openLayout(files: Files, wanted: Wanted): Source {
  const { about } = wanted
  const layout = files.find('oci-layout')
  if (layout === undefined) throw wrongLayout('has no oci-layout', about)
  if (!/"imageLayoutVersion"\s*:\s*"1\.\d+\.\d+"/.test(readRange(layout, 4096, `${about}: oci-layout`).toString()))
    throw wrongLayout('has an oci-layout file of another version', about)
  const index = files.find('index.json')
  if (index === undefined) throw wrongLayout('has no index.json', about)
  const top = parseManifest(readRange(index, MAX_MANIFEST, `${about}: index.json`), `${about}: index.json`)
  if (top.kind !== 'index') throw wrongLayout('has an index.json that is not an index', about)
  const named = nameIn(top, wanted)
  const found = follow(files, named, wanted, 0)
  return sourceOf(files, found, wanted)
}

/** The entries that NAME may mean: of one name there may be one for each platform. */
function nameIn({ entries }: Index, { name, about }: Wanted): Index {
  const names = [...new Set(entries.map(({ annotations }) => annotations?.[REF_NAME]))]
  if (name === undefined) {
    if (names.length > 1) throw several(names, about)
    return { kind: 'index', entries }
  }
  const found = entries.filter(({ annotations }) => annotations?.[REF_NAME] === name)
  if (found.length > 0) return { kind: 'index', entries: found }
  throw new SandboxError({
    step: 'image',
    what: `holds no image '${printable(name)}'`,
    path: about,
    hint: thereAre(names),
  })
}

export function several(names: readonly (string | undefined)[], path: string): SandboxError {
  return new SandboxError({ step: 'image', what: 'holds several images', path, hint: thereAre(names) })
}

export function thereAre(names: readonly (string | undefined)[]): string {
  const known = names.filter((name) => name !== undefined)
  return known.length === 0
    ? 'the images in it have no names'
    : `say which, behind a colon: ${known.slice(0, 20).map(printable).join(' ')}${known.length > 20 ? ' ...' : ''}`
}

type Found = { manifest: Manifest; digest: string }

function follow(files: Files, index: Index, wanted: Wanted, depth: number): Found {
  if (depth > MAX_DEPTH) throw wrongLayout(`nests more than ${MAX_DEPTH} indexes`, wanted.about)
  // In a layout an entry without a platform may be an index with the platforms, or the only image.
  const [only] = index.entries
  const entry =
    index.entries.length === 1 && only?.platform === undefined && only !== undefined
      ? only
      : chooseManifest(index, wanted.platform, wanted.about)
  const bytes = checkedBlob(files, entry, MAX_MANIFEST, wanted.about)
  const document = parseManifest(bytes, `${wanted.about}: ${entry.digest}`, entry.mediaType)
  if (document.kind === 'index') return follow(files, document, wanted, depth + 1)
  return { manifest: document, digest: entry.digest }
}

/** A small blob, whose size and digest are what its descriptor says. */
function checkedBlob(files: Files, descriptor: Descriptor, most: number, about: string): Buffer {
  const range = blobOf(files, descriptor, about)
  const bytes = readRange(range, most, `${about}: ${descriptor.digest}`)
  const digest = sha256Digest(bytes)
  if (digest !== descriptor.digest) throw wrongDigest(descriptor.digest, digest, about)
  return bytes
}

export function wrongDigest(expected: string, found: string, about: string): SandboxError {
  return new SandboxError({
    step: 'image',
    what: `the content of ${expected} has the digest ${found}`,
    path: about,
    hint: DAMAGED,
  })
}

function blobOf(files: Files, { digest, size }: Descriptor, about: string): Range {
  const range = files.find(`blobs/sha256/${hexOf(digest)}`)
  if (range === undefined)
    throw new SandboxError({
      step: 'image',
      what: 'a blob is missing',
      path: `${about}: ${digest}`,
      hint: 'the image was copied in part, or refers to layers that only a registry has',
    })
  if (range.size !== size)
    throw new SandboxError({
      step: 'image',
      what: `a blob has ${range.size} bytes, but its descriptor says ${size}`,
      path: `${about}: ${digest}`,
      hint: DAMAGED,
    })
  return range
}

function sourceOf(files: Files, { manifest, digest }: Found, { platform, about }: Wanted): Source {
  const read = readConfig(checkedBlob(files, manifest.config, MAX_CONFIG, about), about)
  refuseForeign(read.config, platform, about)
  const layers = layersOf(manifest, read.diffIds, about).map(({ descriptor, diffId }): LayerSource => ({
    open: () => blobOf(files, descriptor, about),
    size: descriptor.size,
    format: 'tar',
    whiteouts: 'oci',
    digest: descriptor.digest,
    diffId,
  }))
  // A layout that lacks a layer is refused before anything is unpacked.
  for (const { open } of layers) void open()
  return { config: read.config, id: read.id, digest, layers, close: () => files.close() }
}

/** The layers of a manifest beside their digests without compression. */
function layersOf(
  { layers }: Pick<Manifest, 'layers'>,
  diffIds: readonly string[],
  about: string,
): { descriptor: Descriptor; diffId: string }[] {
  if (layers.length !== diffIds.length)
    throw new SandboxError({
      step: 'image',
      what: `the manifest has ${layers.length} layers, but the configuration names ${diffIds.length}`,
      path: about,
      hint: DAMAGED,
    })
  if (layers.length === 0)
    throw new SandboxError({ step: 'image', what: 'the image has no layer: nothing could run in it', path: about })
  return layers.map((descriptor, n) => ({ descriptor, diffId: diffIds[n] as string }))
}

/** Programs of another machine don't run here, but where the caller has asked for them: an emulator may be there. */
export function refuseForeign(
  { os, architecture }: { os?: string; architecture?: string },
  wanted: Platform,
  about: string,
): void {
  if ((os ?? 'linux') === wanted.os && (architecture ?? wanted.architecture) === wanted.architecture) return
  throw new SandboxError({
    step: 'image',
    what: `is for ${os ?? 'linux'}/${architecture ?? 'unknown'}, not for ${platformText(wanted)}`,
    path: about,
    hint:
      os === 'linux' ? `--platform ${os}/${architecture} takes it all the same` : 'only programs of Linux run in a box',
  })
}

/** The files of a layout directory. Links are refused: a layout of a stranger could lead to files of the caller. */
export function directoryFiles(path: string): Files {
  const open = new Descriptors()
  const found = new Map<string, Range>()
  return {
    find(name) {
      const known = found.get(name)
      if (known !== undefined) return known
      if (!existsSync(hostPath(`${path}/${name}`))) return undefined
      const range = open.add(openFile(`${path}/${name}`, { link: false }))
      found.set(name, range)
      return range
    },
    close: () => open.close(),
  }
}

function wrongLayout(what: string, path: string): SandboxError {
  return new SandboxError({ step: 'image', what: `the image layout ${what}`, path, hint: DAMAGED })
}
