/** Writes an archive that the kernel unpacks into its first root file system: the "newc" format of cpio(5). */

export type Entry = { path: string; mode: number; content: Buffer }

const FILE = 0o100000
const DIRECTORY = 0o040000
const LINK = 0o120000

export const file = (path: string, content: string | Buffer, mode = 0o755): Entry => ({
  path,
  mode: FILE | mode,
  content: Buffer.from(content),
})
export const directory = (path: string, mode = 0o755): Entry => ({
  path,
  mode: DIRECTORY | mode,
  content: Buffer.alloc(0),
})
export const link = (path: string, to: string): Entry => ({ path, mode: LINK | 0o777, content: Buffer.from(to) })

/** Directories come before their entries; all belong to root. */
export function archive(entries: readonly Entry[]): Buffer {
  const end: Entry = { path: 'TRAILER!!!', mode: 0, content: Buffer.alloc(0) }
  return Buffer.concat(
    [...entries, end].flatMap(({ path, mode, content }, inode) => {
      const name = Buffer.from(`${path}\0`)
      const numbers = [inode + 1, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length, 0]
      const header = Buffer.from(`070701${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}`)
      return [padded(Buffer.concat([header, name])), padded(content)]
    }),
  )
}

const padded = (part: Buffer): Buffer => Buffer.concat([part, Buffer.alloc(-part.length & 3)])
