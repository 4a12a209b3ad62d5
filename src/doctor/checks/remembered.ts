/** Where plans are remembered, so that the second start of a command line is faster. */
import { ownDirectory } from '../../planner/own-directories.ts'
import { note, ok, type Result } from '../check.ts'
import type { Host } from '../host.ts'

/** Below the cache; native/remember.h has the same name. */
export const STARTS = 'starts'

export function remembered(host: Host): Result {
  const { uid, env } = host
  if (env.NSBOX_REMEMBER === '0') return ok('no plan is remembered: NSBOX_REMEMBER=0')
  const cache = ownDirectory('cache', { uid, variable: (name) => env[name] })
  if (cache === undefined) return note('no directory for plans: HOME is not set', SLOWER)
  for (const path of [cache, `${cache}/${STARTS}`]) {
    const found = host.stat(path)
    if (found === undefined) return ok(`no plan yet; each will be a file in ${cache}/${STARTS}`)
    if (found.uid !== uid) return note(`${path} belongs to another user`, SLOWER)
    if ((found.mode & 0o077) !== 0) return note(`${path} is open to other users`, SLOWER, `chmod 700 ${path}`)
  }
  const sizes = host.sizes(`${cache}/${STARTS}`) ?? []
  const kib = Math.ceil(sizes.reduce((sum, size) => sum + size, 0) / 1024)
  return ok(`${sizes.length} plans, ${kib} KiB, in ${cache}/${STARTS}; nsbox doctor --forget removes them`)
}

const SLOWER = 'each start of a command line takes as long as the first'
