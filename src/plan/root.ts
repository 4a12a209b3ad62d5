/** Questions that every variant of a root answers. */
import type { Root } from './types.ts'

/** The directories of the host that the root shows, the topmost first. */
export function rootDirectories(root: Root): readonly string[] {
  switch (root.type) {
    case 'directory':
      return [root.path]
    case 'layers':
      return root.lowers
    case 'empty':
      return []
  }
}

/** Whether there are files that nobody can read before the box starts, since the kernel mounts them then. */
export function isMounted(root: Root): boolean {
  return root.type === 'layers' && root.filesystems !== undefined && root.filesystems.length > 0
}

/** Whether the box sees the host's own root, itself or below an overlay. */
export function showsHost(root: Root): boolean {
  if (isMounted(root)) return false
  const [only, ...more] = rootDirectories(root)
  return only === '/' && more.length === 0
}
