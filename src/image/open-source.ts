/** Opens what a reference to a file of the host names, by what is in it. */
import { closeSync, fstatSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import { unnamedFileIn } from '../launch/tmpfile.ts'
import { openDockerArchive, tarFiles } from './docker-archive.ts'
import { formatOf, NO_CONFIG } from './find.ts'
import { runHelper } from './helper.ts'
import type { Want } from './image.ts'
import { openIso } from './iso.ts'
import { directoryFiles, openLayout } from './oci.ts'
import { parsePlatform, platformOf } from './platform.ts'
import { openFile, type Range } from './ranges.ts'
import type { LocalReference } from './reference.ts'
import type { Files, LayerSource, Source } from './source.ts'
import { ensureDirectory, storeFailure } from './store.ts'
import { onlyMounted } from './trusted.ts'

/** Throws SandboxError if the file is not an image, or not one that this caller can use. */
export async function openSource(reference: LocalReference, want: Want, host: HostFacts): Promise<Source> {
  const { path, image: name } = reference
  const platform = want.platform === undefined ? platformOf(host.machine) : parsePlatform(want.platform)
  const wanted = { name, platform, about: path }
  const is = await formatWithin(reference, want, host)
  const archive = async (): Promise<Files> => tarFiles(await plainArchive(path, want, host), path)
  switch (is) {
    case 'oci':
      return closing(directoryFiles(path), (files) => openLayout(files, wanted))
    case 'oci-archive':
      return closing(await archive(), (files) => openLayout(files, wanted))
    case 'docker-archive':
      return closing(await archive(), (files) => openDockerArchive(files, wanted))
    case 'iso':
      return openIso(path, want, host)
    case 'tar':
      return plainRoot(path, 'tar')
    case 'cpio':
      return plainRoot(path, 'cpio')
    case 'squashfs':
      return plainRoot(path, 'squashfs')
    case 'directory':
      throw new SandboxError({ step: 'image', what: 'is a directory, which needs no unpacking', path })
    case 'erofs':
    case 'ext4':
      throw onlyMounted(is, path)
  }
}

type Opened = Exclude<ReturnType<typeof formatOf>, 'compressed'>

/** The format, with a look inside where a tar or a compressed file may be several things. */
async function formatWithin(reference: LocalReference, want: Want, host: HostFacts): Promise<Opened> {
  const is = formatOf(reference)
  if (reference.format !== undefined && is !== 'compressed') return is
  if (is !== 'compressed' && is !== 'tar') return is
  const { fd } = openFile(reference.path, { link: true })
  try {
    const said = await runHelper({ map: want.map, args: ['classify'], input: fd, ...signalOf(want) }, host)
    const kind = KINDS.find((known) => known === said?.kind)
    if (kind !== undefined) return kind
  } finally {
    closeSync(fd)
  }
  throw new SandboxError({
    step: 'image',
    what: 'is compressed, and holds no archive that nsbox knows',
    path: reference.path,
    hint: 'it reads tar, cpio, and the archives of container engines; a compressed file system has to be uncompressed',
  })
}

const KINDS = ['tar', 'docker-archive', 'oci-archive', 'cpio'] as const

const signalOf = ({ signal }: Want): { signal?: AbortSignal } => (signal === undefined ? {} : { signal })

/** The archive without compression: itself, or a copy without a name, which vanishes when it is closed. */
async function plainArchive(path: string, want: Want, host: HostFacts): Promise<Range> {
  const file = openFile(path, { link: true })
  if (formatOf({ kind: 'local', path }) !== 'compressed') return file
  const directory = ensureDirectory(host, 'blobs')
  let copy: number
  try {
    copy = unnamedFileIn(directory, 0o600)
  } catch (error) {
    closeSync(file.fd)
    throw storeFailure('make a file in', directory, error)
  }
  try {
    const most = want.maxSize === undefined ? [] : ['--max-bytes', String(want.maxSize)]
    await runHelper({ map: want.map, args: ['cat', ...most], input: file.fd, output: copy, ...signalOf(want) }, host)
    return { fd: copy, offset: 0, size: fstatSync(copy).size }
  } catch (error) {
    closeSync(copy)
    throw error
  } finally {
    closeSync(file.fd)
  }
}

/** Lets `open` make a source of the files, which close with it, or at once where it fails. */
function closing(files: Files, open: (files: Files) => Source): Source {
  try {
    return open(files)
  } catch (error) {
    files.close()
    throw error
  }
}

/** A file that is the whole root, and says nothing of a command. */
function plainRoot(path: string, format: LayerSource['format']): Source {
  const file = openFile(path, { link: true })
  return {
    config: NO_CONFIG,
    layers: [{ open: () => file, size: file.size, format, whiteouts: 'none' }],
    close: () => closeSync(file.fd),
  }
}
