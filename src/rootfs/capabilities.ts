/**
 * Whether files have capabilities. Neither Node nor Bun reads extended attributes, so the C library does, which only
 * Bun can call.
 */

/** getxattr(2) with no room for the value returns its size. */
const FUNCTIONS = { getxattr: { args: ['ptr', 'ptr', 'ptr', 'usize'], returns: 'i64' } } as const
const ATTRIBUTE = Buffer.from('security.capability\0')

/** Undefined where this runtime can't see them. */
export function capabilityReader(): ((path: string) => boolean) | undefined {
  if (process.versions['bun'] === undefined) return undefined
  const ffi = require('bun:ffi') as typeof import('bun:ffi')
  const c = ffi.dlopen('libc.so.6', FUNCTIONS).symbols
  return (path) => Number(c.getxattr(ffi.ptr(Buffer.from(`${path}\0`)), ffi.ptr(ATTRIBUTE), null, 0)) > 0
}
