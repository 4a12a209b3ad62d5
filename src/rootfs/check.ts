/**
 * Runs commands in a root that was built, and again on this host, and compares how they end. The box of the root has a
 * /proc, a /dev and a /tmp, whether or not the root has the directories, and neither run changes anything.
 */
import { existsSync, lstatSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { Options } from '../options/types.ts'
import { printable } from '../text/printable.ts'
import { apartFrom } from './traced.ts'
import { type Boxes, trace, type Traced } from './trace.ts'
import type { Use } from './use.ts'

export type Check = {
  command: readonly string[]
  /** It ends in the root as on this host, or with 0. */
  passes: boolean
  /** Exit statuses, 128 + N for signal N; the host's only where it was run there. */
  status: number
  hostStatus?: number
  /** Paths that it looked for in vain, and that this host has. */
  missing: string[]
}

/** An environment with nothing in it that could hide what the root lacks. */
const ENVIRONMENT: NonNullable<Options['env']> = [
  { type: 'set', name: 'PATH', value: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' },
  { type: 'pass', name: 'TERM' },
]
/** Each dynamic program looks for it, and finds libraries in the usual directories without it. */
const CACHE = '/etc/ld.so.cache'
/** Some programs don't know --version, and do their work. */
const VERSION_TIMEOUT = 10000

type Place = Boxes & { dir: string; options: Options; stop: AbortSignal; silent?: boolean }

/** `traced`: how the command ended on this host, where that is known. */
export async function checkCommand(command: readonly string[], place: Place, traced?: number): Promise<Check> {
  const { dir, options, host } = place
  const common: Options = { ...options, overlay: true, clearEnv: true, env: ENVIRONMENT }
  const root = resolve(dir)
  const cwd = existsSync(join(root, host.cwd)) ? host.cwd : '/'
  const mounts: NonNullable<Options['mounts']> = [
    { type: 'proc', target: '/proc' },
    { type: 'dev', target: '/dev' },
    { type: 'tmpfs', target: '/tmp' },
  ]
  const inRoot = await trace({ ...common, root, mounts, cwd }, command, place)
  const { status } = inRoot
  const missing = missingOf(inRoot.uses, root)
  if (status === 0) return { command, passes: true, status, missing }
  const hostStatus = traced ?? (await trace(common, command, place)).status
  return { command, passes: status === hostStatus && !cannotStart(inRoot), status, hostStatus, missing }
}

/** Asks each program for its version. */
export async function checkPrograms(programs: readonly string[], place: Place): Promise<Check[]> {
  const checks: Check[] = []
  for (const program of programs) {
    const options = { timeout: VERSION_TIMEOUT, ...place.options }
    checks.push(await checkCommand([program, '--version'], { ...place, options, silent: true }))
  }
  return checks
}

/** It was never executed, so an equal status on the host says nothing. */
function cannotStart({ refused }: Traced): boolean {
  return refused !== undefined
}

function missingOf(uses: readonly Use[], root: string): string[] {
  const missing = new Set<string>()
  for (const { path, found } of uses) {
    if (found || path === CACHE || apartFrom(path) !== undefined || path.startsWith(`${root}/`)) continue
    if (path.isWellFormed() && lstatSync(path, { throwIfNoEntry: false }) !== undefined) missing.add(path)
  }
  return [...missing]
}

/** A line names as many paths as fit into so many characters; --json has all. */
const SHOWN = 400

/** `check: COMMAND: ...` */
export function checkLine({ command, passes, status, hostStatus, missing }: Check): string {
  const ending =
    hostStatus === undefined ? `ends with ${status}` : `ends with ${status}, on this host with ${hostStatus}`
  const verdict = passes ? ending : `FAILS: ${ending}`
  let shown = ''
  let count = 0
  for (const path of missing) {
    if (count > 0 && shown.length + path.length > SHOWN) break
    shown += count === 0 ? path : `, ${path}`
    count++
  }
  const more = missing.length > count ? ` and ${missing.length - count} more` : ''
  const lacks = missing.length === 0 ? '' : `; looked for, here and not in the root: ${shown}${more}`
  return printable(`check: ${command.join(' ')}: ${verdict}${lacks}`)
}
