/** What a command did with a path, as the tracer or a log of strace says it. */

/**
 * `open`: read from it; `run`: executed it; `look`: asked about it, so it has to be there; `make`: made a name there, so
 * its directory has to be there. `replace`: what is at the path from then on is the command's own.
 */
export type UseKind = 'open' | 'run' | 'look' | 'make' | 'replace'

export type Use = {
  kind: UseKind
  /** Absolute, with links and dots as the command had them. A byte outside of UTF-8 is a lone surrogate. */
  path: string
  /** Whether a link at its end was followed. */
  follow: boolean
  /** false: nothing was there (ENOENT). */
  found: boolean
  /** The process may have had another user or fewer rights than the command at its start. */
  changed: boolean
  /** Where the file that was opened really lay, without any link. */
  real?: string | undefined
}
