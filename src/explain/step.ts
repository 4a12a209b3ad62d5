/** Pieces that all parts of an explanation use. */
import { quote } from '../text/quote.ts'
import type { Process } from '../plan/types.ts'

/**
 * One thing that the sidecar does. `also`: its points, each on a line of its own. `see`: what shows it in a shell in
 * the box, and the manual page about it.
 */
export type Step = { title: string; calls: string; why: string; also?: string[]; see?: string }

export function command({ argv, program }: Process): string {
  const words = argv.map(quote).join(' ')
  return program === undefined || program === argv[0] ? words : `${words} (program: ${quote(program)})`
}

const UNITS = [
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
] as const

export function sizeText(size: number | undefined): string {
  if (size === undefined || size === 0) return 'which may take up to half of the memory'
  return `which may hold ${sizeWords(size)}`
}

export function sizeWords(size: number): string {
  const unit = UNITS.find(([, bytes]) => size >= bytes && size % bytes === 0)
  return unit === undefined ? `${size} bytes` : `${size / unit[1]} ${unit[0]}`
}

/** What the overlay of a root lies on. `image`: where its layers come from. */
export function layersText(lowers: readonly string[], image: string | undefined): string {
  const [top = '', ...others] = lowers
  const text = others.length === 0 ? quote(top) : `${lowers.length} directories`
  return image === undefined ? text : `the image ${image} (${text})`
}
