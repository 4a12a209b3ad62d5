/** A program of ours as a file that the system executes, where a bundler has made it something else. */
import * as fs from 'node:fs'
import { systemFailure, codeOf } from '../host/errno.ts'
import { filled, temporaryDirectories, unnamedFileIn } from './tmpfile.ts'

/** Where Bun shows what its compiled programs carry; no other program sees it. */
const CARRIED = '/$bunfs/'

/** Whether the system can execute the file. */
export const isExecutable = (path: string): boolean => !path.startsWith(CARRIED) && mayExecute(path)

function mayExecute(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.X_OK)
    return true
  } catch {
    return false
  }
}

/**
 * Copies a file into an unnamed one, and gives a path to that, for as long as this process lives. Each directory for
 * temporary files is tried, since some may be mounted noexec. `more`: bytes that follow those of the file.
 */
export function executableCopy(path: string, more: readonly Uint8Array[] = []): string {
  const bytes = [fs.readFileSync(path), ...more]
  let code = 'EACCES'
  for (const directory of temporaryDirectories()) {
    try {
      const copy = filled(unnamedFileIn(directory, 0o500), bytes)
      // Not /proc/self: a child opens it, and may have another file under this number by then.
      const shown = `/proc/${process.pid}/fd/${copy}`
      if (mayExecute(shown) && isSame(fs.statSync(shown), fs.fstatSync(copy))) return shown
      fs.closeSync(copy)
    } catch (error) {
      code = codeOf(error)
    }
  }
  throw systemFailure({
    step: 'start',
    what: 'the file may not be executed, and no place was found for a copy',
    path,
    code,
    hint: 'chmod +x the file, or set TMPDIR to a directory on a file system that is not mounted noexec',
  })
}

/** False where /proc is of another process namespace, and its numbers mean other processes. */
const isSame = (a: fs.Stats, b: fs.Stats): boolean => a.dev === b.dev && a.ino === b.ino
