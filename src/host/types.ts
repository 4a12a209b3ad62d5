/**
 * The facts about a machine and a caller that a plan depends on. Whatever makes a plan looks at nothing else, so that
 * recorded.ts can note what a plan depends on.
 */
import type { RESET_SIGNALS } from '../plan/constants.ts'

export type Looked = 'directory' | 'other' | { code: string }

/** A file is a regular one. */
export type FileKind = 'directory' | 'file' | 'link' | 'other'

/** Settings that the runtime has changed before the first line of this program, and that only the plan can restore. */
type Changed = {
  /** The caller's soft limit on open files; absent where the runtime has not changed it. */
  openFiles?: number
  /** Signals that the runtime ignores and the caller did not. */
  signals: (typeof RESET_SIGNALS)[number][]
}

export type HostFacts = {
  /** The architecture, by the runtime's name. */
  machine: string
  uid: number
  gid: number
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  /** A variable of the program itself, even where a command's environment is another. */
  variable(name: string): string | undefined
  /** The kind of file at a path, or the name of the error. `follow`: a symbolic link that leads nowhere is an error. */
  look(path: string, follow: boolean): Looked
  isLink(path: string): boolean
  /** What a path is by itself, where a link isn't followed; undefined where nothing is found. */
  kind(path: string): FileKind | undefined
  /** Where the symbolic link at a path leads, as its text; undefined where it is no link. */
  linkText(path: string): string | undefined
  /** Names of the directories in a directory; none where it can't be read. */
  directoriesIn(path: string): string[]
  /** The path without symbolic links; undefined where it leads to nothing that the caller can reach. */
  realPath(path: string): string | undefined
  /** Whether the kernel runs programs of i386, and answers their calls from other programs. */
  runsI386(): boolean
  /** Content of a text file, or the name of the error. */
  read(path: string): { text: string } | { code: string }
  /** Whether the kernel is this version of Linux, or a newer one; true where it doesn't say. */
  isKernel(major: number, minor: number): boolean
  /** Called before files are looked at by descriptors (directory.ts): none of those looks comes through here. */
  opensFiles(): void
  /** Called with the whole content of a regular file, where it was not read through here. */
  hasRead(path: string, text: string): void
  /** Whether standard input is a terminal. */
  hasTerminal(): boolean
  /** The settings that the plan has to restore for the command. */
  changed(): Changed
}
