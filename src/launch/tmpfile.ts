/** Files without a name: nobody else can open them, and they vanish when they are closed. */
import * as fs from 'node:fs'
import { codeOf } from '../host/errno.ts'
import { encodeChecked } from './checked-plan.ts'
import { mkdtempSync } from 'node:fs'
import type { Plan } from '../plan/types.ts'

const { O_DIRECTORY, O_RDWR } = fs.constants

/**
 * open(2); Node's constants have no name for it. It includes O_DIRECTORY, which is another bit on arm64 than on x86-64.
 */
const O_TMPFILE = 0o20000000 | O_DIRECTORY

/** Directories for such files, best first: in memory, then the caller's, then everybody's. */
export function temporaryDirectories(): string[] {
  const { XDG_RUNTIME_DIR, TMPDIR } = process.env
  return [FIRST, XDG_RUNTIME_DIR, TMPDIR, '/tmp'].filter(
    (directory): directory is string => directory !== undefined && directory !== '',
  )
}

const FIRST = '/dev/shm'

/** An unnamed file in this directory. Throws ENOENT, EACCES, EROFS, EOPNOTSUPP (the file system has no such files). */
export function unnamedFileIn(directory: string, mode: number): number {
  return fs.openSync(directory, O_TMPFILE | O_RDWR, mode)
}

/** An unnamed file in the first directory that can hold one; otherwise a file whose name is removed at once. */
export function unnamedFile(): number {
  for (const directory of temporaryDirectories()) {
    try {
      return unnamedFileIn(directory, 0o600)
    } catch (error) {
      // The next directory may work, unless the error isn't about the directory.
      if (OF_THE_PROCESS.includes(codeOf(error))) throw error
    }
  }
  const directory = mkdtempSync(`${process.env.TMPDIR || '/tmp'}/nsbox-`)
  const file = `${directory}/file`
  try {
    const fd = fs.openSync(file, 'wx+', 0o600)
    fs.unlinkSync(file)
    return fd
  } finally {
    // rmdir needs no descriptor: perhaps none is left.
    fs.rmdirSync(directory)
  }
}

const OF_THE_PROCESS = ['EMFILE', 'ENFILE', 'ENOMEM']

/** A descriptor of an unnamed file that holds the plan. */
export function planFile(plan: Plan): number {
  const file = unnamedFile()
  try {
    writeAll(file, Buffer.from(encodeChecked(plan)), 0)
    return file
  } catch (error) {
    fs.closeSync(file)
    throw error
  }
}

/** `at`: an offset in the file; the position of the descriptor then stays, for those who read from it. */
export function writeAll(fd: number, bytes: Uint8Array, at: number | null = null): void {
  for (let done = 0; done < bytes.length;)
    done += fs.writeSync(fd, bytes, done, bytes.length - done, at === null ? null : at + done)
}

/** Fills a file, and opens it again for reading: a file that is open for writing can't be executed (ETXTBSY). */
export function filled(writer: number, parts: readonly Uint8Array[]): number {
  try {
    for (const part of parts) writeAll(writer, part)
    return fs.openSync(`/proc/self/fd/${writer}`, fs.constants.O_RDONLY)
  } finally {
    fs.closeSync(writer)
  }
}
