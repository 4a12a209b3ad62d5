/**
 * Where the programs of nsbox are, in a checkout: the ones that `make` has built. The npm package has two other files
 * in this one's place, which scripts/package.ts writes: one for Node and most bundlers, one for Bun and its bundler.
 */
import { fileURLToPath } from 'node:url'

/** The file with this code. In a bundled program it is the bundle; undefined if the bundler has removed that, too. */
export const codeFile: string | undefined = fileURLToPath(import.meta.url)

/** Where the code says that the program is; undefined if it can't say. `machine`: by the runtime's name. */
export const programFile = (program: string, _machine: string): string | undefined =>
  fileURLToPath(new URL(`../../dist/${program}`, import.meta.url))
