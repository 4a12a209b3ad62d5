/**
 * Files of a box, read before there is one: what lies at a path of its root, with the overlay's layers and the mounts
 * above it. The root may be hostile, so each step opens one name in an open directory (O_PATH, O_NOFOLLOW), a link
 * leads on in the root alone, and only what turned out to be a regular file is opened to be read.
 *
 * The box is made after this. Who can change the root meanwhile can change the answer, but reaches nothing outside.
 */
import { closeSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { contentOf, Directory, type Entry, openEntry, verifyDescriptors } from '../host/directory.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { rootDirectories } from '../plan/root.ts'
import type { Mount, Root } from '../plan/types.ts'
import { fromBytes } from '../text/bytes.ts'

/** Looks up what lies at a path, as the box will see it. */
type Node =
  /** Directories that an overlay merges, the topmost first; none: it is empty. */
  | { type: 'directory'; layers: readonly Directory[] }
  /** Anything but a directory or a link. `text` follows the content; `entry` may be absent then. */
  | { type: 'file'; entry: Entry | undefined; text: string }
  | { type: 'link'; to: string }

/** As many as the kernel follows, path_resolution(7). */
const MAX_LINKS = 40

/** Limit on what `read` returns, in bytes. */
const MAX_FILE = 1 << 20

export class BoxFiles {
  readonly #root: Root
  /** The last mount at each path. Links on the way to a mount point are resolved already. */
  readonly #mounts = new Map<string, Mount>()
  /** Open entries, in the order of opening. */
  readonly #open: { close(): void }[] = []
  #top: Node = { type: 'directory', layers: [] }

  /** Calls BODY with the files of a box, and closes all that was opened for it. */
  static with<T>(
    root: Root,
    mounts: readonly Mount[],
    host: Pick<HostFacts, 'opensFiles'>,
    body: (files: BoxFiles) => T,
  ): T {
    host.opensFiles()
    verifyDescriptors('user')
    const files = new BoxFiles(root)
    try {
      files.#top = files.#attempt('/', () => ({ type: 'directory', layers: files.#layersOf(root) }))
      for (const mount of mounts) files.#add(mount)
      return body(files)
    } finally {
      files.#close(0)
    }
  }

  private constructor(root: Root) {
    this.#root = root
  }

  /** Content of a regular file; undefined where there is none. Throws SandboxError for anything else. */
  read(path: string): string | undefined {
    return this.#at(path, ({ node }) => {
      if (node === undefined) return undefined
      if (node.type !== 'file' || node.entry?.stats.isFile() === false) this.#refuse('is not a regular file', path)
      const { entry, text } = node
      if (entry === undefined) return text
      const { size } = entry.stats
      if (size > MAX_FILE) this.#refuse(`has ${size} bytes, and nsbox reads at most ${MAX_FILE}`, path)
      const content = contentOf(entry, MAX_FILE + 1)
      if (content.length > MAX_FILE) this.#refuse(`has more than the ${MAX_FILE} bytes that nsbox reads`, path)
      return fromBytes(content) + text
    })
  }

  /** Whether a regular file that somebody may execute is there. */
  isExecutable(path: string): boolean {
    return this.#at(path, ({ node }) => {
      if (node?.type !== 'file' || node.entry === undefined) return false
      const { stats } = node.entry
      return stats.isFile() && (stats.mode & 0o111) !== 0
    })
  }

  /** User id outside of the box that owns a directory; undefined where there is none, or none of the host's. */
  ownerOfDirectory(path: string): number | undefined {
    return this.#at(path, ({ node }) => (node?.type === 'directory' ? node.layers[0]?.stats().uid : undefined))
  }

  /** The path for a message: on the host, where the root is one directory there. */
  shown(path: string): string {
    const [only = '/', ...more] = rootDirectories(this.#root)
    return only === '/' || more.length > 0 ? path : only + path
  }

  /** Calls BODY with what is at PATH, and closes what was opened to find it. */
  #at<T>(path: string, body: (found: { path: string; node: Node | undefined }) => T): T {
    const before = this.#open.length
    try {
      return this.#attempt(path, () => body(this.#resolve(path)))
    } finally {
      this.#close(before)
    }
  }

  /** The path without links, and what is there; undefined: nothing. Names behind a missing one stay as they are. */
  #resolve(path: string): { path: string; node: Node | undefined } {
    const way: { name: string; node: Node | undefined }[] = []
    const names = path.split('/').reverse()
    for (let links = 0; names.length > 0;) {
      const name = names.pop()
      if (name === undefined || name === '' || name === '.') continue
      if (name === '..') {
        way.pop()
        continue
      }
      const above = way.length === 0 ? this.#top : way.at(-1)?.node
      const here = `/${[...way.map((step) => step.name), name].join('/')}`
      const node = this.#child(above, name, here)
      if (node?.type !== 'link') {
        way.push({ name, node })
        continue
      }
      if (++links > MAX_LINKS) throw Object.assign(new Error(), { code: 'ELOOP' })
      if (node.to.startsWith('/')) way.length = 0
      names.push(...node.to.split('/').reverse())
    }
    return {
      path: `/${way.map(({ name }) => name).join('/')}`,
      node: way.length === 0 ? this.#top : way.at(-1)?.node,
    }
  }

  #child(above: Node | undefined, name: string, path: string): Node | undefined {
    const mount = this.#mounts.get(path)
    if (mount !== undefined && mount.type !== 'symlink') return this.#mounted(mount)
    const found = above?.type === 'directory' ? this.#lookup(above.layers, name) : undefined
    if (found !== undefined) return found
    if (mount !== undefined) return { type: 'link', to: mount.to }
    // Directories that are missing on the way to a mount are made.
    for (const target of this.#mounts.keys())
      if (target.startsWith(`${path}/`)) return { type: 'directory', layers: [] }
    return undefined
  }

  /** The name in merged directories. Below something that isn't a directory, lower layers don't show. */
  #lookup(layers: readonly Directory[], name: string): Node | undefined {
    const merged: Directory[] = []
    for (const layer of layers) {
      const entry = layer.entry(name)
      if (entry === undefined) continue
      const { stats } = entry
      if (stats.isDirectory()) {
        merged.push(this.#keep(Directory.of(entry)))
        continue
      }
      this.#open.push({ close: () => closeSync(entry.fd) })
      if (merged.length > 0 || isWhiteout(entry)) break
      if (!stats.isSymbolicLink()) return { type: 'file', entry, text: '' }
      const to = layer.target(name)
      // Somebody has put something else there meanwhile.
      return to === undefined ? this.#lookup(layers, name) : { type: 'link', to }
    }
    return merged.length > 0 ? { type: 'directory', layers: merged } : undefined
  }

  #mounted(mount: Mount): Node | undefined {
    switch (mount.type) {
      case 'bind':
        return this.#ofHost(mount.source)
      case 'file': {
        const source = mount.source === undefined ? undefined : this.#ofHost(mount.source)
        return { type: 'file', entry: source?.type === 'file' ? source.entry : undefined, text: mount.text ?? '' }
      }
      case 'overlay':
        return { type: 'directory', layers: this.#layersOf({ lowers: [mount.lower], state: mount.state }) }
      case 'mask':
        return undefined
      default:
        // A tmpfs is empty, and nobody looks for a file of the root in what the kernel shows.
        return { type: 'directory', layers: [] }
    }
  }

  /** A source is a path of the caller's, and leads where it leads. */
  #ofHost(path: string): Node {
    const entry = openEntry(path)
    if (entry.stats.isDirectory()) return { type: 'directory', layers: [this.#keep(Directory.of(entry))] }
    this.#open.push({ close: () => closeSync(entry.fd) })
    return { type: 'file', entry, text: '' }
  }

  /** On top in an overlay's state lie its changes; which directories replace lower ones can't be seen here. */
  #layersOf(root: Root | { lowers: readonly string[]; state: string | undefined }): Directory[] {
    const layers: Directory[] = []
    if ('state' in root && root.state !== undefined) {
      const changes = this.#keep(Directory.open(root.state, true)).entry('upper')
      if (changes?.stats.isDirectory()) layers.push(this.#keep(Directory.of(changes)))
      else if (changes !== undefined) closeSync(changes.fd)
    }
    const paths = 'lowers' in root ? root.lowers : root.type === 'directory' ? [root.path] : []
    for (const path of paths) layers.push(this.#keep(Directory.open(path, true)))
    return layers
  }

  #add(mount: Mount): void {
    if (mount.type === 'protect' || mount.type === 'pin' || mount.type === 'stash' || mount.type === 'view') return
    if ('kernel' in mount && mount.kernel) return
    this.#at(mount.target, ({ path, node }) => {
      // A directory that is there already stays as it is; a missing one is made, as on the way to a mount.
      if (mount.type !== 'dir' || node === undefined) this.#mounts.set(path, mount)
    })
  }

  #keep(directory: Directory): Directory {
    this.#open.push(directory)
    return directory
  }

  #attempt<T>(path: string, body: () => T): T {
    try {
      return body()
    } catch (error) {
      if (error instanceof SandboxError) throw error
      throw systemFailure({ step: 'user', what: 'read', path: this.shown(path), code: codeOf(error) })
    }
  }

  #refuse(what: string, path: string): never {
    throw new SandboxError({ step: 'user', what, path: this.shown(path) })
  }

  /** Closes all but the first COUNT. */
  #close(count: number): void {
    for (const opened of this.#open.splice(count)) opened.close()
  }
}

/** How an overlay marks a name as removed. */
function isWhiteout({ stats }: Entry): boolean {
  return stats.isCharacterDevice() && stats.rdev === 0
}
