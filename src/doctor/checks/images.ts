/** Where images are kept. */
import { CACHE_VARIABLE, ownDirectory } from '../../planner/own-directories.ts'
import { note, ok, type Result } from '../check.ts'
import type { Host } from '../host.ts'

const GIB = 2 ** 30
/** Bytes that a system's image takes, more or less, once it is unpacked. */
const AN_IMAGE = GIB

export function images(host: Host): Result {
  const { uid, env } = host
  const path = ownDirectory('cache', { uid, variable: (name) => env[name] })
  const elsewhere = `export ${CACHE_VARIABLE}=DIR    (an absolute path, on a disk that has room)`
  if (path === undefined)
    return note('no directory for the cache: HOME is not set', 'images can not be kept', elsewhere)
  const found = host.stat(path)
  if (found !== undefined && found.uid !== uid)
    return note(`${path} belongs to another user`, 'images can not be kept', elsewhere)
  if (found !== undefined && (found.mode & 0o077) !== 0)
    return note(`${path} is open to other users`, 'nsbox keeps no images there', `chmod 700 ${path}`)
  const free = host.space(nearest(path, host))
  if (free === undefined) return ok(`the cache is ${path}`)
  const text = `the cache is ${path}, with ${(free / GIB).toFixed(1)} GiB free`
  return free >= AN_IMAGE
    ? ok(text)
    : note(text, 'a large image will not fit', 'nsbox image prune    (what no image needs)', elsewhere)
}

/** The last directory on the way that is there. */
function nearest(path: string, host: Host): string {
  let above = path
  while (above !== '' && !host.exists(above)) above = above.slice(0, above.lastIndexOf('/'))
  return above === '' ? '/' : above
}
