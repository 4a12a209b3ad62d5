/** `nsbox image`: the images of the cache. What they do is in src/image/, which only this verb and a start load. */
import { hostOfCommand } from '#become-box'
import { line, print } from '../cli/output.ts'
import { verb, type TypedOption } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import type { Flags } from '../image/commands.ts'
import { lateImages } from '../lazy.ts'
import { size, wrong } from '../options/values.ts'
import { nearest } from '../text/nearest.ts'
import { printable } from '../text/printable.ts'
import { untilSignal } from './until-signal.ts'

const GROUP = 'images'

type FlagName = 'quiet' | 'json' | 'platform' | 'keep' | 'max-size' | 'insecure' | 'map-auto'

type Action = {
  /** Its words, as usage. */
  usage: string
  /** How many words it takes. */
  least: number
  most: number
  takes: readonly FlagName[]
}

const ACTIONS = {
  pull: {
    usage: 'pull REF...',
    least: 1,
    most: Infinity,
    takes: ['quiet', 'json', 'platform', 'max-size', 'insecure', 'map-auto'],
  },
  ls: { usage: 'ls', least: 0, most: 0, takes: ['json', 'quiet'] },
  inspect: {
    usage: 'inspect REF',
    least: 1,
    most: 1,
    takes: ['json', 'platform'],
  },
  rm: {
    usage: 'rm REF...',
    least: 1,
    most: Infinity,
    takes: ['quiet', 'json', 'platform'],
  },
  prune: {
    usage: 'prune [--keep SIZE|TIME]',
    least: 0,
    most: 0,
    takes: ['quiet', 'json', 'keep'],
  },
  verify: {
    usage: 'verify [REF...]',
    least: 0,
    most: Infinity,
    takes: ['quiet', 'json', 'platform'],
  },
  unpack: {
    usage: 'unpack REF DIR',
    least: 2,
    most: 2,
    takes: ['quiet', 'json', 'platform', 'max-size', 'insecure', 'map-auto'],
  },
} as const satisfies Record<string, Action>

type Name = keyof typeof ACTIONS
export const IMAGE_ACTIONS = Object.keys(ACTIONS) as Name[]

type Request = { action: Name; words: string[]; flags: Flags }

export const image = verb<Request>({
  usage: 'image ACTION [REF...] [OPTIONS]',
  doc: 'pull, list and remove images of whole systems',
  examples: [
    'nsbox image pull ./app.tar',
    'nsbox image pull --json oci:./layout:v1',
    'nsbox image ls',
    'nsbox image inspect ./app.tar',
    'nsbox image rm ./app.tar',
    'nsbox image prune --keep 20g',
    'nsbox image verify',
    'nsbox image unpack ./app.tar ./root',
  ],
  own: [
    { name: 'quiet', short: 'q', group: GROUP, doc: 'print nothing but errors; ls prints only ids' },
    { name: 'json', group: GROUP, doc: 'print the result as JSON' },
    {
      name: 'platform',
      group: GROUP,
      value: 'OS/ARCH[/VARIANT]',
      doc: "the image for this platform, such as linux/arm64 (default: this machine's)",
    },
    {
      name: 'keep',
      group: GROUP,
      value: 'SIZE|TIME',
      doc: 'prune also images, those unused for the longest time first: until the rest fits in SIZE (20g), or those unused for TIME (30d, 12h)',
    },
    {
      name: 'max-size',
      group: GROUP,
      value: 'SIZE',
      doc: "bytes that a layer's files may have, such as 100g (default: a hundred times the archive's, at least 4g)",
    },
    { name: 'insecure', group: GROUP, doc: 'allow plain http, too, for a registry on another machine' },
    { name: 'map-auto', group: GROUP, doc: 'unpack for boxes with --map-auto, which keep the owners of files' },
  ],
  words: Infinity,
  parse({ typed, rest: [word, ...words] }) {
    const action = IMAGE_ACTIONS.find((name) => name === word)
    if (action === undefined) throw unknownAction(word)
    const { usage, least, most } = ACTIONS[action]
    if (words.includes('')) throw new UsageError(`image ${action}: empty word ''`, `nsbox image ${usage}`)
    if (words.length < least || words.length > most)
      throw new UsageError(
        words.length < least
          ? `image ${action}: too few words`
          : `image ${action}: one word too many: '${printable(words[most] ?? '')}'`,
        `nsbox image ${usage}`,
      )
    return { action, words, flags: flagsOf(action, typed) }
  },
  run({ action, words, flags }) {
    const host = hostOfCommand()
    const { COMMANDS, createReporter, styleFor } = lateImages()
    const reporter = createReporter({
      write: (text) => void print(text, 2),
      style: styleFor(flags.quiet === true, flags.json === true, process.stderr.isTTY, host.variable('TERM')),
      columns: () => process.stderr.columns,
    })
    const end = reporter.end
    return untilSignal('image', async (signal) => {
      try {
        return await COMMANDS[action](words, {
          host,
          flags,
          out: (text) => {
            end()
            line(text)
          },
          onProgress: reporter.onProgress,
          signal,
        })
      } finally {
        end()
      }
    })
  },
})

function unknownAction(word: string | undefined): UsageError {
  const near = word === undefined ? undefined : nearest(word, IMAGE_ACTIONS)
  return new UsageError(
    word === undefined ? 'image: the action is missing' : `image: unknown: '${printable(word)}'`,
    near === undefined ? `one of ${IMAGE_ACTIONS.join(', ')}` : `the nearest is ${near}`,
  )
}

function flagsOf(action: Name, typed: readonly TypedOption[]): Flags {
  const takes: readonly string[] = ACTIONS[action].takes
  const flags: Flags = {}
  for (const { option, value } of typed) {
    if (!takes.includes(option.name))
      throw wrong(option.name, `nsbox image ${action} does not take it`, `nsbox image ${ACTIONS[action].usage}`)
    if (option.name === 'quiet') flags.quiet = true
    else if (option.name === 'json') flags.json = true
    else if (option.name === 'insecure') flags.insecure = true
    else if (option.name === 'map-auto') flags.mapAuto = true
    else if (option.name === 'platform') flags.platform = value
    else if (option.name === 'max-size') flags.maxSize = size('max-size', value)
    else flags.keep = keepOf(value)
  }
  return flags
}

const UNITS = { s: 1000, h: 3600000, d: 86400000 } as const

/** "m" is a size, as elsewhere: nobody keeps images for minutes. */
function keepOf(value: string): NonNullable<Flags['keep']> {
  if (value === '0') return { bytes: 0 }
  const [, digits, unit] = /^(\d{1,9})([shd])$/.exec(value) ?? []
  if (unit !== undefined) return { milliseconds: Number(digits) * UNITS[unit as keyof typeof UNITS] }
  return { bytes: size('keep', value) }
}
