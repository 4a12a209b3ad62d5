/**
 * The program that notes which files a command uses, which the compiled program carries. In the npm package
 * trace-path.ts takes the place of this file: package.json, imports.
 */
import path from '#nsbox-trace' with { type: 'file' }

export const tracePath = (): string => path
