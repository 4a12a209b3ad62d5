/** Images in a cache, made by hand: what a pull would leave, for tests of boxes that run in them. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { thisHost } from '../../src/host/bun.ts'
import type { HostFacts } from '../../src/host/types.ts'
import type { ImageConfig } from '../../src/image/image.ts'
import { mapKind } from '../../src/image/map.ts'
import { paths } from '../../src/image/places.ts'
import { chainIdsOf, writeRecord, type ImageRecord, type RefRecord } from '../../src/image/store.ts'
import { platformOf, platformText } from '../../src/image/platform.ts'

export const REFERENCE = 'registry.example/app:1'
export const DIGEST = `sha256:${'d'.repeat(64)}`

type Layer = (directory: string) => void

/**
 * Puts the image REFERENCE into a cache, for boxes with these options. LAYERS fill the directories, the lowest first.
 * Returns the directories of the layers.
 */
export function putImage(
  cache: string,
  layers: readonly Layer[],
  config: Partial<ImageConfig> = {},
  options: { mapAuto?: true } = {},
): string[] {
  const host: HostFacts = thisHost()
  const images = join(cache, 'images/v1')
  const platform = platformText(platformOf(host.machine))
  const diffIds = layers.map((_, n) => `sha256:${String(n).padStart(64, '0')}`)
  const chainIds = chainIdsOf(diffIds)
  const id = `sha256:${'e'.repeat(64)}`
  for (const name of ['', 'images', 'refs', 'layers']) mkdirSync(join(images, name), { recursive: true, mode: 0o700 })
  const record: ImageRecord = { id, config: { env: [], labels: {}, ...config }, diffIds, chainIds, size: 1 }
  const ref: RefRecord = { reference: REFERENCE, platform, digest: DIGEST, id, pulled: '2026-01-01T00:00:00Z' }
  writeRecord(paths.image(images, id), record)
  writeRecord(paths.reference(images, REFERENCE, platform), ref)
  return layers.map((fill, n) => {
    const layer = paths.layer(images, mapKind(options, host).name, chainIds[n] as string)
    mkdirSync(join(layer, 'fs'), { recursive: true, mode: 0o755 })
    fill(join(layer, 'fs'))
    writeFileSync(join(layer, 'layer.json'), '{}\n')
    return join(layer, 'fs')
  })
}

/** Makes a whiteout: from Linux 5.8 on anybody may. */
export function whiteout(path: string): void {
  const { status, stderr } = spawnSync('mknod', [path, 'c', '0', '0'], { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}
