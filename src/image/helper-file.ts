/** The unpacker as a file of the host: the package has one, and compiled or bundled programs carry its bytes. */
import { sha256 } from '../host/sha256.ts'
import * as fs from 'node:fs'
import { unpackPath } from '#unpack'
import { hostPath } from '../host/bun.ts'
import type { HostFacts } from '../host/types.ts'
import { isExecutable } from '../launch/executable-copy.ts'
import { ensureDirectory, storeFailure, temporaryName } from './store.ts'

let known: string | undefined

/**
 * Its path. A copy lies in the cache under the digest of its content, which is compared each time: two versions of
 * nsbox may use one cache.
 */
export function helperFile(host: HostFacts): string {
  const path = unpackPath()
  if (isExecutable(path)) return path
  if (known !== undefined) return known
  const bytes = fs.readFileSync(path)
  const copy = `${ensureDirectory(host, 'helper')}/${sha256(bytes)}`
  if (!holds(copy, bytes)) write(copy, bytes)
  known = copy
  return copy
}

function holds(path: string, bytes: Buffer): boolean {
  try {
    return fs.readFileSync(hostPath(path)).equals(bytes)
  } catch {
    return false
  }
}

function write(path: string, bytes: Buffer): void {
  const draft = `${path.slice(0, path.lastIndexOf('/'))}/${temporaryName()}`
  try {
    fs.writeFileSync(hostPath(draft), bytes, { flag: 'wx', mode: 0o500 })
    fs.renameSync(hostPath(draft), hostPath(path))
  } catch (error) {
    fs.rmSync(hostPath(draft), { force: true })
    throw storeFailure('write', path, error)
  }
}
