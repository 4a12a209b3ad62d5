/**
 * Writes tar archives byte by byte, also such as no honest program writes: names that lead out, links in the wrong
 * place, attributes for the kernel's overlay.
 */
export type TarEntry = {
  name: string
  /** The type byte: file, hard link, symbolic link, devices, directory, fifo, or any other. */
  type?: '0' | '1' | '2' | '3' | '4' | '5' | '6' | 'L' | 'K' | 'x' | 'g' | 'S'
  mode?: number
  uid?: number
  gid?: number
  mtime?: number
  link?: string
  content?: string | Buffer
  /** Said instead of the content's size. */
  size?: number
  device?: [number, number]
  /** Records of a pax header before the entry. */
  pax?: Record<string, string | Buffer>
}

const BLOCK = 512

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`

function header(entry: TarEntry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  block.write(entry.name, 0, 100)
  block.write(octal(entry.mode ?? (entry.type === '5' ? 0o755 : 0o644), 8), 100)
  block.write(octal(entry.uid ?? 0, 8), 108)
  block.write(octal(entry.gid ?? 0, 8), 116)
  block.write(octal(size, 12), 124)
  block.write(octal(entry.mtime ?? 1_000_000_000, 12), 136)
  block.write(' '.repeat(8), 148)
  block.write(entry.type ?? '0', 156)
  block.write(entry.link ?? '', 157, 100)
  block.write('ustar\x0000', 257)
  block.write(octal(entry.device?.[0] ?? 0, 8), 329)
  block.write(octal(entry.device?.[1] ?? 0, 8), 337)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

const padded = (content: Buffer): Buffer => Buffer.concat([content, Buffer.alloc(-content.length & (BLOCK - 1))])

/** A record is "LENGTH KEY=VALUE\n"; LENGTH counts itself. */
function record(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')])
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return Buffer.concat([Buffer.from(String(length)), rest])
}

export function tarEntry(entry: TarEntry): Buffer {
  const content = Buffer.from(entry.content ?? '')
  const own = Buffer.concat([header(entry, entry.size ?? content.length), padded(content)])
  if (entry.pax === undefined) return own
  const records = Buffer.concat(Object.entries(entry.pax).map(([key, value]) => record(key, value)))
  return Buffer.concat([tarEntry({ name: 'pax', type: 'x', content: records }), own])
}

export const tarOf = (entries: readonly TarEntry[]): Buffer =>
  Buffer.concat([...entries.map(tarEntry), Buffer.alloc(2 * BLOCK)])

export const directory = (name: string, more: Partial<TarEntry> = {}): TarEntry => ({ name, type: '5', ...more })
export const file = (name: string, content: string | Buffer = name, more: Partial<TarEntry> = {}): TarEntry => ({
  name,
  content,
  ...more,
})
export const symlink = (name: string, link: string): TarEntry => ({ name, type: '2', link, mode: 0o777 })
export const hardLink = (name: string, link: string): TarEntry => ({ name, type: '1', link })
