/**
 * The helper that unpacks images, which the compiled program carries. In the npm package unpack-path.ts takes the place
 * of this file: package.json, imports.
 */
import path from '#nsbox-unpack' with { type: 'file' }

export const unpackPath = (): string => path
