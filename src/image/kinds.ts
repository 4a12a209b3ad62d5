/** The cache's directories of layers, one for each kind of id map. */
import type { HostFacts } from '../host/types.ts'
import type { MapKind } from './map.ts'
import { ensureDirectory, readRecord, writeRecord } from './store.ts'

/** Name of a kind's id map, beside its layers: who removes them needs it. */
const MAP_FILE = 'map.json'
/** The directory of layers of a kind. */
export function layersDirectory(map: MapKind, host: HostFacts): string {
  const directory = ensureDirectory(host, `layers/${map.name}`)
  const path = `${directory}/${MAP_FILE}`
  if (readRecord(path) === undefined) writeRecord(path, map)
  return directory
}

/** The id map of a kind that has layers in the cache. */
export function mapOf(directory: string): MapKind | undefined {
  return readRecord<MapKind>(`${directory}/${MAP_FILE}`)
}
