/** The packages of npm whose code is in our programs. `bun scripts/bundled.ts` prints them. */
export const BUNDLED = ['cac', 'jsonc-parser', 'smol-toml'] as const

if (import.meta.main) console.log(BUNDLED.join('\n'))
