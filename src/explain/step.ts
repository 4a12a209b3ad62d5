/** Pieces that all parts of an explanation use. */
import { quote } from '../text/quote.ts'
import type { See } from './see.ts'
import type { FileSystem, Process, Root } from '../plan/types.ts'

/** What begins with a step: the box has a process, that stays as process 1, that becomes the command. */
type Moment = 'process' | 'init' | 'command'

/**
 * One thing that the sidecar does. `also`: its points, each on a line of its own. `see`: what shows it. `targets`:
 * paths of the box that it makes or changes.
 */
export type Step = {
  title: string
  calls: string
  why: string
  also?: string[]
  see?: See
  targets?: readonly string[]
  moment?: Moment
}

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

type Layers = Pick<Extract<Root, { type: 'layers' }>, 'lowers' | 'filesystems' | 'image'>

/** The directories on which the overlay of a root lies. */
export function layersText({ lowers, filesystems = [], image }: Layers): string {
  const directories = lowers.length > 1 ? `${lowers.length} directories` : lowers.map(quote)[0]
  const mounted = filesystems.length > 1 ? `${filesystems.length} file systems` : filesystems.map(filesystemText)[0]
  const text = [directories, mounted].filter((part) => part !== undefined).join(' and ')
  return image === undefined ? text : `the image ${image} (${text})`
}

export function filesystemText({ path, type, offset = 0, inner }: FileSystem): string {
  const text = `the ${type} in ${quote(path)}${offset === 0 ? '' : ` from byte ${offset} on`}`
  return inner === undefined ? text : `the ${inner.type} in the file ${quote(inner.path)} of ${text}`
}
