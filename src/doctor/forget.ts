/** Removes the plans that are remembered for this user. */
import { readdirSync } from 'node:fs'
import { SandboxError } from '../errors.ts'
import { thisHost } from '../host/bun.ts'
import { Directory } from '../host/directory.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import { ownDirectory } from '../planner/own-directories.ts'
import { STARTS } from './checks/remembered.ts'

/** Returns how many there were. Throws SandboxError where one of them can't be removed. */
export function forgetPlans(): number {
  const cache = ownDirectory('cache', thisHost())
  if (cache === undefined) return 0
  const path = `${cache}/${STARTS}`
  try {
    return removeFiles(Directory.open(cache, false).enter(STARTS))
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 0
    if (error instanceof SandboxError) throw error
    throw systemFailure({ step: 'start', what: 'remove the remembered plans', path, code: codeOf(error) })
  }
}

/** By descriptor, so that no link leads elsewhere. */
function removeFiles(directory: Directory): number {
  const names = readdirSync(directory.at('.'))
  for (const name of names) directory.remove(name)
  directory.close()
  return names.length
}
