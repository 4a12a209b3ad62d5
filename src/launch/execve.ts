/** Why becoming another program, execve(2), failed. */
import { codeOf, systemFailure } from '../host/errno.ts'

/**
 * The name of the error for which WAY could not become another program. Throws where no other way would work either.
 */
export function reasonOf(way: () => void): string {
  try {
    way()
  } catch (error) {
    const code = codeOf(error)
    if (NOT_OF_THE_PLACE.includes(code)) {
      throw systemFailure({
        step: 'hand over',
        what: 'execute the sidecar',
        path: process.execPath,
        code,
        ...hintFor(code),
      })
    }
    return code
  }
  return 'ENOEXEC'
}

/** Errors that every other way would have too. */
const NOT_OF_THE_PLACE = ['E2BIG', 'ENOMEM', 'EMFILE', 'ENFILE', 'EFBIG']
const TOO_LARGE =
  'the limit on the size of files (ulimit -f) is too low for nsbox itself: set it only in the box, by --ulimit fsize=BYTES'

const TOO_MANY =
  'the limit on open files (ulimit -n) is too low for nsbox itself: raise it; for the box alone: --ulimit nofile=N'

function hintFor(code: string): { hint?: string } {
  return code === 'EFBIG' ? { hint: TOO_LARGE } : code === 'EMFILE' ? { hint: TOO_MANY } : {}
}
