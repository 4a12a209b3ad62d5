/** Pulls an image's blobs into a directory, as a process of its own that may kill itself in the middle. */
import { join } from 'node:path'
import { findCredentials } from '../../../src/image/credentials.ts'
import { downloadBlob } from '../../../src/image/download.ts'
import { parsePlatform } from '../../../src/image/platform.ts'
import { Registry } from '../../../src/image/registry.ts'

export type PullRequest = {
  host: string
  name: string
  tag?: string
  digest?: string
  platform?: string
  directory: string
  /** Bytes of a layer after which the process ends as by `kill -9`. */
  killAt?: number
}

const {
  directory,
  killAt = Infinity,
  platform = 'linux/amd64',
  ...named
} = JSON.parse(process.argv[2] ?? '') as PullRequest
const registry = new Registry(named, {
  credentials: (host) => findCredentials(host, named.name, { env: process.env, uid: process.getuid?.() ?? 0 }),
  insecure: false,
})
try {
  const { digest, manifestDigest, manifest } = await registry.resolve(parsePlatform(platform))
  for (const layer of manifest.layers)
    await downloadBlob(registry, layer, {
      path: join(directory, layer.digest.slice('sha256:'.length)),
      lock: async () => ({ release: async () => {} }),
      onBytes: (bytes) => void (bytes >= killAt && process.kill(process.pid, 'SIGKILL')),
    })
  console.log(JSON.stringify({ digest, manifestDigest, layers: manifest.layers.map((layer) => layer.digest) }))
} catch (error) {
  const { message, hint } = error as Error & { hint?: string }
  console.error(`${message}${hint === undefined ? '' : `\nhint: ${hint}`}`)
  process.exitCode = 1
}
