/** `nsbox image` with a cache of the test's own, and what is in that cache. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { nsbox, type Ran } from './nsbox.ts'

export const cacheEnv = (dir: string): NodeJS.ProcessEnv => ({ ...process.env, NSBOX_CACHE: join(dir, 'cache') })

/** Runs `nsbox image` with a cache below DIR. */
export function image(dir: string, ...args: string[]): Ran {
  return nsbox(['image', ...args], { env: cacheEnv(dir) })
}

/** Returns what a command that succeeded has printed. */
export function result(ran: Ran): string {
  assert.is(ran.status, 0, ran.stderr)
  return ran.stdout
}

export type Inspected = {
  id: string
  config: Record<string, unknown>
  layers: { chainId: string; unpacked: { ids: string; path: string; skipped: number }[] }[]
}

export const inspect = (dir: string, reference: string): Inspected =>
  JSON.parse(result(image(dir, 'inspect', reference))) as Inspected

/** The trees of an image, the lowest first. */
export const treesOf = (dir: string, reference: string): string[] =>
  inspect(dir, reference).layers.map(({ unpacked }) => unpacked[0]?.path ?? '')

/** Names in the layers' directories of all kinds of id maps. */
export function layersIn(dir: string): string[] {
  const layers = join(dir, 'cache/images/v1/layers')
  if (!existsSync(layers)) return []
  return readdirSync(layers).flatMap((kind) => readdirSync(join(layers, kind)).filter((name) => name !== 'map.json'))
}

/** Lists what killed or failed pulls have left. */
export const leftIn = (dir: string): string[] => layersIn(dir).filter((name) => /^(tmp|gone)-/.test(name))
