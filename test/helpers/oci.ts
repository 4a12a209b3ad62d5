/** Makes image layouts and archives of engines, also such as no honest program makes. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { tarOf } from './tar.ts'

export type Layer = {
  tar: Buffer
  compress?: 'none' | 'gzip' | 'zstd'
  /** Claims of the documents in place of the truth. */
  says?: { digest?: string; size?: number; diffId?: string; mediaType?: string }
}
export type ImageOf = {
  layers: readonly Layer[]
  /** Its name in the layout; absent: none. */
  name?: string
  config?: object
  platform?: { os: string; architecture: string }
}

export const sha256 = (bytes: string | Buffer): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

const MACHINE = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : process.arch }

function compressed({ tar, compress = 'gzip' }: Layer): Buffer {
  if (compress === 'none') return tar
  if (compress === 'gzip') return gzipSync(tar)
  const { status, stdout } = spawnSync('zstd', ['-q', '-c'], { input: tar, maxBuffer: 1 << 28 })
  if (status !== 0) throw new Error('zstd failed')
  return stdout
}

export const configOf = ({ layers, config = {}, platform = MACHINE }: ImageOf): Buffer =>
  Buffer.from(
    JSON.stringify({
      ...platform,
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ tar, says }) => says?.diffId ?? sha256(tar)) },
    }),
  )

/** An image layout in DIR, with these images. Returns its blobs by digest. */
export function layoutOf(dir: string, images: readonly ImageOf[]): Map<string, Buffer> {
  const blobs = new Map<string, Buffer>()
  const blob = (mediaType: string, bytes: Buffer): { mediaType: string; digest: string; size: number } => {
    const digest = sha256(bytes)
    blobs.set(digest, bytes)
    return { mediaType, digest, size: bytes.length }
  }
  const manifests = images.map((image) => {
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: blob('application/vnd.oci.image.config.v1+json', configOf(image)),
      layers: image.layers.map((layer) => {
        const suffix = layer.compress === 'none' ? '' : `+${layer.compress ?? 'gzip'}`
        const { diffId: _, ...says } = layer.says ?? {}
        return { ...blob(`application/vnd.oci.image.layer.v1.tar${suffix}`, compressed(layer)), ...says }
      }),
    }
    return {
      ...blob('application/vnd.oci.image.manifest.v1+json', Buffer.from(JSON.stringify(manifest))),
      ...(image.platform !== undefined && { platform: image.platform }),
      ...(image.name !== undefined && { annotations: { 'org.opencontainers.image.ref.name': image.name } }),
    }
  })
  mkdirSync(join(dir, 'blobs/sha256'), { recursive: true })
  for (const [digest, bytes] of blobs) writeFileSync(join(dir, 'blobs/sha256', digest.slice(7)), bytes)
  writeFileSync(join(dir, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}')
  writeFileSync(join(dir, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }))
  return blobs
}

/** Returns the files that `docker save` writes for one image. `tags`: REPO:TAG. */
export function dockerArchiveOf(image: ImageOf, tags: readonly string[]): Buffer {
  const config = configOf(image)
  const names = image.layers.map(({ tar }) => `${sha256(tar).slice(7)}/layer.tar`)
  const manifest = [{ Config: `${sha256(config).slice(7)}.json`, RepoTags: tags, Layers: names }]
  return tarOf([
    ...image.layers.map(({ tar }, n) => ({ name: names[n] as string, content: tar })),
    { name: `${sha256(config).slice(7)}.json`, content: config },
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ])
}
