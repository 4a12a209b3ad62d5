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

/** Whether the box sees the host's own root, itself or below an overlay. */
export function showsHost(root: Root): boolean {
  const [only, ...more] = rootDirectories(root)
  return only === '/' && more.length === 0
}
