import { readFileSync } from 'node:fs'
import embedded from '../../dist/nsbox-sidecar' with { type: 'file' }
import { encodePlan } from '../plan/encode.ts'
import type { Plan } from '../plan/types.ts'

const MAGIC = 'NSBOXPLN'

/**
 * The sidecar with a plan at its end, as sidecar/source.c reads it: the ELF file, the plan, its length in 8 bytes (little
 * endian), and 8 bytes that say that there is one.
 */
export function withPlan(plan: Plan): Uint8Array[] {
  const text = Buffer.from(encodePlan(plan))
  const end = Buffer.alloc(16)
  end.writeBigUInt64LE(BigInt(text.length))
  end.write(MAGIC, 8, 'latin1')
  return [readFileSync(embedded), text, end]
}
