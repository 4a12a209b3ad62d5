/** Writes what an image shows into a directory of the caller's. */
import * as fs from 'node:fs'
import { SandboxError } from '../errors.ts'
import { hostPath } from '../host/bun.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import { absolute } from '../host/absolute.ts'
import { runHelper } from './helper.ts'
import type { Image, Want } from './image.ts'
import { temporaryName } from './store.ts'

/**
 * Writes the image's root to DIR, which must be missing or empty, and appears only once it is complete. Owners are the
 * image's as far as the id map has them. Throws SandboxError.
 */
export async function flatten(
  image: Image,
  dir: string,
  { map, maxSize, signal }: Want,
  host: HostFacts,
): Promise<void> {
  const path = absolute(dir, host).replace(/\/+$/, '')
  refuseFilled(path)
  const draft = `${path.slice(0, path.lastIndexOf('/'))}/.nsbox-${temporaryName()}`
  try {
    fs.mkdirSync(hostPath(draft), 0o700)
  } catch (error) {
    throw systemFailure({ step: 'image', what: 'make', path: draft, code: codeOf(error) })
  }
  const most = maxSize === undefined ? [] : ['--max-bytes', String(maxSize)]
  try {
    await runHelper(
      {
        map,
        args: ['flatten', '--owners', map.kind === 'one' ? 'one' : 'keep', ...most],
        target: draft,
        lowers: image.lowers,
        ...(signal !== undefined && { signal }),
      },
      host,
    )
    fs.renameSync(hostPath(`${draft}/fs`), hostPath(path))
  } catch (error) {
    await runHelper({ map, args: ['remove', 'fs'], target: draft }, host).catch(() => {})
    if (error instanceof SandboxError || signal?.aborted) throw error
    throw systemFailure({ step: 'image', what: 'rename to', path, code: codeOf(error) })
  } finally {
    try {
      fs.rmdirSync(hostPath(draft))
    } catch {}
  }
}

function refuseFilled(path: string): void {
  const stat = fs.lstatSync(hostPath(path), { throwIfNoEntry: false })
  if (stat === undefined) return
  if (stat.isDirectory() && fs.readdirSync(hostPath(path)).length === 0) return
  throw new SandboxError({
    step: 'image',
    what: stat.isDirectory() ? 'is not empty' : 'is not a directory',
    path,
    hint: 'name a directory that does not exist yet, or an empty one',
  })
}
