import { readFileSync } from 'node:fs'
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'
import { sidecarPath } from './embedded.ts'
import { MAGIC, TRAILER_BYTES } from './trailer.ts'

/** The sidecar with a plan at its end. */
export function withPlan(plan: Plan): Uint8Array[] {
  const text = Buffer.from(encodePlan(plan))
  const end = Buffer.alloc(TRAILER_BYTES)
  end.writeBigUInt64LE(BigInt(text.length))
  end.write(MAGIC, 8, 'latin1')
  return [readFileSync(sidecarPath()), text, end]
}
