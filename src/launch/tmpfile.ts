/** Files without a name: nobody else can open them, and they are gone when they are closed. */
import * as fs from 'node:fs'
import { codeOf } from '../host/bun.ts'
import { encodeChecked } from './checked-plan.ts'
import { mkdtempSync } from 'node:fs'
import type { Plan } from '../plan/types.ts'

const { O_DIRECTORY, O_RDWR } = fs.constants

/** open(2); Node's constants have no name for it. It includes O_DIRECTORY, which is another bit on arm64 than on x86-64. */
const O_TMPFILE = 0o20000000 | O_DIRECTORY

/** Where such a file may lie, best first: in memory, then where the caller says, then where everybody may. */
export function places(): string[] {
  const { XDG_RUNTIME_DIR, TMPDIR } = process.env
  return [FIRST, XDG_RUNTIME_DIR, TMPDIR, '/tmp'].filter((place): place is string => place !== undefined && place !== '')
}

const FIRST = '/dev/shm'

/** In this directory. Throws ENOENT, EACCES, EROFS, EOPNOTSUPP (the file system has no such files). */
export function namelessIn(directory: string, mode: number): number {
  return fs.openSync(directory, O_TMPFILE | O_RDWR, mode)
}

/** In the first place that has such files; where none does, a file whose name is taken away at once. */
export function nameless(): number {
  for (const place of places()) {
    try {
      return namelessIn(place, 0o600)
    } catch (error) {
      // The next one may, but for what is no fault of the place.
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
    // By no call that needs a descriptor: there may be none left.
    fs.rmdirSync(directory)
  }
}

const OF_THE_PROCESS = ['EMFILE', 'ENFILE', 'ENOMEM']

/** A descriptor of a nameless file that holds the plan. */
export function planFile(plan: Plan): number {
  const file = nameless()
  try {
    writeAll(file, Buffer.from(encodeChecked(plan)), 0)
    return file
  } catch (error) {
    fs.closeSync(file)
    throw error
  }
}

/** `at`: a place in the file; whoever reads from the descriptor then still starts where it stood. */
export function writeAll(fd: number, bytes: Uint8Array, at: number | null = null): void {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done, bytes.length - done, at === null ? null : at + done)
}
