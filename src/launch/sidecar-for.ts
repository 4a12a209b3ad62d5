/** Finds the sidecar's file for a plan. */
import * as fs from 'node:fs'
import type { Plan } from '../plan/types.ts'
import { executableCopy } from './executable-copy.ts'
import { partNames, partsOf } from './parts.ts'
import { sidecarPath } from './sidecar-path.ts'

/** By the names of the parts in it: each stays open as long as this process lives. */
const copies = new Map<string, string>()

/**
 * The sidecar looks for programs of nsbox beside its file, by a name like its own. A bundler may have put them
 * elsewhere, or have given them other names: then the file is a copy with them in it.
 */
export function sidecarFor(plan: Plan): string {
  const path = sidecarPath()
  const names = partNames(plan)
  const isBeside = (name: string): boolean => {
    const beside = path.replace(/nsbox-sidecar([^/]*)$/, `nsbox-${name}$1`)
    return beside !== path && fs.existsSync(beside)
  }
  if (names.every(isBeside)) return path
  const key = names.join()
  const copy = copies.get(key) ?? executableCopy(path, partsOf(plan))
  copies.set(key, copy)
  return copy
}
