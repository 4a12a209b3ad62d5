/** The plan that a running nsbox carries out, read from the process itself. */
import * as fs from 'node:fs'
import { PlanError } from '../plan/error.ts'
import { parsePlan } from '../plan/parse.ts'
import type { Plan } from '../plan/types.ts'
import { bytesOf, link, reading } from './processes.ts'
import { MAGIC, TRAILER_BYTES } from './trailer.ts'

/** Bytes, as in sidecar/plan/plan_source.c. */
export const MAX_PLAN = 256 << 20

/**
 * The bytes of the plan of a process: from its executable, or from a file that it has open; undefined where it isn't
 * our sidecar. DIRECTORY: the process in /proc. `inMemory`: only files in memory are opened, as a stranger's file could
 * lie on a file system that never answers.
 */
export function planBytes(directory: string, most: number, inMemory: boolean): Uint8Array | undefined {
  const mayOpen = !inMemory || link(`${directory}/exe`)?.startsWith('/memfd:')
  return (mayOpen ? trailerOf(`${directory}/exe`, most) : undefined) ?? keptBy(`${directory}/fd`, most)
}

/** The plan in BYTES; undefined for one that another version of nsbox has made. Throws PlanError for what isn't one. */
export function knownPlan(bytes: Uint8Array): Plan | undefined {
  try {
    return parsePlan(bytes)
  } catch (error) {
    if (!(error instanceof PlanError) || error.pointer !== '/contract') throw error
    return undefined
  }
}

function trailerOf(path: string, most: number): Uint8Array | undefined {
  return reading(path, (fd, size) => {
    const text = size - TRAILER_BYTES
    if (text <= 0) return undefined
    const end = Buffer.from(bytesOf(fd, text, TRAILER_BYTES))
    if (end.length < TRAILER_BYTES || end.toString('latin1', 8) !== MAGIC) return undefined
    const length = end.readBigUInt64LE()
    return length > BigInt(Math.min(text, most)) ? undefined : bytesOf(fd, text - Number(length), Number(length))
  })
}

/** The plan that source_keep holds open, sidecar/plan/plan_source.c. */
function keptBy(directory: string, most: number): Uint8Array | undefined {
  let names: string[]
  try {
    names = fs.readdirSync(directory)
  } catch {
    return undefined
  }
  const kept = names.find((fd) => link(`${directory}/${fd}`)?.startsWith('/memfd:nsbox-plan '))
  return kept === undefined
    ? undefined
    : reading(`${directory}/${kept}`, (fd, size) => (size > most ? undefined : bytesOf(fd, 0, size)))
}
