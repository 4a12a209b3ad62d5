/** What a plan depends on of this machine and caller. Each is looked up when asked for: a start pays for what it needs. */
import * as fs from 'node:fs'
import { fromBytes } from '../plan/bytes.ts'

export type Looked = 'directory' | 'link' | 'other' | { code: string }

export type HostFacts = {
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
  /** Soft limit on open files before this program's runtime raised it; undefined where it is as it was. */
  openFiles(): number | undefined
}

export function thisHost(): HostFacts {
  return {
    uid: process.getuid?.() ?? 0,
    gid: process.getgid?.() ?? 0,
    get cwd() { return process.cwd() },
    env: process.env,
    look, read, userName, openFiles,
  }
}

/** The same for a library: the runtime of its program has made the limits what they are, and a child gets them so. */
export function hostOfLibrary(): HostFacts {
  return { ...thisHost(), openFiles: () => undefined }
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

/** Bun raises the soft limit to the hard one when it starts. Whoever started us still has the limit that we were given. */
function openFiles(): number | undefined {
  const own = openFilesOf('self')
  const before = openFilesOf(String(process.ppid))
  if (own === undefined || before === undefined || own.soft !== own.hard) return undefined
  return before.soft < own.soft ? before.soft : undefined
}

function openFilesOf(process: string): { soft: number; hard: number } | undefined {
  let limits: string
  try {
    // On the way of every start: not through `read`, whose care for names that are not UTF-8 takes a millisecond.
    limits = fs.readFileSync(`/proc/${process}/limits`, 'latin1')
  } catch {
    return undefined
  }
  const [, soft, hard] = /^Max open files +(\S+) +(\S+)/m.exec(limits) ?? []
  return soft === undefined || hard === undefined ? undefined : { soft: amount(soft), hard: amount(hard) }
}

const amount = (text: string): number => (text === 'unlimited' ? Infinity : Number(text))
