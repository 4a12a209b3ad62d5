/**
 * The directory that is laid over an image, with an empty file where the host's resolv.conf, hosts and hostname are
 * mounted: an image may lack a file there, or have a link that leads nowhere, and its own layers are never written to.
 */
import { chmodSync, closeSync, existsSync, fchmodSync, mkdirSync, openSync } from 'node:fs'
import { hostPath } from '../host/bun.ts'
import { codeOf, systemFailure } from '../host/errno.ts'
import type { HostFacts } from '../host/types.ts'
import type { Options } from '../options/types.ts'
import { HOST_FILES, LOCAL_TIME } from '../planner/host-files.ts'
import { imagesDirectory } from './places.ts'
import { ensureDirectory } from './store.ts'

/** Its path; it is made if it is missing. undefined where the image's own files show. */
export function hostFilesLayer(
  { hostFiles = true }: Options,
  host: Pick<HostFacts, 'uid' | 'variable'>,
): string | undefined {
  if (!hostFiles) return undefined
  const files = hostFiles === 'localtime' ? [...HOST_FILES, LOCAL_TIME] : HOST_FILES
  const name = `host-files/${hostFiles === 'localtime' ? 'localtime' : 'names'}`
  const layer = `${imagesDirectory(host)}/${name}/fs`
  const last = files.at(-1) as string
  if (!existsSync(hostPath(layer + last))) makeLayer(layer, files, () => ensureDirectory(host, name))
  return layer
}

/** Another start may make it at the same time. Its mode is that of the box's root and /etc, whatever the umask. */
function makeLayer(layer: string, files: readonly string[], above: () => void): void {
  above()
  for (const directory of [layer, `${layer}/etc`])
    attempt(directory, () => {
      mkdirSync(hostPath(directory), { recursive: true })
      chmodSync(hostPath(directory), 0o755)
    })
  for (const file of files)
    attempt(layer + file, () => {
      const fd = openSync(hostPath(layer + file), 'a')
      fchmodSync(fd, 0o644)
      closeSync(fd)
    })
}

function attempt(path: string, body: () => void): void {
  try {
    body()
  } catch (error) {
    throw systemFailure({
      step: 'image',
      what: 'make',
      path,
      code: codeOf(error),
      hint: '--no-host-files does without',
    })
  }
}
