/** Finds the sidecar's file: the package's, or in a checkout the one that `make` has built. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemFailure } from '../host/errno.ts'

let found: string | undefined

/** No variable and no PATH can name another one: the sidecar has to match the code that makes the plan. */
export function sidecarPath(): string {
  if (found !== undefined) return found
  const name = `nsbox-sidecar-${process.arch}`
  const candidates = [`./sidecar/${name}`, ...(import.meta.url.endsWith('.ts') ? ['../../dist/nsbox-sidecar'] : [])]
  found = candidates
    .map((candidate) => fileURLToPath(new URL(candidate, import.meta.url)))
    .find((path) => existsSync(path))
  if (found === undefined) {
    throw systemFailure({
      step: 'start',
      what: `this package has no sidecar for ${process.platform} ${process.arch}`,
      path: fileURLToPath(new URL(candidates[0] as string, import.meta.url)),
      code: 'ENOENT',
      hint: 'nsbox runs on Linux, x64 and arm64; a package with a file missing has to be installed again',
    })
  }
  return found
}

export const programPath = sidecarPath
