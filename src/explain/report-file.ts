/** Writes a file that the caller named for a report. */
import { writeFileSync } from 'node:fs'
import { codeOf, systemFailure } from '../host/errno.ts'

/** Replaces the file if it is there. Throws SandboxError. */
export function writeReport(path: string, text: string): void {
  try {
    writeFileSync(path, text)
  } catch (error) {
    throw systemFailure({ step: 'explain', what: 'write', path, code: codeOf(error) })
  }
}
