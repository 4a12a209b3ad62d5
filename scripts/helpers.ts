/** The static programs of scripts/helpers.txt, and the sidecar. */
import { readFileSync } from 'node:fs'

/** Their file names, the sidecar first. */
export const STATIC_PROGRAMS: readonly string[] = [
  'nsbox-sidecar',
  ...readFileSync(new URL('helpers.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((name) => `nsbox-${name}`),
]
