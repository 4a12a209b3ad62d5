/** Extended attributes of changed files: neither Node nor Bun has calls for them, so a helper in a box sets them. */
import type { HostFacts } from '../host/types.ts'
import { startHelper } from '../image/helper.ts'
import { mapKind } from '../image/map.ts'
import { toBytes } from '../text/bytes.ts'
import { isBrought } from './attribute-names.ts'
import type { ReviewRecord } from './record.ts'
import type { Change } from './types.ts'

/** Gives what was applied in the directory PLACE the user.* attributes that it has in UPPER. Rejects with SandboxError. */
export async function bringAttributes(
  upper: string,
  place: string,
  changes: readonly Change[],
  attributes: ReviewRecord['attributes'],
  host: HostFacts,
): Promise<void> {
  const top = place === '/' ? '' : place
  const paths = changes
    .filter((change) => change.kind !== 'removed' && change.attributes?.some(isBrought))
    .map(({ path }) => `${path.slice(top.length + 1)}\0`)
  if (paths.length === 0) return
  const map = attributes === 'trusted' ? 'initial' : mapKind({}, host)
  const running = startHelper({ map, args: ['attributes'], lowers: [upper], target: place, input: 'pipe' }, host)
  running.input?.end(toBytes(paths.join('')))
  await running.ended
}
