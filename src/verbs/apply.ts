/** `nsbox apply`: brings what a box with `--changes review` has changed to the host. */
import { hostOfCommand } from '#become-box'
import { print } from '../cli/output.ts'
import { verb, type TypedOption } from '../cli/verb.ts'
import { UsageError } from '../errors.ts'
import { absolute } from '../host/absolute.ts'
import { lateReview } from '../lazy.ts'
import { safeJson } from '../plan/encode.ts'
import { cleanPath } from '../plan/box-path.ts'
import { printable } from '../text/printable.ts'
import { changeLine, reviewOf } from './changes.ts'

type Request = { word: string | undefined; only: string[]; overwrite: boolean; json: boolean; quiet: boolean }

export const apply = verb<Request>({
  usage: 'apply [REVIEW|DIR] [--only GLOB] [--overwrite]',
  doc: 'bring the changes of a review to the host',
  examples: ['nsbox apply', "nsbox apply --only 'src/**'", 'nsbox apply --only package.json --only src'],
  own: [
    {
      name: 'only',
      group: 'reporting',
      value: 'GLOB',
      repeat: true,
      doc: 'take only the changes that GLOB names, from your directory on: *, ?, [a-z] within a name, ** through directories; a directory stands for all that is in it',
    },
    {
      name: 'overwrite',
      group: 'reporting',
      doc: 'take what the box has written also where the host has changed since',
    },
    { name: 'json', group: 'reporting', doc: 'print what was applied as JSON' },
    { name: 'quiet', short: 'q', group: 'reporting', doc: 'print nothing but errors' },
  ],
  words: Infinity,
  parse({ typed, rest: [word, extra] }) {
    if (extra !== undefined || word === '')
      throw new UsageError(
        word === '' ? "apply: empty word ''" : `apply: one word too many: '${printable(extra ?? '')}'`,
        'nsbox apply [REVIEW|DIR] [--only GLOB]',
      )
    const has = (name: string): boolean => typed.some(({ option }: TypedOption) => option.name === name)
    const only = typed.filter(({ option }) => option.name === 'only').map(({ value }) => value)
    return { word, only, overwrite: has('overwrite'), json: has('json'), quiet: has('quiet') }
  },
  async run({ word, only, overwrite, json, quiet }) {
    const host = hostOfCommand()
    const review = reviewOf(word, host)
    const patterns = only.map((glob) => cleanPath(absolute(glob, host)))
    const result = await lateReview().applyChanges(review, host, {
      ...(patterns.length > 0 && { patterns }),
      overwrite,
    })
    if (json) return print(`${safeJson({ review: review.id, ...result })}\n`)
    if (quiet) return 0
    for (const change of [...result.applied, ...result.held]) print(`${changeLine(change, review.record.cwd)}\n`)
    if (result.applied.length === 0 && result.held.length === 0)
      print(`nothing was applied${only.length === 0 ? '' : ': --only names none of the changes'}\n`, 2)
    return 0
  },
})
