/**
 * The choices of `nsbox rootfs build`, in a file of their own so that the option table loads nothing else of the
 * builder.
 */
export const METHODS = ['copy', 'hardlink', 'reflink'] as const
export type Method = (typeof METHODS)[number]

/** The sets of `--with`. */
export const EXTRAS = [
  ...(['nss', 'locale', 'terminfo', 'ca-certificates', 'tz', 'gconv', 'fonts', 'magic'] as const),
  ...(['python', 'perl', 'ruby', 'java', 'node'] as const),
] as const
export type Extra = (typeof EXTRAS)[number]

/** How much a file needs a library that it opens by itself, in the words of `.note.dlopen`. */
export const PRIORITIES = ['required', 'recommended', 'suggested'] as const
export type Priority = (typeof PRIORITIES)[number]
/** The parts that may be left out of a root. */
export const OPTIONAL = ['recommended', 'suggested'] as const

/** Options of a box that the boxes of a build have too. */
export const BOX_OPTIONS = ['net', 'timeout', 'memory', 'pids'] as const

export type RootfsOptions = {
  by?: Method
  with?: Extra[]
  without?: Priority[]
  /** `--with list`: say what each set brings. */
  list?: boolean
  quiet?: boolean
  /** Write nothing, and list what would be written. */
  dryRun?: boolean
  json?: boolean
  /** A tar archive or a squashfs file in place of a directory. */
  output?: string
  /** Run the command, and add what it uses. */
  trace?: boolean
  /** Logs of strace, whose files are added. */
  traceLogs?: string[]
  /** Run the command, or each program with --version, in the root that was written. */
  check?: boolean
  /** The words behind `--`. */
  command?: string[]
  /** Options of the boxes in which programs run: timeout in milliseconds, memory in bytes. */
  box?: { net?: 'host' | 'none' | 'user'; timeout?: number; memory?: number; pids?: number }
}
