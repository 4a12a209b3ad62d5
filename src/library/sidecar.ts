import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { SandboxError } from '../errors.ts'

let found: string | undefined

/**
 * The sidecar that came with this package: beside it, or, in a checkout, where `make` puts it. Never one that a variable or
 * PATH names: what carries out the plan has to be what made it.
 */
export function sidecarPath(): string {
  if (found !== undefined) return found
  const name = `nsbox-sidecar-${process.arch}`
  const places = [`./sidecar/${name}`, ...(import.meta.url.endsWith('.ts') ? ['../../dist/nsbox-sidecar'] : [])]
  found = places.map((place) => fileURLToPath(new URL(place, import.meta.url))).find((path) => existsSync(path))
  if (found === undefined) {
    throw new SandboxError({ step: 'start', what: `this package has no sidecar for ${process.platform} ${process.arch}`, hint: 'nsbox runs on Linux, x64 and arm64' })
  }
  return found
}
