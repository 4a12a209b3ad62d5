/** Finds the sidecar's file: the package's, or in a checkout the one that `make` has built. */
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { SandboxError } from '../errors.ts'
import { systemFailure } from '../host/errno.ts'
import { VERSION } from '../version.ts'
import { isExecutable, executableCopy } from './executable-copy.ts'
import { codeFile, programFile } from './program-files.ts'

let known: string | undefined

/**
 * No variable and no PATH can name another one: the sidecar has to match the code that makes the plan. A bundler copies
 * files without their permissions, or into the program that it makes.
 */
export function sidecarPath(): string {
  if (known !== undefined) return known
  const path = programBeside('nsbox-sidecar')
  known = isExecutable(path) ? path : executableCopy(path)
  return known
}

/** A program of ours that is a file of the package; in a checkout the one that `make` has built. */
export function programBeside(program: string): string {
  const said = programFile(program, process.arch)
  const paths = said !== undefined && fs.existsSync(said) ? [said] : besideBundle(program)
  const found = paths.find((path) => fs.existsSync(path))
  if (found === undefined) throw missing(program)
  return found
}

export const programPath = sidecarPath

/** How a child runs the plan that it has on a descriptor: program and arguments. */
export const sidecarCommand = (plan: number): [string, ...string[]] => [sidecarPath(), '--plan-fd', String(plan)]

/**
 * Where the file of a bundled program may be: in `sidecar` beside the bundle, and in the package, if that is installed
 * where Node would look for it.
 */
function besideBundle(program: string): string[] {
  if (codeFile === undefined) return []
  const name = `${program}-${process.arch}`
  const paths = [join(dirname(codeFile), 'sidecar', name)]
  for (let directory = dirname(codeFile); ; directory = dirname(directory)) {
    const installed = join(directory, PACKAGE)
    if (isSamePackage(installed, codeFile)) paths.push(join(installed, SIDECARS, name))
    if (directory === dirname(directory)) return paths
  }
}

const PACKAGE = 'node_modules/nsbox'
const SIDECARS = 'dist/package/sidecar'

/**
 * Whether the package is of this version, and belongs to root, this user or the bundle's owner: a directory above the
 * bundle, such as /tmp, may be everybody's.
 */
function isSamePackage(directory: string, bundle: string): boolean {
  try {
    const owners = [0, process.getuid?.(), fs.statSync(bundle).uid]
    const manifest = JSON.parse(fs.readFileSync(join(directory, 'package.json'), 'utf8')) as { version?: unknown }
    return manifest.version === VERSION && owners.includes(fs.statSync(join(directory, SIDECARS)).uid)
  } catch {
    return false
  }
}

function missing(program: string): SandboxError {
  const machine = `${process.platform} ${process.arch}`
  if (codeFile === undefined || !/\/dist\/package\/[^/]*$|\.ts$/.test(codeFile)) {
    const place = codeFile === undefined ? 'the bundle' : dirname(codeFile)
    return new SandboxError({
      step: 'start',
      what: `this program was bundled without ${program} for ${machine}`,
      path: codeFile,
      hint: `copy ${PACKAGE}/${SIDECARS} to ${place}, or leave nsbox out of the bundle (external); docs/guides/bundles.md says more`,
    })
  }
  return systemFailure({
    step: 'start',
    what: `this package has no ${program} for ${machine}`,
    path: programFile(program, process.arch),
    code: 'ENOENT',
    hint: 'nsbox runs on Linux, x64 and arm64; a package with a file missing has to be installed again',
  })
}
