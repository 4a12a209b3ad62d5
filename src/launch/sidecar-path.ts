/** Finds the sidecar's file: the package's, or in a checkout the one that `make` has built. */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { systemFailure } from '../host/errno.ts'

const known = new Map<string, string>()

/** No variable and no PATH can name another one: the sidecar has to match the code that makes the plan. */
export const sidecarPath = (): string => programBeside('nsbox-sidecar')

/** A program of ours that is a file of the package; in a checkout the one that `make` has built. */
export function programBeside(program: string): string {
  const before = known.get(program)
  if (before !== undefined) return before
  const candidates = [
    `./sidecar/${program}-${process.arch}`,
    ...(import.meta.url.endsWith('.ts') ? [`../../dist/${program}`] : []),
  ]
  const found = candidates
    .map((candidate) => fileURLToPath(new URL(candidate, import.meta.url)))
    .find((path) => existsSync(path))
  if (found === undefined) {
    throw systemFailure({
      step: 'start',
      what: `this package has no ${program} for ${process.platform} ${process.arch}`,
      path: fileURLToPath(new URL(candidates[0] as string, import.meta.url)),
      code: 'ENOENT',
      hint: 'nsbox runs on Linux, x64 and arm64; a package with a file missing has to be installed again',
    })
  }
  known.set(program, found)
  return found
}

export const programPath = sidecarPath

/** How a child runs the plan that it has on a descriptor: program and arguments. */
export const sidecarCommand = (plan: number): [string, ...string[]] => [sidecarPath(), '--plan-fd', String(plan)]
