/** The sidecar as a file of its own: that of the package, or, in a checkout, the one that `make` has built. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemFailure } from '../host/errno.ts'

let found: string | undefined

/** Never one that a variable or PATH names: what carries out the plan has to be what made it. */
export function sidecarPath(): string {
  if (found !== undefined) return found
  const name = `nsbox-sidecar-${process.arch}`
  const places = [`./sidecar/${name}`, ...(import.meta.url.endsWith('.ts') ? ['../../dist/nsbox-sidecar'] : [])]
  found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path))
  if (found === undefined) {
    throw systemFailure({
      step: 'start', what: `this package has no sidecar for ${process.platform} ${process.arch}`, path: fileURLToPath(new URL(places[0] as string, import.meta.url)),
      code: 'ENOENT', hint: 'nsbox runs on Linux, x64 and arm64; a package with a file missing has to be installed again',
    })
  }
  return found
}

export const programPath = sidecarPath
