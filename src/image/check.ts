/** Compares the layers of the cache with what was noted when they were unpacked. */
import type { HostFacts } from '../host/types.ts'
import { runHelper } from './helper.ts'
import type { Inventory, Kept } from './inventory.ts'
import { hexOf } from './places.ts'

type Difference = {
  /** sha256:HEX of the layer's chain. */
  layer: string
  /** Name of the kind of id map. */
  kind: string
  /** Where, below the layer's root. */
  path: string
}
type Checked = { layers: number; differences: Difference[] }

/** Reads all files of the images, each layer once. */
export async function checkImages(
  images: readonly Kept[],
  { kinds }: Inventory,
  host: HostFacts,
  signal?: AbortSignal,
): Promise<Checked> {
  const result: Checked = { layers: 0, differences: [] }
  for (const { map, directory, layers } of kinds) {
    const done = new Set<string>()
    for (const { chainIds } of images)
      for (const [n, chainId] of chainIds.entries()) {
        if (done.has(chainId) || !layers.includes(hexOf(chainId))) continue
        done.add(chainId)
        result.layers++
        const below = chainIds.slice(0, n).reverse()
        await runHelper(
          {
            map,
            args: ['verify'],
            target: `${directory}/${hexOf(chainId)}`,
            lowers: below.map((lower) => `${directory}/${hexOf(lower)}/fs`),
            onEvent: ({ event, path }) => {
              if (event === 'differs') result.differences.push({ layer: chainId, kind: map.name, path: String(path) })
            },
            ...(signal !== undefined && { signal }),
          },
          host,
        )
      }
  }
  return result
}
