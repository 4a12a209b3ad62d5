/** The live system of an ISO file. */
import { closeSync, existsSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import type { HostFacts } from '../host/types.ts'
import { NO_CONFIG } from './find.ts'
import { runHelper } from './helper.ts'
import type { Want } from './image.ts'
import { liveSystem, type IsoFile } from './live-system.ts'
import { DAMAGED, openFile, readRange, type Range } from './ranges.ts'
import { kindOf } from './sniff.ts'
import type { LayerSource, Source } from './source.ts'

/** Bytes of a list in the ISO. */
const MAX_LIST = 1 << 20

export async function openIso(path: string, want: Want, host: HostFacts): Promise<Source> {
  const file = openFile(path, { link: true })
  try {
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
    const range = ({ offset, size, path: name }: IsoFile): Range => {
      if (!(offset >= 0 && size >= 0 && offset + size <= file.size))
        throw new SandboxError({ step: 'image', what: 'ends too early', path: `${path}: ${name}`, hint: DAMAGED })
      return { fd: file.fd, offset: file.offset + offset, size }
    }
    const text = (list: IsoFile): string | undefined =>
      list.size > MAX_LIST ? undefined : readRange(range(list), MAX_LIST, path).toString('utf8')
    const layers = liveSystem(files, path, text)
    return {
      config: NO_CONFIG,
      layers: layers.map((layer): LayerSource => {
        const found = range(layer)
        refuseOther(found, `${path}: ${layer.path}`)
        return {
          check: (tree) => refuseNested(tree, `${path}: ${layer.path}`),
          open: () => found,
          size: found.size,
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

/** Live systems of Fedora and its kin are an ext4 in a file of the squashfs. */
const NESTED = ['LiveOS/rootfs.img', 'LiveOS/ext3fs.img']

function refuseNested(tree: string, about: string): void {
  const file = NESTED.find((name) => existsSync(hostPath(`${tree}/${name}`)))
  if (file === undefined) return
  throw new SandboxError({
    step: 'image',
    what: `the live system is a file system in the file ${file}, which has to be mounted`,
    path: about,
    hint: 'as root: mount the ISO, that file and the one in it with -o loop,ro; then nsbox --root DIR --overlay COMMAND',
  })
}

/** The live system must be a squashfs: others have to be mounted. */
function refuseOther(range: Range, about: string): void {
  const kind = kindOf(readRange({ ...range, size: Math.min(range.size, 4096) }, 4096, about), about)
  if (kind === 'squashfs') return
  throw new SandboxError({
    step: 'image',
    what: `the live system is a file system of the type ${kind}, which has to be mounted`,
    path: about,
    hint: 'as root: mount the ISO with -o loop,ro and that file in it likewise; then nsbox --root DIR --overlay COMMAND',
  })
}
