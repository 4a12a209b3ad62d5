/** Platforms by the names of the image specification, which are Go's: OS/ARCHITECTURE[/VARIANT]. */
import { UsageError } from '../errors.ts'
import { printable } from '../text/printable.ts'

export type Platform = { os: string; architecture: string; variant?: string }

/** Names of machines that uname, runtimes and distributions use. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', x86_64: 'amd64', aarch64: 'arm64', ia32: '386' }
/** Variants that are the same as none. */
const PLAIN: Readonly<Record<string, string>> = { arm64: 'v8', amd64: 'v1' }

/** `machine`: the runtime's name for the architecture. */
export function platformOf(machine: string): Platform {
  return { os: 'linux', architecture: ARCHITECTURES[machine] ?? machine }
}

/** Reads OS/ARCHITECTURE[/VARIANT], or ARCHITECTURE alone. Throws UsageError. */
export function parsePlatform(text: string): Platform {
  const parts = text.split('/')
  const [os, named, variant] = parts.length === 1 ? ['linux', parts[0]] : parts
  const isPart = (part: string | undefined): boolean => part === undefined || /^[a-z0-9][a-z0-9_.-]*$/.test(part)
  if (parts.length > 3 || os === undefined || named === undefined || ![os, named, variant].every(isPart))
    throw new UsageError(
      `--platform: '${printable(text)}' must be OS/ARCHITECTURE or OS/ARCHITECTURE/VARIANT`,
      'such as linux/arm64',
    )
  if (os !== 'linux')
    throw new UsageError(`--platform: '${printable(text)}': only programs of Linux run in a box`, 'such as linux/arm64')
  const architecture = ARCHITECTURES[named] ?? named
  return simple({ os, architecture, ...(variant !== undefined && { variant }) })
}

/** A variant that goes without saying is left out, so that each platform has one text. */
export function simple({ os, architecture, variant }: Platform): Platform {
  return variant === undefined || variant === '' || PLAIN[architecture] === variant
    ? { os, architecture }
    : { os, architecture, variant }
}

export function platformText({ os, architecture, variant }: Platform): string {
  return `${os}/${architecture}${variant === undefined ? '' : `/${variant}`}`
}
