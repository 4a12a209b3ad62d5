/** A program of Debian's packages, and the simplest job that shows that it works in a root of its own. */
export type Case = {
  /** The first words of the table's row; the same program may have several jobs. */
  program: string
  job: string
  /** Debian packages that it comes from. */
  packages: readonly string[]
  /** In every run of the tests, and not in the whole list alone. */
  everyday?: true
  /** What `rootfs build` gets: the programs by name, as somebody would who knows nothing else. */
  programs: readonly string[]
  /** What it gets besides: sets (`--with A,B`), directories, data and further programs. Absent: nothing is needed. */
  more?: readonly string[]
  /** The line of the report that says what is missing where `more` isn't given: its text, and a path that it names. */
  says?: readonly [what: string, path?: string]
  /** The same of a build that traces the job, where the job doesn't work in that root. */
  traceSays?: readonly [what: string, path?: string]
  /** Runs in the box, and directly. The first word is a path. */
  command: readonly string[]
  /** A shell script that makes the input in /work, its working directory. */
  setup?: string
  /** The user of the command, by name; absent: root. */
  user?: string
  /** Options of the box, besides those that all have. */
  box?: readonly string[]
  /** Variables of the command; all others are unset. */
  env?: Readonly<Record<string, string>>
  /** How often it runs in each root; each run has to be equal. */
  times?: number
  /** Files below /work that the command makes: removed before, compared afterwards. */
  makes?: readonly string[]
  /** Removed before each run, and not compared. */
  scratch?: readonly string[]
  /** For a server, which stays until it is ended: what a client gets from it, asked until it answers. */
  client?: () => Promise<string>
  /** A program that runs outside of the box meanwhile, and prints a line when it is ready. */
  beside?: readonly string[]
  /** Hides what differs from run to run, such as times. */
  same?: (text: string) => string
}

/** Libraries and plugins of Debian's packages lie below it. */
export const LIB = `/usr/lib/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`

/** Whether the job works, and where it doesn't: the line of the report that said so, or what it did without one. */
export type Way = 'works' | { said: string } | { silent: string }
export type Row = {
  reading: Way
  /** With `more`; absent where that adds nothing. */
  more?: Way
  /** By tracing the job, and no other words. */
  trace: Way
}
/** What the driver prints for each case, as a line of JSON. */
export type Result = { row: Row } | { skipped: string } | { failed: string }
