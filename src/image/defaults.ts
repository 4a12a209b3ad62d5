/**
 * An image's settings for its command, as defaults of a box: options of the command line win over all of them. An image
 * comes from a stranger, so it chooses what the command is and sees, and nothing of what the box may do.
 */
import { SandboxError, UsageError } from '../errors.ts'
import type { HostFacts } from '../host/types.ts'
import type { EnvChange, MountRequest, Options, UserRequest } from '../options/types.ts'
import { user } from '../options/values.ts'
import { cleanPath } from '../plan/box-path.ts'
import { compact } from '../plan/compact.ts'
import type { ImageRoot } from '../planner/image-root.ts'
import { printable } from '../text/printable.ts'
import type { Image, ImageConfig } from './image.ts'

/** The parts from which a box of an image is built. */
export type ImageBox = {
  options: Options
  argv: string[]
  root: ImageRoot
}

/** As container engines set it where an image has none. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * The options, command and root of a box of this image. WORDS: the words of the command line behind the options, which
 * may be none. `above`: a directory that is laid over the image.
 */
export function withImage(
  { reference, config, lowers, filesystems, layersAreOurs }: Image,
  options: Options,
  words: readonly string[],
  host: Pick<HostFacts, 'env'>,
  above: string | undefined,
): ImageBox {
  const cwd = config.cwd === undefined ? undefined : cleanPath(config.cwd)
  return {
    options: {
      ...options,
      user: userOf(options, config, reference),
      ...environmentOf(options, config, host),
      mounts: [...workingDirectory(cwd, options), ...(options.mounts ?? [])],
    },
    argv: commandOf(options, config, words),
    root: {
      lowers: above === undefined ? lowers : [above, ...lowers],
      ...compact<Omit<ImageRoot, 'lowers'>>({ filesystems, image: layersAreOurs && reference, cwd }),
    },
  }
}

/**
 * Entrypoint and Cmd are one command line; words of the caller's take the place of Cmd, --entrypoint that of both. An
 * image may have neither: then the planner takes its shell.
 */
function commandOf({ entrypoint }: Options, config: ImageConfig, words: readonly string[]): string[] {
  if (entrypoint !== undefined) return [entrypoint, ...words]
  return [...(config.entrypoint ?? []), ...(words.length > 0 ? words : (config.cmd ?? []))]
}

/**
 * An image's user is a name or a number of the image's own, and its root where it names none. So is that of --user,
 * whose HOME then comes from the image's passwd.
 */
function userOf({ user: chosen, mapRoot }: Options, { user: own }: ImageConfig, about: string): UserRequest {
  if (chosen === undefined) return mapRoot ? ROOT_OF_IMAGE : defaultUser({ user: own }, about)
  const { user: id, group = id } = chosen
  return typeof id === 'number' ? { user: id, group, likeImage: true } : chosen
}

export const ROOT_OF_IMAGE: UserRequest = { user: 0, likeImage: true }

/** The user of a box without options. */
export function defaultUser({ user: own }: { user?: string | undefined }, about: string): UserRequest {
  return own === undefined ? ROOT_OF_IMAGE : { ...readUser(own, about), likeImage: true }
}

function readUser(text: string, about: string): UserRequest {
  try {
    return user(text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw new SandboxError({
      step: 'image',
      what: `its User is '${printable(text)}', which is neither a name nor a number`,
      path: about,
      hint: 'say who the command is: --user USER[:GROUP]',
    })
  }
}

/**
 * The image's variables in place of the caller's, of which only the terminal's kind passes: that of whoever runs the
 * plan, so that a baked one fits each terminal. A program that gives a
 * command an environment of its own (clearEnv: false) gets all of that on top.
 */
function environmentOf(
  options: Options,
  { env }: ImageConfig,
  host: Pick<HostFacts, 'env'>,
): Pick<Options, 'env' | 'clearEnv'> {
  if (options.clearEnv) return {}
  const own: EnvChange[] = []
  const names = new Set<string>()
  for (const entry of env) {
    const at = entry.indexOf('=')
    const name = entry.slice(0, at)
    names.add(name)
    own.push({ type: 'set', name, value: entry.slice(at + 1) })
  }
  const fallbacks: EnvChange[] = []
  if (!names.has('PATH')) fallbacks.push({ type: 'set', name: 'PATH', value: DEFAULT_PATH })
  if (!names.has('TERM')) fallbacks.push({ type: 'later', name: 'TERM' })
  const passed: EnvChange[] =
    options.clearEnv === false ? Object.keys(host.env).map((name) => ({ type: 'pass', name })) : []
  return { clearEnv: true, env: [...fallbacks, ...own, ...passed, ...(options.env ?? [])] }
}

/** Engines make the directory where the image names one and lacks it. */
function workingDirectory(cwd: string | undefined, options: Options): MountRequest[] {
  return cwd === undefined || cwd === '/' || options.cwd !== undefined ? [] : [{ type: 'dir', target: cwd }]
}
