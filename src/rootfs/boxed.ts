/** Builds that run programs: `--trace` before the root is written, `--check` after that. Each runs in a box. */
import { SandboxError, UsageError } from '../errors.ts'
import { errnoText } from '../host/errno.ts'
import type { Options } from '../options/types.ts'
import { type Build, buildRoot, printBuild, readWords, USAGE } from './build.ts'
import { type Check, checkCommand, checkPrograms } from './check.ts'
import type { RootfsOptions } from './choices.ts'
import { type Boxes, trace, type Traced } from './trace.ts'

type Context = Boxes & {
  out(line: string): void
  /** Runs what waits for a box; a signal ends it. */
  untilSignal<T>(body: (stop: AbortSignal) => Promise<T>): Promise<T>
}

/** Returns the exit status: 1 where a check has failed, else that of the traced command. */
export async function rootfsInBoxes(words: readonly string[], how: RootfsOptions, context: Context): Promise<number> {
  const { host, out } = context
  const request = readWords(words, how)
  const options: Options = how.box ?? {}
  const command = how.command ?? []
  if (how.trace === true && command.length === 0)
    throw new UsageError('rootfs build: --trace: the command is missing', TRACE_USAGE)
  if (how.check === true && request.dir === undefined)
    throw new UsageError('rootfs build: --check needs a DIR, and -o writes none', USAGE)
  if (how.check === true && how.dryRun)
    throw new UsageError('rootfs build: --check needs a root, and --dry-run writes none')
  const traced =
    how.trace === true ? await context.untilSignal((stop) => traceOnHost(options, command, context, stop)) : undefined
  const build = buildRoot(request, how, host.cwd, traced === undefined ? undefined : { command, ...traced })
  const checks = how.check === true ? await context.untilSignal((stop) => checked(build, how, context, stop)) : []
  printBuild(build, how, out, checks)
  return checks.every(({ passes }) => passes) ? (traced?.status ?? 0) : 1
}

const TRACE_USAGE = 'nsbox rootfs build DIR [PROGRAM|PATH...] --trace -- COMMAND [ARG...]'

/** What the command changes goes to a layer that is thrown away. */
async function traceOnHost(
  options: Options,
  command: readonly string[],
  boxes: Boxes,
  stop: AbortSignal,
): Promise<Traced> {
  const share: Options['share'] = options.net !== undefined && options.net !== 'host' ? [] : ['abstract']
  const traced = await trace({ ...options, overlay: true, share }, command, { ...boxes, stop, layered: true })
  if (traced.refused === undefined) return traced
  const [path] = command
  const text = errnoText(traced.refused)
  throw new SandboxError({ step: 'rootfs', what: 'the command cannot be executed', path, code: traced.refused, text })
}

async function checked(
  { request, found, traced }: Build,
  how: RootfsOptions,
  boxes: Boxes,
  stop: AbortSignal,
): Promise<Check[]> {
  const place = { ...boxes, dir: request.dir ?? '', options: how.box ?? {}, stop }
  if (how.command !== undefined && how.command.length > 0)
    return [await checkCommand(how.command, place, traced?.status)]
  if (found.programs.length === 0)
    throw new UsageError(
      'rootfs build: --check: no program is named',
      'nsbox rootfs build DIR --check -- COMMAND [ARG...]',
    )
  return checkPrograms(found.programs, place)
}
