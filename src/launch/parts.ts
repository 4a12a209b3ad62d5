/** Programs of nsbox that plans call by a name, so that no plan names a path of one machine. */
import { readFileSync } from 'node:fs'
import { partPath } from '#parts'
import type { Helper, Plan } from '../plan/types.ts'
import { PART_MAGIC } from './trailer.ts'

type Part = NonNullable<Helper['part']>

/** The names in a plan, each once. */
export function partNames({ helpers = [], mounts = [] }: Pick<Plan, 'helpers' | 'mounts'>): Part[] {
  const names = new Set<Part>()
  for (const { part } of helpers) if (part !== undefined) names.add(part)
  for (const { type } of mounts) if (type === 'hide' || type === 'sockets') names.add('hide')
  return [...names]
}

/** These programs as the sidecar finds them behind its own, each with its end: sidecar/plan/part.c. */
export function partsOf(plan: Plan): Uint8Array[] {
  const parts: Uint8Array[] = []
  for (const name of partNames(plan)) {
    const program = readFileSync(partPath(name))
    const end = Buffer.alloc(16 + PART_MAGIC.length)
    end.write(name, 'latin1')
    end.writeBigUInt64LE(BigInt(program.length), 8)
    end.write(PART_MAGIC, 16, 'latin1')
    parts.push(program, end)
  }
  return parts
}
