/** The live system of an ISO file. */
import { closeSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { FileSystem } from '../plan/types.ts'
import { NO_CONFIG } from './find.ts'
import { runHelper } from './helper.ts'
import type { Want } from './image.ts'
import { liveSystem, type IsoFile } from './live-system.ts'
import { nestedIn, refuseNested, type Nested } from './nested.ts'
import { DAMAGED, openFile, readRange, type Range } from './ranges.ts'
import { kindOf } from './sniff.ts'
import type { LayerSource, Source } from './source.ts'
import { filesystemType, onlyMounted } from './trusted.ts'

/** Bytes of a list in the ISO. */
const MAX_LIST = 1 << 20
/** Bytes of a layer that tell what it is. */
const BEGINNING = 4096

/** A layer of the live system: its place in the ISO, its name for messages, and what it is. */
type LiveLayer = { range: Range; about: string; kind: string; nested?: Nested }

/** The one that may hold the system in a file of its own. */
const MAY_NEST = 'LiveOS/squashfs.img'

/** The layers of the live system in the open ISO, the lowest first. */
async function liveLayers(file: Range, path: string, want: Want, host: HostFacts): Promise<LiveLayer[]> {
  const files: IsoFile[] = []
  await runHelper(
    {
      map: want.map,
      args: ['iso'],
      input: file.fd,
      onEvent: ({ event, path: name, offset, size }) => {
        if (event === 'file') files.push({ path: String(name), offset: Number(offset), size: Number(size) })
      },
      ...(want.signal !== undefined && { signal: want.signal }),
    },
    host,
  )
  const rangeOf = ({ offset, size, path: name }: IsoFile): Range => {
    if (!(offset >= 0 && size >= 0 && offset + size <= file.size))
      throw new SandboxError({ step: 'image', what: 'ends too early', path: `${path}: ${name}`, hint: DAMAGED })
    return { fd: file.fd, offset: file.offset + offset, size }
  }
  const text = (list: IsoFile): string | undefined =>
    list.size > MAX_LIST ? undefined : readRange(rangeOf(list), MAX_LIST, path).toString('utf8')
  const layers: LiveLayer[] = []
  for (const layer of liveSystem(files, path, text)) {
    const range = rangeOf(layer)
    const about = `${path}: ${layer.path}`
    const kind = kindOf(readRange({ ...range, size: Math.min(range.size, BEGINNING) }, BEGINNING, about), about)
    const mayNest = layer.path === MAY_NEST && kind === 'squashfs'
    const nested = mayNest ? await nestedIn(range, about, want, host) : undefined
    layers.push({ range, about, kind, ...(nested !== undefined && { nested }) })
  }
  return layers
}

/** The layers as the kernel mounts them, the topmost first. They are looked for in a box, as for unpacking. */
export async function isoFilesystems(path: string, want: Want, host: HostFacts): Promise<FileSystem[]> {
  const file = openFile(path, { link: true })
  try {
    const layers = await liveLayers(file, path, want, host)
    return layers
      .map(({ range: { offset, size }, about, kind, nested }): FileSystem => {
        const outer = { path, type: filesystemType(about, kind), offset, size }
        if (nested === undefined) return outer
        return { ...outer, inner: { path: nested.path, type: filesystemType(`${about}: ${nested.path}`, nested.kind) } }
      })
      .reverse()
  } finally {
    closeSync(file.fd)
  }
}

export async function openIso(path: string, want: Want, host: HostFacts): Promise<Source> {
  const file = openFile(path, { link: true })
  try {
    const layers = await liveLayers(file, path, want, host)
    return {
      config: NO_CONFIG,
      layers: layers.map(({ range, about, kind, nested }): LayerSource => {
        if (kind !== 'squashfs') throw onlyMounted(kind, about)
        if (nested !== undefined) throw refuseNested(nested, about)
        return {
          open: () => range,
          size: range.size,
          format: 'squashfs',
          whiteouts: layers.length > 1 ? 'overlay' : 'none',
        }
      }),
      close: () => closeSync(file.fd),
    }
  } catch (error) {
    closeSync(file.fd)
    throw error
  }
}
