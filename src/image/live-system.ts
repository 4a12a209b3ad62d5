/** Which files of an ISO are the root of its live system, the lowest first. */
import { SandboxError } from '../errors.ts'

/** A file of the ISO, with its place in it in bytes. */
export type IsoFile = { path: string; offset: number; size: number }

/** Directories of live systems, as distributions name them. */
const LOOKED_FOR = ['casper/', 'live/', 'LiveOS/', 'arch/']

/**
 * `text`: reads a small file of the ISO. Throws SandboxError for an ISO without a live system, or with one that can't
 * be told or read.
 */
export function liveSystem(
  files: readonly IsoFile[],
  about: string,
  text: (file: IsoFile) => string | undefined,
): IsoFile[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const first = (...names: string[]): IsoFile[] | undefined => {
    for (const name of names) {
      const file = byPath.get(name)
      if (file !== undefined) return [file]
    }
    return undefined
  }
  const found =
    first('casper/filesystem.squashfs') ??
    layered(byPath, text) ??
    first('live/filesystem.squashfs') ??
    alone(files, 'live/') ??
    first('LiveOS/squashfs.img') ??
    archOf(files)
  if (found !== undefined) return found
  throw new SandboxError({
    step: 'image',
    what: `no live system in it: looked for ${LOOKED_FOR.join(', ')}`,
    path: about,
    hint: 'an ISO that only boots or installs has no root to run: take the live edition, or a cloud or container image',
  })
}

/** Debian's live images may have another name, or several parts that are stacked by their numbers. */
function alone(files: readonly IsoFile[], directory: string): IsoFile[] | undefined {
  const found = files.filter(({ path }) => path.startsWith(directory) && path.endsWith('.squashfs'))
  return found.length === 1 ? found : undefined
}

/** arch/x86_64/airootfs.sfs; or arch/x86_64/airootfs.erofs, which the format of the file then says. */
function archOf(files: readonly IsoFile[]): IsoFile[] | undefined {
  const found = files.filter(({ path }) => /^arch\/[^/]+\/airootfs\.(sfs|erofs)$/.test(path))
  return found.length > 0 ? found.slice(0, 1) : undefined
}

/**
 * casper's layers: "a.b.squashfs" lies on "a.squashfs". The installer's list says which of them makes the system that
 * it installs by default; without a list, the deepest name that isn't the live session's or a language's.
 */
function layered(
  byPath: ReadonlyMap<string, IsoFile>,
  text: (file: IsoFile) => string | undefined,
): IsoFile[] | undefined {
  const names = [...byPath.keys()]
    .map((path) => /^casper\/([^/]+)\.squashfs$/.exec(path)?.[1])
    .filter((name) => name !== undefined)
  const stacks = names.map((name) => stackOf(name, byPath)).filter((stack) => stack !== undefined)
  const list = byPath.get('casper/install-sources.yaml')
  const wanted = list === undefined ? undefined : defaultSource(text(list) ?? '')
  const said = stacks.find((stack) => wanted !== undefined && stack.at(-1)?.path === `casper/${wanted}`)
  if (said !== undefined) return said
  const plain = stacks.filter(
    (stack) => !/\.live\.squashfs$|\.[a-z]{2}(_[A-Z]{2})?\.squashfs$/.test(stack.at(-1)?.path ?? ''),
  )
  return plain.toSorted((a, b) => b.length - a.length || sizeOfStack(b) - sizeOfStack(a))[0]
}

const sizeOfStack = (stack: readonly IsoFile[]): number => stack.reduce((sum, { size }) => sum + size, 0)

/** The layers below a name and itself; undefined where one is missing. */
function stackOf(name: string, byPath: ReadonlyMap<string, IsoFile>): IsoFile[] | undefined {
  const parts = name.split('.')
  const stack = parts.map((_, n) => byPath.get(`casper/${parts.slice(0, n + 1).join('.')}.squashfs`))
  return stack.every((file) => file !== undefined) ? stack : undefined
}

/** The `path` of the list's entry with `default: true`. The list is YAML, of which it uses little. */
function defaultSource(text: string): string | undefined {
  for (const entry of text.split(/^- /m)) {
    // Deeper keys are those of variations.
    const keys = new Map<string, string>()
    for (const [, key = '', value = ''] of entry.matchAll(/^ {0,2}([\w-]+): *(.*?) *$/gm))
      keys.set(key, unquoted(value))
    if (keys.get('default') === 'true') return keys.get('path')
  }
  return undefined
}

const unquoted = (value: string): string => value.replace(/^(["'])(.*)\1$/, '$2')
