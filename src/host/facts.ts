/** What a plan depends on of this machine and caller. Each is looked up when asked for: a start pays for what it needs. */
import * as fs from 'node:fs'
import { fromBytes } from '../plan/bytes.ts'
import { changedByRuntime, type Changed } from './inherited.ts'

export type Looked = 'directory' | 'link' | 'other' | { code: string }

export type HostFacts = {
  /** The architecture, by the runtime's name. */
  machine: string
  uid: number
  gid: number
  cwd: string
  env: Readonly<Record<string, string | undefined>>
  /** What is at a path, or the name of the error. `follow`: a symbolic link counts as what it leads to. */
  look(path: string, follow: boolean): Looked
  /** Content of a text file, or the name of the error. */
  read(path: string): { text: string } | { code: string }
  /** Login name of a user id. */
  userName(uid: number): string | undefined
  /** What this program's runtime has changed, and the command is to find as it was. */
  changed(): Changed
}

export function thisHost(): HostFacts {
  return {
    machine: process.arch,
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    get cwd() { return process.cwd() },
    env: process.env,
    look, read, userName, changed: changedByRuntime,
  }
}

/** The same for a library: a child of its program gets the limits as they are there. */
export function hostOfLibrary(): HostFacts {
  return { ...thisHost(), changed: () => ({ signals: ['PIPE', 'XFSZ'] }) }
}

function look(path: string, follow: boolean): Looked {
  try {
    const stat = follow ? fs.statSync(path) : fs.lstatSync(path)
    return stat.isDirectory() ? 'directory' : stat.isSymbolicLink() ? 'link' : 'other'
  } catch (error) {
    return { code: codeOf(error) }
  }
}

function read(path: string): { text: string } | { code: string } {
  try {
    return { text: fromBytes(fs.readFileSync(path)) }
  } catch (error) {
    return { code: codeOf(error) }
  }
}

export function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? 'EIO'
}

function userName(uid: number): string | undefined {
  const passwd = read('/etc/passwd')
  if ('code' in passwd) return undefined
  return passwd.text.split('\n').find((line) => line.split(':')[2] === String(uid))?.split(':')[0]
}
